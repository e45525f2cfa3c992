/* LVM2: logical volumes out of one physical volume or several. Linear and striped segments, RAID 1
 * and mirrors (by one image), RAID 0; thin pools, caches and RAID 5 are named but not read. Our own
 * code because libvslvm (20181227) refuses groups of more than one physical volume. Metadata: lvm2,
 * man page lvm.conf(5) and vgcfgbackup(8). */
#include "vol/lvm_pv.h"
#include "vol/lvm_text.h"
#include "vol/volume.h"

#include <stdio.h>
#include <stdlib.h>

#define SECTOR       512u
#define SEGMENTS_MAX 65536u /* of one logical volume */
#define STRIPES_MAX  256u
#define NESTING_MAX  4u /* of logical volumes that stand on others */
#define MAPPED_MAX                                                                                 \
    1000000u /* stripes of all volumes of a group together, as often as they are mapped */

typedef struct stripe {
    cn_src *src; /* a physical volume (borrowed) or the mapping of another logical volume (owned) */
    bool owned;
    uint64_t offset;
} stripe;

typedef struct segment {
    uint64_t start, size, stripe_size; /* bytes */
    stripe *stripes;
    size_t n;
} segment;

typedef struct lv_src {
    cn_src base;
    segment *segments; /* by start, without gaps */
    size_t n;
} lv_src;

typedef struct member {
    const char *name; /* "pv0" */
    cn_src *src;      /* NULL: not at hand */
    uint64_t start;   /* of extent 0, bytes */
} member;

/* What belongs to the open group. */
typedef struct group {
    cn_arena arena;
    const cn_lvm_node *vg;
    uint64_t extent_size; /* bytes */
    member *members;
    size_t n;
    size_t mapped; /* stripes so far */
} group;

/* --- The mapping as a source. */

static const segment *segment_at(const lv_src *lv, uint64_t offset)
{
    size_t low = 0, high = lv->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (lv->segments[middle].start <= offset)
            low = middle;
        else
            high = middle;
    }
    return &lv->segments[low];
}

static int lv_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const lv_src *lv = (const lv_src *) src;
    int first = CN_OK;
    for (size_t done = 0; done < n;) {
        const segment *s = segment_at(lv, offset + done);
        uint64_t in = offset + done - s->start, here = s->size - in, at = in;
        const stripe *t = s->stripes;
        if (s->n > 1) {
            uint64_t chunk = in / s->stripe_size;
            t = &s->stripes[chunk % s->n];
            at = chunk / s->n * s->stripe_size + in % s->stripe_size;
            here = CN_MIN(here, s->stripe_size - in % s->stripe_size);
        }
        size_t want = (size_t) CN_MIN(here, (uint64_t) (n - done));
        char *to = (char *) out + done;
        int r = cn_src_read(t->src, t->offset + at, to, want, first ? NULL : err);
        if (r == CN_E_TRUNCATED && t->offset + at + want > t->src->size)
            memset(to, 0, want);
        if (r != CN_OK && first == CN_OK) {
            first = r;
            if (err)
                err->offset = offset + done;
        }
        done += want;
    }
    return first;
}

static uint64_t lv_next_data(cn_src *src, uint64_t offset)
{
    const lv_src *lv = (const lv_src *) src;
    while (offset < src->size) {
        const segment *s = segment_at(lv, offset);
        if (s->n > 1)
            return offset;
        uint64_t at = s->stripes->offset + (offset - s->start);
        uint64_t data = cn_src_next_data(s->stripes->src, at) - at;
        if (data < s->size - (offset - s->start))
            return offset + data;
        offset = s->start + s->size;
    }
    return src->size;
}

static void lv_close(cn_src *src)
{
    lv_src *lv = (lv_src *) src;
    for (size_t i = 0; i < lv->n; i++) {
        for (size_t k = 0; k < lv->segments[i].n; k++)
            if (lv->segments[i].stripes[k].owned)
                cn_src_close(lv->segments[i].stripes[k].src);
        free(lv->segments[i].stripes);
    }
    free(lv->segments);
    free(lv);
}

