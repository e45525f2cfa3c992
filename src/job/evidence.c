/* Opens what the sources hold, layer by layer. Physical volumes of LVM are set aside until all sources have been looked
 * at, since a group may stand on several. */
#include "job/evidence.h"

#include "base/hash.h"
#include "fs/archive/fs_archive.h"
#include "fs/dir/fs_dir.h"
#include "fs/single/fs_single.h"
#include "img/image.h"
#include "job/evidence_known.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DEPTH_MAX 8u /* of volumes in volumes: partition, LUKS, LVM, partition, ... */
#define NODES_MAX 8192u
#define SURE_BITS                                                                                  \
    40u /* from here on a volume system is believed before a file system is looked for */
#define FINGERPRINT_END CN_MIB(1)  /* bytes at both ends of the medium that are hashed */
#define FINGERPRINT_VOL CN_KIB(64) /* bytes at the start of each volume */

/* A physical volume of LVM, where it stands. */
typedef struct pv {
    cn_node *node;
    cn_src *src;
    size_t source;
    bool selected, lent;
    unsigned depth;
} pv;

typedef struct owned {
    void *thing;
    void (*free)(void *thing);
} owned;

struct cn_evidence {
    cn_node **sources;
    uint64_t *image_ids;
    bool *elsewhere; /* by source */
    cn_files *const *files;
    size_t n_sources, n_nodes;
    cn_mount *mounts;
    size_t n_mounts;
    pv *pvs;
    size_t n_pvs;
    owned *owned; /* freed last first */
    size_t n_owned;
    cn_volume_key *keys; /* of the encrypted volumes that were opened */
    size_t n_keys;
    cn_evidence_options options;
    bool any_selected;
};

/* Where the descent is. */
typedef struct place {
    cn_node *node; /* what is found is put under it */
    cn_src *src;
    size_t source;
    const char *volume; /* whole name; "" for the medium itself */
    bool selected, lent;
    unsigned depth;
} place;

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
}

/* --- Ownership and nodes. */

static void free_src(void *p) { cn_src_close(p); }
static void free_volumes(void *p) { cn_volumes_close(p); }
static void free_fs(void *p) { cn_fs_close(p); }

/* From here on the evidence frees it, also when this fails. */
static int own(cn_evidence *ev, void *thing, void (*free_thing)(void *), cn_err *err)
{
    owned *grown = realloc(ev->owned, (ev->n_owned + 1) * sizeof *grown);
    if (!grown) {
        free_thing(thing);
        return no_memory(err);
    }
    ev->owned = grown;
    grown[ev->n_owned++] = (owned){thing, free_thing};
    return CN_OK;
}

static int new_node(cn_evidence *ev, cn_node *parent, cn_node_kind kind, const char *type,
                    const char *name, cn_node **out, cn_err *err)
{
    if (ev->n_nodes >= NODES_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "more than %u volumes", NODES_MAX);
    cn_node *node = calloc(1, sizeof *node);
    if (!node)
        return no_memory(err);
    *node = (cn_node){.kind = kind, .parent = parent, .offset = CN_NO_OFFSET, .err = CN_ERR_INIT};
    snprintf(node->type, sizeof node->type, "%s", type);
    snprintf(node->name, sizeof node->name, "%s", name);
    if (parent) {
        cn_node **end = &parent->children;
        while (*end)
            end = &(*end)->next;
        *end = node;
    }
    ev->n_nodes++;
    *out = node;
    return CN_OK;
}

static void free_nodes(cn_node *node)
{
    while (node) {
        cn_node *next = node->next;
        free_nodes(node->children);
        free(node->warnings);
        free(node);
        node = next;
    }
}

static int copy_warnings(cn_node *node, const cn_err *warnings, size_t n, cn_err *err)
{
    if (n == 0)
        return CN_OK;
    cn_err *grown = realloc(node->warnings, (node->n_warnings + n) * sizeof *grown);
    if (!grown)
        return no_memory(err);
    memcpy(grown + node->n_warnings, warnings, n * sizeof *grown);
    node->warnings = grown;
    node->n_warnings += n;
    return CN_OK;
}

