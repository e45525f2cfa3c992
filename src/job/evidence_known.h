/* What stands on a volume and is no file system that Cairn reads: named, so that it is not taken for damage. */
#pragma once

#include "img/source.h"

typedef struct cn_known_content {
    uint64_t offset;
    const char *magic; /* without NUL */
    const char *name;
    bool
        expected; /* holds no files in any case (swap): nothing is missing when it is passed over */
} cn_known_content;

/* What src begins with; NULL where it is nothing of these. */
const cn_known_content *cn_known_content_of(cn_src *src);
/* True where a volume of this type (cn_volume.type) has no file system in it: boot loader code, reserved space. */
CN_MUST_USE bool cn_known_without_files(const char *volume_type);
