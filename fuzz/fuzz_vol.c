/* Opens mutated partition tables, LVM metadata and LUKS headers, and reads from what they give. */
#include "sparse_source.h"
#include "vol/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 3, VOLUMES_MAX = 16 };

static void read_some(cn_src *src)
{
    uint8_t bytes[70000];
    size_t n;
    (void) !cn_src_read_some(src, 0, bytes, sizeof bytes, &n, NULL);
    (void) !cn_src_read_some(src, src->size / 2, bytes, 5000, &n, NULL);
    (void) !cn_src_read_some(src, src->size - CN_MIN(src->size, 5000u), bytes, sizeof bytes, &n,
                             NULL);
    (void) cn_src_next_data(src, src->size / 3);
}

static void open_with(cn_src *src, const cn_volume_ops *ops, unsigned depth)
{
    cn_src *others[] = {src};
    const cn_volume_keys keys = {
        .passphrase = CN_SPAN_LIT("x"), .has_passphrase = true, .others = others, .n_others = 1};
    cn_volumes *volumes = NULL;
    cn_err err = CN_ERR_INIT;
    if (ops->open(src, &keys, &volumes, &err) != CN_OK) {
        if (err.code == CN_OK)
            __builtin_trap(); /* a failure without its error */
        return;
    }
    for (size_t i = 0; i < volumes->n && i < VOLUMES_MAX; i++) {
        cn_src *inner = volumes->list[i].src;
        if (!inner)
            continue;
        read_some(inner);
        const cn_volume_ops *next = depth < DEPTH_MAX ? cn_volumes_probe(inner, NULL) : NULL;
        if (next)
            open_with(inner, next, depth + 1);
    }
    cn_volumes_close(volumes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"mbr", "gpt", "lvm", "luks"};
    cn_src *src = sparse_open(cn_span_of(data, size));
    for (size_t i = 0; src && i < CN_LEN(names); i++)
        if (cn_volumes_by_name(names[i])->probe(src))
            open_with(src, cn_volumes_by_name(names[i]), 0);
    cn_src_close(src);
    return 0;
}