/* --- What the user wants of it. */

static bool all_wanted(const cn_evidence *ev)
{
    return !ev->options.volume || strcmp(ev->options.volume, "all") == 0;
}

static bool is_wanted(const cn_evidence *ev, const char *volume, uint32_t number)
{
    const char *want = ev->options.volume;
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    return all_wanted(ev) || strcmp(want, volume) == 0 || (number && strcmp(want, text) == 0);
}

/* --- File systems. */

static int add_mount(cn_evidence *ev, const place *at, cn_node *node, cn_fs *fs, bool lone,
                     cn_err *err)
{
    const cn_files *files = ev->files[at->source];
    cn_mount *grown = realloc(ev->mounts, (ev->n_mounts + 1) * sizeof *grown);
    if (!grown)
        return no_memory(err);
    ev->mounts = grown;
    grown[ev->n_mounts++] = (cn_mount){
        .source = at->source,
        .image = files->list[0].name,
        .volume = at->volume,
        .fs = fs,
        .src = at->src,
        .lone = lone,
        .node = node,
    };
    return CN_OK;
}

/* Takes fs over. */
static int add_fs(cn_evidence *ev, const place *at, cn_fs *fs, bool lone, cn_err *err)
{
    cn_node *node;
    int r = own(ev, fs, free_fs, err);
    if (r != CN_OK || (r = new_node(ev, at->node, CN_NODE_FS, fs->type, "", &node, err)) != CN_OK)
        return r;
    snprintf(node->label, sizeof node->label, "%s", fs->label);
    snprintf(node->uuid, sizeof node->uuid, "%s", fs->uuid);
    node->size = fs->size;
    node->unit = fs->block_size;
    node->src = at->src;
    node->fs = fs;
    return add_mount(ev, at, node, fs, lone, err);
}

/* What is there instead of a file system goes into the node's err, or under it as a node of its own. */
static int note_content(cn_evidence *ev, const place *at, const cn_err *why, cn_err *err)
{
    cn_node *node;
    const cn_known_content *known = cn_known_content_of(at->src);
    if (known && known->expected)
        return new_node(ev, at->node, CN_NODE_FS, known->name, "", &node, err);
    if (known)
        cn_fail(&at->node->err, CN_E_UNSUPPORTED, known->offset, "%s: it is not read", known->name);
    else if (why->code != CN_E_UNSUPPORTED || !cn_known_without_files(at->node->type))
        at->node->err = *why;
    return CN_OK;
}

/* --- Volumes. */

static int descend(cn_evidence *ev, const place *at, cn_err *err);

static void whole_name(const char *above, const cn_volume *v, char out[256])
{
    if (*above && strncmp(v->name, "lvm/", 4) != 0)
        snprintf(out, 256, "%.60s/%.190s", above, v->name);
    else
        snprintf(out, 256, "%s", v->name);
}

static int add_volume(cn_evidence *ev, const place *at, cn_node *system, const cn_volume *v,
                      cn_err *err)
{
    char name[256];
    cn_node *node;
    whole_name(at->volume, v, name);
    int r = new_node(ev, system, CN_NODE_VOLUME, v->type, name, &node, err);
    if (r != CN_OK)
        return r;
    snprintf(node->label, sizeof node->label, "%s", v->label);
    snprintf(node->uuid, sizeof node->uuid, "%s", v->guid);
    node->offset = v->offset;
    node->size = v->size;
    node->src = v->src;
    /* A volume that is cut short is read as far as it goes. */
    if (v->err.code != CN_OK && v->src)
        r = copy_warnings(node, &v->err, 1, err);
    else
        node->err = v->err;
    bool selected =
        !at->lent && (at->selected || is_wanted(ev, node->name, at->depth ? 0 : v->number));
    ev->any_selected |= selected;
    if (r != CN_OK || !v->src)
        return r;
    place below = {.node = node,
                   .src = v->src,
                   .source = at->source,
                   .volume = node->name,
                   .selected = selected,
                   .lent = at->lent,
                   .depth = at->depth + 1};
    return descend(ev, &below, err);
}

