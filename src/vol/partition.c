#include "vol/partition.h"

#include <stdio.h>

int cn_partition_add(cn_volumes *volumes, cn_src *src, uint32_t number, uint64_t offset,
                     uint64_t size, cn_volume **out, cn_err *err)
{
    cn_volume *v = cn_volumes_add(volumes);
    if (!v)
        return cn_fail(err, CN_E_LIMIT, offset, "more than %u partitions", CN_VOLUMES_MAX);
    snprintf(v->name, sizeof v->name, "p%u", number);
    v->number = number;
    v->offset = offset;
    v->size = size;
    if (offset >= src->size)
        cn_fail(&v->err, CN_E_TRUNCATED, offset, "the image ends at %llu, before this partition",
                (unsigned long long) src->size);
    else if (size > src->size - offset)
        cn_fail(&v->err, CN_E_TRUNCATED, src->size,
                "the image ends here, %llu bytes before the end of this partition",
                (unsigned long long) (size - (src->size - offset)));
    if (offset < src->size && !(v->src = cn_src_window(src, offset, size)))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if (v->src)
        v->src->sector_size = volumes->sector_size;
    *out = v;
    return CN_OK;
}

void cn_partition_check_overlap(cn_volumes *volumes)
{
    for (size_t i = 0; i < volumes->n; i++)
        for (size_t k = 0; k < i; k++) {
            const cn_volume *a = &volumes->list[i], *b = &volumes->list[k];
            if (a->offset < b->offset + b->size && b->offset < a->offset + a->size) {
                cn_err err = CN_ERR_INIT;
                cn_fail(&err, CN_E_CORRUPT, a->offset, "%s and %s overlap", b->name, a->name);
                cn_volumes_warn(volumes, &err);
                break;
            }
        }
}

void cn_partition_guid(const uint8_t g[16], char out[40])
{
    snprintf(out, 40, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", g[3],
             g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13],
             g[14], g[15]);
}