static const cn_src_ops lv_ops = {lv_read, lv_next_data, lv_close};

/* --- From metadata to a mapping. */

static int corrupt(cn_err *err, const char *lv, const char *what)
{
    return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "LVM: logical volume %s: %s", lv, what);
}

static int map_lv(group *g, const cn_lvm_node *lv, unsigned depth, cn_src **out, cn_err *err);

/* "pv0", 17: an extent of a physical volume; or the name of another logical volume and an extent of
 * it. */
static int map_stripe(group *g, const char *lv, const char *name, uint64_t extent, unsigned depth,
                      stripe *out, cn_err *err)
{
    uint64_t offset;
    if (++g->mapped > MAPPED_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "LVM: logical volume %s: too many segments",
                       lv);
    if (!cn_mul(extent, g->extent_size, &offset))
        return corrupt(err, lv, "an extent that is nowhere");
    for (size_t i = 0; i < g->n; i++) {
        const member *m = &g->members[i];
        if (strcmp(m->name, name) != 0)
            continue;
        if (!m->src)
            return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET,
                           "LVM: logical volume %s stands on physical volume %s, which is not at "
                           "hand; give its image too",
                           lv, name);
        *out = (stripe){m->src, false, 0};
        return cn_add(offset, m->start, &out->offset)
                   ? CN_OK
                   : corrupt(err, lv, "an extent that is nowhere");
    }
    const cn_lvm_node *other =
        cn_lvm_get(cn_lvm_get(g->vg, "logical_volumes", CN_LVM_SECTION), name, CN_LVM_SECTION);
    if (!other)
        return corrupt(err, lv, "it stands on a volume that the group does not have");
    *out = (stripe){NULL, true, offset};
    return map_lv(g, other, depth + 1, &out->src, err);
}

static int map_stripes(group *g, const char *lv, const cn_lvm_node *list, size_t n, unsigned depth,
                       segment *s, cn_err *err)
{
    s->stripes = calloc(n, sizeof *s->stripes);
    if (!s->stripes)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    const cn_lvm_node *item = list->first;
    for (size_t i = 0; i < n; i++) {
        if (!item || item->kind != CN_LVM_TEXT || !item->next || item->next->kind != CN_LVM_NUMBER)
            return corrupt(err, lv, "a segment with too few stripes");
        int r = map_stripe(g, lv, item->text, item->next->number, depth, &s->stripes[i], err);
        if (r != CN_OK)
            return r;
        s->n++;
        item = item->next->next;
    }
    return CN_OK;
}

/* Mirrors: the first image that is at hand. "raids" lists metadata and image in turn, "mirrors"
 * image and extent. */
static int map_mirror(group *g, const char *lv, const cn_lvm_node *list, bool raid, unsigned depth,
                      segment *s, cn_err *err)
{
    s->stripes = calloc(1, sizeof *s->stripes);
    if (!s->stripes)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = corrupt(err, lv, "a mirror without images");
    for (const cn_lvm_node *item = list->first; item && item->next; item = item->next->next) {
        const cn_lvm_node *image = raid ? item->next : item;
        if (image->kind != CN_LVM_TEXT)
            continue;
        if ((r = map_stripe(g, lv, image->text, 0, depth, s->stripes, err)) == CN_OK) {
            s->n = 1;
            return CN_OK;
        }
    }
    return r;
}

static int map_raid0(group *g, const char *lv, const cn_lvm_node *list, size_t n, unsigned depth,
                     segment *s, cn_err *err)
{
    s->stripes = calloc(n, sizeof *s->stripes);
    if (!s->stripes)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    /* raid0 lists images only; raid0_meta has metadata before each. */
    size_t items = 0;
    for (const cn_lvm_node *i = list->first; i; i = i->next)
        items++;
    const cn_lvm_node *item = list->first;
    for (size_t i = 0; i < n; i++) {
        if (item && items == 2 * n)
            item = item->next;
        if (!item || item->kind != CN_LVM_TEXT)
            return corrupt(err, lv, "a segment with too few stripes");
        int r = map_stripe(g, lv, item->text, 0, depth, &s->stripes[i], err);
        if (r != CN_OK)
            return r;
        s->n++;
        item = item->next;
    }
    return CN_OK;
}