static int keep_key(cn_evidence *ev, const cn_volume_key *key, cn_err *err)
{
    if (key->n == 0)
        return CN_OK;
    cn_volume_key *grown = realloc(ev->keys, (ev->n_keys + 1) * sizeof *grown);
    if (!grown)
        return no_memory(err);
    ev->keys = grown;
    grown[ev->n_keys++] = *key;
    return CN_OK;
}

/* Opens a volume system and what is in it. What cannot be opened is a node with the reason. */
static int open_system(cn_evidence *ev, const place *at, const cn_volume_ops *ops,
                       const cn_volume_keys *keys, cn_node **out_system, cn_err *err)
{
    cn_volumes *volumes = NULL;
    cn_node *system;
    int r = new_node(ev, at->node, CN_NODE_SYSTEM, ops->name, "", &system, err);
    if (r != CN_OK)
        return r;
    if (out_system)
        *out_system = system;
    r = ops->open(at->src, keys, &volumes, &system->err);
    if (r == CN_E_NO_MEMORY)
        return no_memory(err);
    if (r != CN_OK)
        return CN_OK;
    if ((r = own(ev, volumes, free_volumes, err)) != CN_OK)
        return r;
    snprintf(system->label, sizeof system->label, "%s", volumes->label);
    snprintf(system->uuid, sizeof system->uuid, "%s", volumes->guid);
    system->unit = volumes->sector_size;
    if ((r = keep_key(ev, &volumes->key, err)) != CN_OK)
        return r;
    r = copy_warnings(system, volumes->warnings, volumes->n_warnings, err);
    for (size_t i = 0; r == CN_OK && i < volumes->n; i++)
        r = add_volume(ev, at, system, &volumes->list[i], err);
    return r;
}

static int set_aside(cn_evidence *ev, const place *at, cn_err *err)
{
    pv *grown = realloc(ev->pvs, (ev->n_pvs + 1) * sizeof *grown);
    if (!grown)
        return no_memory(err);
    ev->pvs = grown;
    grown[ev->n_pvs++] = (pv){.node = at->node,
                              .src = at->src,
                              .source = at->source,
                              .selected = at->selected,
                              .lent = at->lent,
                              .depth = at->depth};
    return CN_OK;
}

/* True where the tree under node holds something that was recognised. */
static bool holds_something(const cn_node *node)
{
    if (node->kind == CN_NODE_FS || (node->kind == CN_NODE_SYSTEM && node->err.code == CN_OK))
        return true;
    for (const cn_node *n = node->children; n; n = n->next)
        if (holds_something(n))
            return true;
    return false;
}

static bool children_hold_something(const cn_node *node)
{
    for (const cn_node *n = node->children; n; n = n->next)
        if (holds_something(n))
            return true;
    return false;
}

/* Takes the last child away: a partition table that was none. Its volumes stay owned until the end. */
static void drop_child(cn_node *parent, cn_node *child)
{
    cn_node **at = &parent->children;
    while (*at && *at != child)
        at = &(*at)->next;
    if (*at)
        *at = child->next;
    child->next = NULL;
    free_nodes(child);
}

static bool may_unlock(const cn_evidence *ev, const place *at)
{
    return at->selected || all_wanted(ev) || strncmp(ev->options.volume, "lvm/", 4) == 0 ||
           strncmp(ev->options.volume, at->volume, strlen(at->volume)) == 0;
}

