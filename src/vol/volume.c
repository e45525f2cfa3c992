#include "vol/volume.h"

#include <stdlib.h>

#define CN_VOLUME_SYSTEM(name) extern const cn_volume_ops cn_volume_##name##_ops;
#include "vol/volumes.def"
#undef CN_VOLUME_SYSTEM

static const cn_volume_ops *const systems[] = {
#define CN_VOLUME_SYSTEM(name) &cn_volume_##name##_ops,
#include "vol/volumes.def"
#undef CN_VOLUME_SYSTEM
};

#define WARNINGS_MAX 64u

const cn_volume_ops *cn_volumes_probe(cn_src *src, unsigned *out_bits)
{
    const cn_volume_ops *best = NULL;
    unsigned most = 0;
    for (size_t i = 0; i < CN_LEN(systems); i++) {
        unsigned bits = systems[i]->probe(src);
        if (bits > most) {
            most = bits;
            best = systems[i];
        }
    }
    if (out_bits)
        *out_bits = most;
    return best;
}

const cn_volume_ops *cn_volumes_by_name(const char *name)
{
    for (size_t i = 0; i < CN_LEN(systems); i++)
        if (strcmp(systems[i]->name, name) == 0)
            return systems[i];
    return NULL;
}

cn_volumes *cn_volumes_new(const char *system)
{
    cn_volumes *v = calloc(1, sizeof *v);
    if (v) {
        v->system = system;
        v->sector_size = 512;
    }
    return v;
}

cn_volume *cn_volumes_add(cn_volumes *volumes)
{
    if (volumes->n >= CN_VOLUMES_MAX)
        return NULL;
    cn_volume *grown = realloc(volumes->list, (volumes->n + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    volumes->list = grown;
    cn_volume *added = &grown[volumes->n++];
    *added = (cn_volume){.offset = CN_NO_OFFSET, .err = CN_ERR_INIT};
    return added;
}

void cn_volumes_warn(cn_volumes *volumes, const cn_err *warning)
{
    if (volumes->n_warnings >= WARNINGS_MAX)
        return;
    cn_err *grown = realloc(volumes->warnings, (volumes->n_warnings + 1) * sizeof *grown);
    if (!grown)
        return;
    volumes->warnings = grown;
    grown[volumes->n_warnings++] = *warning;
}

cn_volumes *cn_volumes_close(cn_volumes *volumes)
{
    if (!volumes)
        return NULL;
    for (size_t i = 0; i < volumes->n; i++)
        cn_src_close(volumes->list[i].src);
    if (volumes->release)
        volumes->release(volumes->state);
    free(volumes->list);
    free(volumes->warnings);
    explicit_bzero(&volumes->key, sizeof volumes->key);
    free(volumes);
    return NULL;
}