static bool stripe_size(const cn_lvm_node *node, segment *s)
{
    uint64_t sectors;
    return cn_lvm_get_number(node, "stripe_size", &sectors) && sectors &&
           cn_mul(sectors, SECTOR, &s->stripe_size);
}

static int map_segment(group *g, const char *lv, const cn_lvm_node *node, unsigned depth,
                       segment *s, cn_err *err)
{
    const char *type = cn_lvm_get_text(node, "type");
    const cn_lvm_node *stripes = cn_lvm_get(node, "stripes", CN_LVM_LIST);
    const cn_lvm_node *raids = cn_lvm_get(node, "raids", CN_LVM_LIST);
    if (!raids)
        raids = cn_lvm_get(node, "raid0_lvs", CN_LVM_LIST);
    const cn_lvm_node *mirrors = cn_lvm_get(node, "mirrors", CN_LVM_LIST);
    uint64_t n = 1, start, count;
    if (!cn_lvm_get_number(node, "start_extent", &start) ||
        !cn_lvm_get_number(node, "extent_count", &count) ||
        !cn_mul(start, g->extent_size, &s->start) || !cn_mul(count, g->extent_size, &s->size) ||
        count == 0)
        return corrupt(err, lv, "a segment without its place");
    if (strcmp(type, "raid1") == 0 && raids)
        return map_mirror(g, lv, raids, true, depth, s, err);
    if (strcmp(type, "mirror") == 0 && mirrors)
        return map_mirror(g, lv, mirrors, false, depth, s, err);
    bool raid0 = strncmp(type, "raid0", 5) == 0 && raids;
    if (!raid0 && (strcmp(type, "striped") != 0 || !stripes))
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "LVM: logical volume %s: segments of type '%.40s' are not read", lv, type);
    if (!cn_lvm_get_number(node, raid0 ? "device_count" : "stripe_count", &n) && raid0)
        return corrupt(err, lv, "a segment without its stripes");
    if (n == 0 || n > STRIPES_MAX || (n > 1 && !stripe_size(node, s)))
        return corrupt(err, lv, "a segment with stripes that cannot be");
    return raid0 ? map_raid0(g, lv, raids, (size_t) n, depth, s, err)
                 : map_stripes(g, lv, stripes, (size_t) n, depth, s, err);
}

static int by_start(const void *a, const void *b)
{
    uint64_t x = ((const segment *) a)->start, y = ((const segment *) b)->start;
    return (x > y) - (x < y);
}

static int map_segments(group *g, const cn_lvm_node *lv, size_t n, unsigned depth, lv_src *s,
                        cn_err *err)
{
    s->segments = calloc(n, sizeof *s->segments);
    if (!s->segments)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    for (size_t i = 0; i < n; i++) {
        char key[32];
        snprintf(key, sizeof key, "segment%zu", i + 1);
        const cn_lvm_node *node = cn_lvm_get(lv, key, CN_LVM_SECTION);
        if (!node)
            return corrupt(err, lv->key, "a segment is not there");
        s->n++; /* so that what is half made is freed */
        int r = map_segment(g, lv->key, node, depth, &s->segments[i], err);
        if (r != CN_OK)
            return r;
    }
    qsort(s->segments, n, sizeof *s->segments, by_start);
    for (size_t i = 0; i < n; i++) {
        if (s->segments[i].start != s->base.size)
            return corrupt(err, lv->key, "its segments do not fit each other");
        if (!cn_add(s->base.size, s->segments[i].size, &s->base.size))
            return corrupt(err, lv->key, "it is larger than 2^64 bytes");
    }
    return CN_OK;
}