/* A weak sign of a volume system (MBR) and perhaps a file system as well: what holds something is right. */
static int choose(cn_evidence *ev, const place *at, const cn_volume_ops *ops,
                  const cn_volume_keys *keys, cn_err *err)
{
    cn_node *system = NULL;
    cn_fs *fs = NULL;
    cn_err why = CN_ERR_INIT;
    if (at->lent && !ops)
        return CN_OK;
    if (ops) {
        size_t mounts = ev->n_mounts, pvs = ev->n_pvs;
        int r = open_system(ev, at, ops, keys, &system, err);
        if (r != CN_OK || mounts != ev->n_mounts || pvs != ev->n_pvs ||
            children_hold_something(system))
            return r;
    }
    if (at->lent)
        return CN_OK;
    int r = cn_fs_open(at->src, &fs, &why);
    if (r == CN_E_NO_MEMORY)
        return no_memory(err);
    if (r == CN_OK && system)
        drop_child(at->node, system);
    if (r == CN_OK && at->selected)
        return add_fs(ev, at, fs, false, err);
    if (r == CN_OK) {
        cn_node *node;
        r = new_node(ev, at->node, CN_NODE_FS, fs->type, "", &node, err);
        if (r == CN_OK) {
            snprintf(node->label, sizeof node->label, "%s", fs->label);
            snprintf(node->uuid, sizeof node->uuid, "%s", fs->uuid);
            node->size = fs->size;
            node->unit = fs->block_size;
        }
        cn_fs_close(fs);
        return r;
    }
    return system ? CN_OK : note_content(ev, at, &why, err);
}

static int descend(cn_evidence *ev, const place *at, cn_err *err)
{
    unsigned bits = 0;
    cn_volume_keys keys = {.passphrase = ev->options.passphrase,
                           .has_passphrase = ev->options.has_passphrase,
                           .known = ev->options.keys,
                           .n_known = ev->options.n_keys,
                           .known_only = ev->options.keys_only};
    if (at->depth > DEPTH_MAX) {
        cn_fail(&at->node->err, CN_E_LIMIT, 0, "volumes deeper than %u in each other", DEPTH_MAX);
        return CN_OK;
    }
    const cn_volume_ops *ops = cn_volumes_probe(at->src, &bits);
    if (ops && strcmp(ops->name, "lvm") == 0)
        return set_aside(ev, at, err);
    if (ops && strcmp(ops->name, "luks") == 0 && !may_unlock(ev, at))
        return CN_OK;
    if (!ops || bits < SURE_BITS)
        return choose(ev, at, ops, &keys, err);
    cn_node *system = NULL;
    int r = open_system(ev, at, ops, &keys, &system, err);
    if (r != CN_OK || system->err.code == CN_OK || system->err.code == CN_E_LOCKED)
        return r;
    /* A damaged table: there may still be a file system at the very start. */
    cn_fs *fs = NULL;
    if (at->selected && cn_fs_open(at->src, &fs, NULL) == CN_OK)
        return add_fs(ev, at, fs, false, err);
    return CN_OK;
}

/* --- LVM, when all sources have been looked at. */

/* The physical volumes besides `first`, as further media. */
static size_t other_pvs(const cn_evidence *ev, size_t first, cn_src **out)
{
    size_t n = 0;
    for (size_t i = 0; i < ev->n_pvs; i++)
        if (i != first)
            out[n++] = ev->pvs[i].src;
    return n;
}

static size_t source_of(const cn_evidence *ev, const cn_src *src)
{
    for (size_t i = 0; i < ev->n_pvs; i++)
        if (ev->pvs[i].src == src)
            return ev->pvs[i].source;
    return SIZE_MAX;
}

static int open_pv(cn_evidence *ev, size_t i, cn_err *err)
{
    const pv p = ev->pvs[i]; /* by value: the list grows while groups are opened */
    cn_volumes *volumes = NULL;
    cn_src **others = calloc(ev->n_pvs + 1, sizeof(cn_src *));
    cn_node *system;
    if (!others)
        return no_memory(err);
    cn_volume_keys keys = {.others = others, .n_others = other_pvs(ev, i, others)};
    cn_err why = CN_ERR_INIT;
    int r = cn_volumes_by_name("lvm")->open(p.src, &keys, &volumes, &why);
    free(others);
    /* Read where it is listed first, so that it is found at the same place whatever the order of
     * the sources. */
    bool member = r == CN_OK && volumes->first && volumes->first != p.src;
    int made = new_node(ev, p.node, CN_NODE_SYSTEM, "lvm", "", &system, err);
    if (made != CN_OK || member) {
        if (member && made == CN_OK) {
            snprintf(system->label, sizeof system->label, "%s", volumes->label);
            ev->elsewhere[p.source] |= source_of(ev, volumes->first) != p.source;
        }
        cn_volumes_close(volumes);
        return made;
    }
    system->err = why;
    if (r != CN_OK)
        return CN_OK;
    if ((r = own(ev, volumes, free_volumes, err)) != CN_OK)
        return r;
    snprintf(system->label, sizeof system->label, "%s", volumes->label);
    snprintf(system->uuid, sizeof system->uuid, "%s", volumes->guid);
    r = copy_warnings(system, volumes->warnings, volumes->n_warnings, err);
    place at = {.node = p.node,
                .src = p.src,
                .source = p.source,
                .volume = "",
                .selected = p.selected,
                .lent = p.lent,
                .depth = p.depth};
    for (size_t k = 0; r == CN_OK && k < volumes->n; k++)
        r = add_volume(ev, &at, system, &volumes->list[k], err);
    return r;
}

