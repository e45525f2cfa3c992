#include "job/evidence_known.h"

static const cn_known_content contents[] = {
    {4086, "SWAPSPACE2", "swap", true},
    {4086, "SWAP-SPACE", "swap", true},
    {65526, "SWAPSPACE2", "swap", true},
    {0x10040, "_BHRfS_M", "btrfs", false},
    {3, "-FVE-FS-", "BitLocker", false},
    {0, "LUKS\xba\xbe", "LUKS", false},
    {4096, "\xfc\x4e\x2b\xa9", "a member of a Linux RAID", false},
    {0, "\xfc\x4e\x2b\xa9", "a member of a Linux RAID", false},
    {0, "hsqs", "squashfs", false},
    {1024, "\xe2\xe1\xf5\xe0", "EROFS", false},
    {1024, "\x10\x20\xf5\xf2", "F2FS", false},
    {3, "ReFS", "ReFS", false},
    {65600, "ReIsEr", "ReiserFS", false},
    {32768, "JFS1", "JFS", false},
    {0, "<<< Oracle VM VirtualBox Disk Image >>>", "a VirtualBox disk (VDI)", false},
    {0, "AFF10", "an AFF image", false},
    {64, "\x7f\x10\xda\xbe", "a VirtualBox disk (VDI)", false},
};

const cn_known_content *cn_known_content_of(cn_src *src)
{
    for (size_t i = 0; i < CN_LEN(contents); i++) {
        const cn_known_content *c = &contents[i];
        char bytes[64];
        size_t n = strlen(c->magic);
        if (src->size > c->offset && src->size - c->offset >= n &&
            cn_src_read(src, c->offset, bytes, n, NULL) == CN_OK && memcmp(bytes, c->magic, n) == 0)
            return c;
    }
    return NULL;
}

bool cn_known_without_files(const char *volume_type)
{
    static const char *const types[] = {"BIOS boot",
                                        "PReP boot",
                                        "0x41 PReP boot",
                                        "Microsoft reserved",
                                        "Windows LDM metadata",
                                        "0xda no file system"};
    for (size_t i = 0; i < CN_LEN(types); i++)
        if (strcmp(types[i], volume_type) == 0)
            return true;
    return false;
}