static int map_lv(group *g, const cn_lvm_node *lv, unsigned depth, cn_src **out, cn_err *err)
{
    uint64_t n = 0;
    if (depth > NESTING_MAX)
        return corrupt(err, lv->key, "volumes that stand on each other");
    if (!cn_lvm_get_number(lv, "segment_count", &n) || n == 0 || n > SEGMENTS_MAX)
        return corrupt(err, lv->key, "no segments, or too many");
    lv_src *s = calloc(1, sizeof *s);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    s->base = (cn_src){&lv_ops, 0, SECTOR, "lvm"};
    CN_CLEANUP(cn_src_close_p) cn_src *owner = &s->base;
    int r = map_segments(g, lv, (size_t) n, depth, s, err);
    if (r == CN_OK)
        *out = CN_TAKE(owner);
    return r;
}

/* --- The group. */

static void release(void *state)
{
    group *g = state;
    cn_arena_free(&g->arena);
    free(g->members);
    free(g);
}

static unsigned probe(cn_src *src) { return cn_lvm_is_pv(src) ? 128 : 0; }

static void without_dashes(const char *text, char out[33])
{
    size_t n = 0;
    for (; *text && n < 32; text++)
        if (*text != '-')
            out[n++] = *text;
    out[n] = 0;
}

static bool lists_pv(const cn_lvm_node *vg, const char *id)
{
    const cn_lvm_node *pvs = cn_lvm_get(vg, "physical_volumes", CN_LVM_SECTION);
    for (const cn_lvm_node *pv = pvs ? pvs->first : NULL; pv; pv = pv->next) {
        char plain[33];
        without_dashes(cn_lvm_get_text(pv, "id"), plain);
        if (strcmp(plain, id) == 0)
            return true;
    }
    return false;
}

/* The newest metadata of src and of the others that belong to the same group. */
static int read_metadata(cn_src *src, const cn_volume_keys *keys, group *g, cn_err *err)
{
    uint64_t newest = 0;
    char own[33] = "";
    int first = CN_OK;
    for (size_t i = 0; i <= keys->n_others; i++) {
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_LVM_TEXT_MAX);
        cn_lvm_pv pv = {0};
        const cn_lvm_node *root = NULL;
        cn_err *to = i ? NULL : err;
        int r = cn_lvm_read_pv(i ? keys->others[i - 1] : src, &pv, &text, to);
        if (r == CN_OK && pv.text_at)
            r = cn_lvm_parse(cn_buf_span(&text), pv.text_at, &g->arena, &root, to);
        if (i == 0)
            first = r;
        if (i == 0)
            memcpy(own, pv.id, sizeof own);
        if (r != CN_OK || !root)
            continue;
        const cn_lvm_node *vg = root->first;
        while (vg && vg->kind != CN_LVM_SECTION)
            vg = vg->next;
        uint64_t seqno = 0;
        if (!vg || !cn_lvm_get_number(vg, "seqno", &seqno))
            continue;
        if (lists_pv(vg, own) && (!g->vg || seqno > newest)) {
            g->vg = vg;
            newest = seqno;
        }
    }
    if (!g->vg)
        return first != CN_OK ? first
                              : cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET,
                                        "LVM: a physical volume without metadata (of no group, or "
                                        "others carry it)");
    return CN_OK;
}

static cn_src *find_pv(cn_src *src, const cn_volume_keys *keys, const char *id)
{
    char plain[33];
    without_dashes(id, plain);
    for (size_t i = 0; i <= keys->n_others; i++) {
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_LVM_TEXT_MAX);
        cn_lvm_pv pv = {0};
        cn_src *one = i ? keys->others[i - 1] : src;
        (void) !cn_lvm_read_pv(one, &pv, &text, NULL); /* its id is enough */
        if (*pv.id && strcmp(pv.id, plain) == 0)
            return one;
    }
    return NULL;
}