/* --- Sources. */

static cn_file_meta host_meta(const struct stat *st)
{
    const struct timespec *times[] = {
        [CN_FT_M] = &st->st_mtim, [CN_FT_A] = &st->st_atim, [CN_FT_C] = &st->st_ctim};
    cn_file_meta meta = {.inode_offset = CN_NO_OFFSET,
                         .mode = st->st_mode,
                         .uid = st->st_uid,
                         .gid = st->st_gid,
                         .links = (uint32_t) st->st_nlink};
    for (size_t i = 0; i < CN_LEN(times); i++)
        meta.has_time[i] =
            cn_time_from_unix(times[i]->tv_sec, (uint32_t) times[i]->tv_nsec, &meta.time_ns[i]);
    return meta;
}

static int open_folder(cn_evidence *ev, const place *at, cn_err *err)
{
    cn_fs *fs = NULL;
    int fd = fcntl(ev->files[at->source]->list[0].fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return cn_fail_errno(&at->node->err, "the folder"), CN_OK;
    snprintf(at->node->type, sizeof at->node->type, "folder");
    if (cn_fs_open_dir(fd, &fs, &at->node->err) != CN_OK)
        return CN_OK;
    return add_fs(ev, at, fs, false, err);
}

/* Neither volumes nor a file system: an archive, or one file that is evidence by itself. */
static int open_file(cn_evidence *ev, const place *at, cn_err *err)
{
    const cn_files *files = ev->files[at->source];
    cn_fs *fs = NULL;
    if (files->scratch >= 0 && cn_archive_probe(at->src)) {
        cn_archive_limits limits = CN_ARCHIVE_LIMITS;
        snprintf(at->node->type, sizeof at->node->type, "archive");
        at->node->err = CN_ERR_INIT;
        if (cn_fs_open_archive(at->src, files->scratch, &limits, &fs, &at->node->err) != CN_OK)
            return CN_OK;
        return add_fs(ev, at, fs, false, err);
    }
    /* Where a damaged file system was seen, that stays said; the bytes may be looked at as a file all the same. */
    cn_err damage = at->node->err;
    cn_file_meta meta = host_meta(&files->list[0].st);
    int r = cn_fs_open_single(at->src, cn_span_str(files->list[0].name), &meta, &fs, err);
    if (r != CN_OK || (r = add_fs(ev, at, fs, true, err)) != CN_OK)
        return r;
    if (damage.code == CN_E_UNSUPPORTED && !cn_known_content_of(at->src)) {
        snprintf(at->node->type, sizeof at->node->type, "file");
        at->node->err = CN_ERR_INIT;
    }
    return CN_OK;
}

static int open_media(cn_evidence *ev, place *at, cn_err *err)
{
    const cn_files *files = ev->files[at->source];
    cn_src *src = NULL;
    int r = cn_image_open(files, &src, &at->node->err);
    if (r == CN_E_NO_MEMORY)
        return no_memory(err);
    if (r != CN_OK)
        return CN_OK;
    if ((r = own(ev, src, free_src, err)) != CN_OK)
        return r;
    at->src = src;
    at->node->src = src;
    at->node->size = src->size;
    at->node->unit = src->sector_size;
    snprintf(at->node->type, sizeof at->node->type, "%s", src->format);
    cn_err lack = CN_ERR_INIT;
    if (cn_image_check(files, &lack) != CN_OK &&
        (r = copy_warnings(at->node, &lack, 1, err)) != CN_OK)
        return r;
    size_t mounts = ev->n_mounts, pvs = ev->n_pvs;
    bool plain = strcmp(src->format, "raw") == 0 || strcmp(src->format, "split") == 0;
    r = descend(ev, at, err);
    if (r == CN_OK && plain && mounts == ev->n_mounts && pvs == ev->n_pvs && !at->node->children &&
        at->selected)
        r = open_file(ev, at, err);
    return r;
}

static int open_source(cn_evidence *ev, size_t i, cn_err *err)
{
    const cn_files *files = ev->files[i];
    bool lent = i + ev->options.n_lent >= ev->n_sources;
    place at = {.source = i, .volume = "", .selected = !lent && all_wanted(ev), .lent = lent};
    int r = new_node(ev, NULL, CN_NODE_SOURCE, "raw", files->source, &at.node, err);
    if (r != CN_OK)
        return r;
    ev->sources[i] = at.node;
    if (lent && files->kind == CN_FILES_FOLDER)
        return CN_OK;
    return files->kind == CN_FILES_FOLDER ? open_folder(ev, &at, err) : open_media(ev, &at, err);
}

/* --- Fingerprints. */

static uint64_t hash_range(cn_src *src, uint64_t offset, uint64_t size, uint8_t *buffer,
                           uint64_t seed)
{
    size_t n = 0;
    memset(buffer, 0, (size_t) size);
    if (cn_src_read_some(src, offset, buffer, (size_t) size, &n, NULL) != CN_OK)
        n = (size_t) size;
    return cn_hash64_seed(cn_span_of(buffer, n), seed);
}

/* Volumes count in so that two disks made from one template differ: their file systems have been mounted since. What only
 * a passphrase or another image opens stays out: the same medium has the same fingerprint with and without. */
static uint64_t hash_volumes(const cn_node *node, uint8_t *buffer, uint64_t seed)
{
    for (; node; node = node->next) {
        if (node->kind == CN_NODE_SYSTEM &&
            (strcmp(node->type, "luks") == 0 || strcmp(node->type, "lvm") == 0))
            continue;
        if (node->kind == CN_NODE_VOLUME && node->src)
            seed = hash_range(node->src, 0, FINGERPRINT_VOL, buffer, seed);
        seed = hash_volumes(node->children, buffer, seed);
    }
    return seed;
}

static int fingerprint(cn_evidence *ev, size_t i, cn_err *err)
{
    const cn_files *files = ev->files[i];
    cn_node *node = ev->sources[i];
    if (!node->src) {
        ev->image_ids[i] = cn_hash64(cn_span_str(files->list[0].path));
        return CN_OK;
    }
    uint8_t *buffer = malloc(FINGERPRINT_END);
    if (!buffer)
        return no_memory(err);
    uint64_t size = node->src->size;
    uint64_t id = cn_hash64(cn_span_of(&size, sizeof size));
    id = hash_range(node->src, 0, FINGERPRINT_END, buffer, id);
    id = hash_range(node->src, size - CN_MIN(size, FINGERPRINT_END), FINGERPRINT_END, buffer, id);
    ev->image_ids[i] = hash_volumes(node->children, buffer, id);
    free(buffer);
    return CN_OK;
}

/* --- The whole. */

/* Groups of LVM were opened last; their mounts go to those of their source. */
static void sort_mounts(cn_evidence *ev)
{
    for (size_t i = 1; i < ev->n_mounts; i++)
        for (size_t k = i; k > 0 && ev->mounts[k - 1].source > ev->mounts[k].source; k--) {
            cn_mount m = ev->mounts[k];
            ev->mounts[k] = ev->mounts[k - 1];
            ev->mounts[k - 1] = m;
        }
}

static int open_all(cn_evidence *ev, cn_err *err)
{
    int r = CN_OK;
    for (size_t i = 0; r == CN_OK && i < ev->n_sources; i++)
        r = open_source(ev, i, err);
    for (size_t i = 0; r == CN_OK && i < ev->n_pvs; i++)
        r = open_pv(ev, i, err);
    for (size_t i = 0; r == CN_OK && i < ev->n_sources; i++)
        r = fingerprint(ev, i, err);
    if (r != CN_OK)
        return r;
    if (!all_wanted(ev) && !ev->any_selected)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                       "there is no volume '%s'; see: cairn image info", ev->options.volume);
    for (size_t i = 0; i < ev->n_mounts; i++)
        ev->mounts[i].image_id = ev->image_ids[ev->mounts[i].source];
    sort_mounts(ev);
    return CN_OK;
}

