/* Volume systems: what divides or wraps a medium into volumes (partition tables, LVM2, LUKS). One
 * line each in volumes.def. One owner, one thread. */
#pragma once

#include "img/source.h"

#define CN_VOLUMES_MAX 1024u /* of one volume system; LVM and GPT hold a few hundred at most */

typedef struct cn_volume {
    char name[192];  /* "p2", "lvm/vg0/root", "luks": unique within its system */
    char type[80];   /* what the table says it is: "Linux filesystem", "0x83 Linux", "linear",
                        "aes-xts-plain64" */
    char guid[40];   /* the volume's own id, "" where it has none */
    char label[160]; /* UTF-8, "" where it has none */
    uint64_t offset; /* in the medium, bytes; CN_NO_OFFSET where it is mapped piece by piece */
    uint64_t size;   /* bytes, as declared; src may be shorter where the medium ends early */
    uint32_t number; /* of the partition, from 1; 0 where it has none */
    cn_src *src;     /* its bytes, borrowed from the system; NULL where they cannot be read */
    cn_err err;      /* why not, or what is wrong with it; code CN_OK where nothing is */
} cn_volume;

/* The key of an encrypted volume. Deriving it from a passphrase takes seconds and up to gigabytes, so it is done once
 * and handed to whoever opens the same volume again. */
typedef struct cn_volume_key {
    char id[40]; /* the encrypted volume's */
    uint8_t bytes[64];
    size_t n; /* 0: none */
} cn_volume_key;

typedef struct cn_volumes {
    const char *system; /* "gpt", "mbr", "lvm", "luks" */
    char guid[40];      /* of the disk, volume group or encrypted volume */
    char label[160];
    uint32_t sector_size;
    cn_volume_key key; /* that it was opened with */
    cn_src *first; /* of a system on several media: the one that it lists first of those at hand;
                      borrowed; NULL for others */
    cn_volume *list;
    size_t n;
    cn_err
        *warnings; /* findings that cost less than the system: a damaged first table, an overlap */
    size_t n_warnings;
    void *state; /* of the implementation, freed by release */
    void (*release)(void *state);
} cn_volumes;

/* What opening may need besides the bytes. Borrowed. */
typedef struct cn_volume_keys {
    cn_span passphrase;
    bool has_passphrase;
    const cn_volume_key *known; /* tried before the passphrase */
    size_t n_known;
    bool known_only; /* a passphrase has been tried: `known` is what came of it */
    cn_src *const *
        others; /* further media that may hold parts of the same system (physical volumes of LVM) */
    size_t n_others;
} cn_volume_keys;

typedef struct cn_volume_ops {
    const char *name;
    /* Bits of certainty, 0: not mine. Never fails loudly. */
    unsigned (*probe)(cn_src *src);
    /* src is borrowed and must outlive the volumes. CN_E_LOCKED: encrypted, and no key or not the
     * right one. */
    int (*open)(cn_src *src, const cn_volume_keys *keys, cn_volumes **out, cn_err *err);
} cn_volume_ops;

/* The surest of volumes.def, NULL where none knows it. *out_bits (may be NULL) is its certainty. */
const cn_volume_ops *cn_volumes_probe(cn_src *src, unsigned *out_bits);

/* NULL where there is none of that name. */
const cn_volume_ops *cn_volumes_by_name(const char *name);

/* For implementations: whether a checksum was right. A fuzzer finds no right one: there all are, so that what lies behind
 * them is reached. */
static inline bool cn_sum_is_right(bool right)
{
#ifdef CN_FUZZING
    (void) right;
    return true;
#else
    return right;
#endif
}

/* For implementations: an empty system, and a zeroed volume in it (NULL without memory or at
 * CN_VOLUMES_MAX). */
cn_volumes *cn_volumes_new(const char *system);
cn_volume *cn_volumes_add(cn_volumes *volumes);
/* Keeps a warning, of which at most 64; the err that it takes is left as it is. */
void cn_volumes_warn(cn_volumes *volumes, const cn_err *warning);

cn_volumes *cn_volumes_close(cn_volumes *volumes);
CN_DEFINE_CLEANUP(cn_volumes, cn_volumes_close)