static int read_members(cn_src *src, const cn_volume_keys *keys, group *g, cn_volumes *v,
                        cn_err *err)
{
    const cn_lvm_node *pvs = cn_lvm_get(g->vg, "physical_volumes", CN_LVM_SECTION);
    for (const cn_lvm_node *pv = pvs ? pvs->first : NULL; pv; pv = pv->next) {
        uint64_t start;
        member *grown =
            g->n < CN_VOLUMES_MAX ? realloc(g->members, (g->n + 1) * sizeof *grown) : NULL;
        if (!grown)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "LVM: too many physical volumes");
        g->members = grown;
        member *m = &grown[g->n++];
        *m = (member){pv->key, find_pv(src, keys, cn_lvm_get_text(pv, "id")), 0};
        if (!cn_lvm_get_number(pv, "pe_start", &start) || !cn_mul(start, SECTOR, &m->start))
            return corrupt(err, pv->key, "a physical volume without its start");
        if (m->src && !v->first)
            v->first = m->src;
        if (!m->src) {
            cn_err warning = CN_ERR_INIT;
            cn_fail(&warning, CN_E_NOT_FOUND, CN_NO_OFFSET,
                    "physical volume %s (%s) is not at hand", pv->key, cn_lvm_get_text(pv, "id"));
            cn_volumes_warn(v, &warning);
        }
    }
    return CN_OK;
}

static bool is_visible(const cn_lvm_node *lv)
{
    const cn_lvm_node *status = cn_lvm_get(lv, "status", CN_LVM_LIST);
    for (const cn_lvm_node *s = status ? status->first : NULL; s; s = s->next)
        if (s->kind == CN_LVM_TEXT && strcmp(s->text, "VISIBLE") == 0)
            return true;
    return false;
}

static int add_lv(group *g, const cn_lvm_node *lv, cn_volumes *v, cn_err *err)
{
    cn_volume *volume = cn_volumes_add(v);
    if (!volume)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "LVM: more than %u logical volumes",
                       CN_VOLUMES_MAX);
    snprintf(volume->name, sizeof volume->name, "lvm/%.90s/%.90s", g->vg->key, lv->key);
    snprintf(volume->label, sizeof volume->label, "%.150s", lv->key);
    snprintf(volume->guid, sizeof volume->guid, "%.39s", cn_lvm_get_text(lv, "id"));
    snprintf(volume->type, sizeof volume->type, "%.40s",
             cn_lvm_get_text(cn_lvm_get(lv, "segment1", CN_LVM_SECTION), "type"));
    if (map_lv(g, lv, 0, &volume->src, &volume->err) == CN_OK)
        volume->size = volume->src->size;
    return CN_OK;
}

static int open_lvm(cn_src *src, const cn_volume_keys *keys, cn_volumes **out, cn_err *err)
{
    CN_CLEANUP(cn_volumes_close_p) cn_volumes *v = cn_volumes_new("lvm");
    group *g = v ? calloc(1, sizeof *g) : NULL;
    if (!g)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    v->state = g;
    v->release = release;
    g->arena = cn_arena_of(CN_MIB(64));
    int r = read_metadata(src, keys, g, err);
    if (r != CN_OK)
        return r;
    snprintf(v->guid, sizeof v->guid, "%.39s", cn_lvm_get_text(g->vg, "id"));
    snprintf(v->label, sizeof v->label, "%.150s", g->vg->key);
    uint64_t sectors;
    if (!cn_lvm_get_number(g->vg, "extent_size", &sectors) || sectors == 0 ||
        !cn_mul(sectors, SECTOR, &g->extent_size))
        return corrupt(err, g->vg->key, "a group without the size of its extents");
    if ((r = read_members(src, keys, g, v, err)) != CN_OK)
        return r;
    const cn_lvm_node *lvs = cn_lvm_get(g->vg, "logical_volumes", CN_LVM_SECTION);
    for (const cn_lvm_node *lv = lvs ? lvs->first : NULL; r == CN_OK && lv; lv = lv->next)
        if (lv->kind == CN_LVM_SECTION && is_visible(lv))
            r = add_lv(g, lv, v, err);
    if (r == CN_OK)
        *out = CN_TAKE(v);
    return r;
}

const cn_volume_ops cn_volume_lvm_ops = {"lvm", probe, open_lvm};