int cn_evidence_open(cn_files *const *files, size_t n, const cn_evidence_options *options,
                     cn_evidence **out, cn_err *err)
{
    CN_CLEANUP(cn_evidence_close_p) cn_evidence *ev = calloc(1, sizeof *ev);
    if (!ev)
        return no_memory(err);
    ev->sources = calloc(n + 1, sizeof(cn_node *));
    ev->image_ids = calloc(n + 1, sizeof *ev->image_ids);
    ev->elsewhere = calloc(n + 1, sizeof *ev->elsewhere);
    if (!ev->sources || !ev->image_ids || !ev->elsewhere)
        return no_memory(err);
    ev->files = files;
    ev->n_sources = n;
    ev->options = *options;
    int r = open_all(ev, err);
    if (r == CN_OK)
        *out = CN_TAKE(ev);
    return r;
}

const cn_node *cn_evidence_source(const cn_evidence *evidence, size_t i)
{
    return evidence->sources[i];
}

uint64_t cn_evidence_image_id(const cn_evidence *evidence, size_t i)
{
    return evidence->image_ids[i];
}

size_t cn_evidence_mounts(const cn_evidence *evidence, const cn_mount **out)
{
    *out = evidence->mounts;
    return evidence->n_mounts;
}

bool cn_evidence_elsewhere(const cn_evidence *evidence, size_t i) { return evidence->elsewhere[i]; }

size_t cn_evidence_keys(const cn_evidence *evidence, const cn_volume_key **out)
{
    *out = evidence->keys;
    return evidence->n_keys;
}

/* image: the source's name; where: that and the name of the innermost volume around node. */
static void visit_problems(const cn_node *node, const char *image, const char *where,
                           void (*visit)(void *, const char *, const cn_err *), void *context)
{
    for (; node; node = node->next) {
        char name[512];
        if (node->kind == CN_NODE_VOLUME)
            snprintf(name, sizeof name, "%.250s %.250s", image, node->name);
        else
            snprintf(name, sizeof name, "%s", where);
        if (node->err.code != CN_OK)
            visit(context, name, &node->err);
        for (size_t i = 0; i < node->n_warnings; i++)
            visit(context, name, &node->warnings[i]);
        visit_problems(node->children, image, name, visit, context);
    }
}

void cn_evidence_problems(const cn_evidence *evidence,
                          void (*visit)(void *context, const char *where, const cn_err *problem),
                          void *context)
{
    for (size_t i = 0; i + evidence->options.n_lent < evidence->n_sources; i++)
        visit_problems(evidence->sources[i], evidence->files[i]->list[0].name,
                       evidence->files[i]->list[0].name, visit, context);
}

cn_evidence *cn_evidence_close(cn_evidence *evidence)
{
    if (!evidence)
        return NULL;
    for (size_t i = evidence->n_owned; i-- > 0;)
        evidence->owned[i].free(evidence->owned[i].thing);
    for (size_t i = 0; evidence->sources && i < evidence->n_sources; i++)
        free_nodes(evidence->sources[i]);
    free(evidence->sources);
    free(evidence->image_ids);
    free(evidence->elsewhere);
    free(evidence->mounts);
    free(evidence->pvs);
    free(evidence->owned);
    if (evidence->keys)
        explicit_bzero(evidence->keys, evidence->n_keys * sizeof *evidence->keys);
    free(evidence->keys);
    free(evidence);
    return NULL;
}
