/* The walk over all names: directories from the root down, then what no name leads to. Directories
 * that are still to be read wait on a stack of their own, so depth costs no C stack; an inode that
 * was seen as a directory is not entered again, so loops end. */
#include "fs/ext/ext.h"

#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_BYTES        CN_KIB(64)  /* of a path; what lies deeper is told as orphaned */
#define PENDING_BYTES     CN_MIB(128) /* of the names of directories that wait */
#define LIVE_BYTES        CN_MIB(64)  /* of the hashes of one directory's names: 8 million */
#define CANDIDATES_BYTES  CN_MIB(16)  /* of one directory's deleted names */
#define ORPHANS_BYTES     CN_MIB(32)  /* of the numbers of orphans: 8 million */
#define DIRECTORIES_BYTES CN_GIB(64)  /* of all directories: some billion names */
#define DAMAGE_MAX        200000u /* damaged places in directories; each costs a look at its whole block */
#define SEEN_PAGE_BITS    18u /* inodes of a page of a bit set, as a power of two */
#define ORPHANS           "/$OrphanFiles"

/* One bit per inode, in pages that exist where a bit is set. */
typedef struct bits {
    uint64_t *pages[1u << (32 - SEEN_PAGE_BITS)];
} bits;

typedef struct walk {
    cn_ext *ext;
    const cn_fs_visit *visit;
    cn_buf path;
    cn_buf pending;    /* a stack of names, each followed by what belongs to it */
    cn_buf live;       /* hashes of the names in use of the directory at hand */
    cn_buf candidates; /* deleted names of the directory at hand */
    bits seen, claimed;
    cn_ext_dir_reader reader;
    uint64_t budget_bytes; /* of directories: no more than the whole source, as none share blocks */
    uint64_t budget_damage;
    size_t dir_len; /* of the path of the directory at hand */
    uint32_t dir_inode;
    int stopped; /* what the caller's function returned */
    bool dir_deleted, dir_encrypted, below_orphan;
} walk;

/* Behind each name on the stack. */
typedef struct waiting {
    uint32_t inode, parent_len, name_len;
    bool deleted;
} waiting;

/* --- Bit sets. */

static bool bit_get(const bits *set, uint32_t inode)
{
    const uint64_t *page = set->pages[inode >> SEEN_PAGE_BITS];
    uint32_t i = inode & ((1u << SEEN_PAGE_BITS) - 1);
    return page && (page[i / 64] >> (i % 64) & 1);
}

/* False without memory. */
static bool bit_set(bits *set, uint32_t inode)
{
    uint64_t **page = &set->pages[inode >> SEEN_PAGE_BITS];
    uint32_t i = inode & ((1u << SEEN_PAGE_BITS) - 1);
    if (!*page && !(*page = calloc((1u << SEEN_PAGE_BITS) / 64, sizeof **page)))
        return false;
    (*page)[i / 64] |= UINT64_C(1) << (i % 64);
    return true;
}

static void bits_free(bits *set)
{
    for (size_t i = 0; i < CN_LEN(set->pages); i++)
        free(set->pages[i]);
}

/* --- Paths. */

/* Puts a name behind the directory's path. A byte that no name can have is replaced, so that a path
 * says what lies where; an encrypted name is given in hexadecimal. False where it grows too long.
 */
static bool path_with(walk *w, cn_span name)
{
    w->path.len = w->dir_len;
    cn_buf_char(&w->path, '/');
    if (w->dir_encrypted)
        cn_text_put_hex(&w->path, name);
    else if (!memchr(name.p, '/', name.len) && !memchr(name.p, 0, name.len))
        cn_buf_bytes(&w->path, name);
    else
        for (size_t i = 0; i < name.len; i++) {
            cn_span one = cn_span_sub(name, i, 1);
            bool bad = cn_span_is(one, "/") || *one.p == 0;
            cn_buf_bytes(&w->path, bad ? CN_SPAN_LIT("\xEF\xBF\xBD") : one);
        }
    bool fits = !w->path.failed;
    w->path.failed = false;
    if (!fits) {
        w->path.len = w->dir_len;
        cn_ext_warn(w->ext, CN_E_LIMIT, CN_NO_OFFSET, w->dir_inode,
                    "directory %u: a path grows over %u bytes", w->dir_inode,
                    (unsigned) PATH_BYTES);
    }
    return fits;
}

static int emit(walk *w, cn_file_meta *meta)
{
    meta->orphan = w->below_orphan;
    cn_fs_entry entry = {cn_buf_span(&w->path), meta};
    return w->visit->entry(w->visit->context, &entry);
}

/* Puts the directory at the end of the path on the stack. */
static void push(walk *w, uint32_t inode, bool deleted)
{
    waiting top = {inode, (uint32_t) w->dir_len, (uint32_t) (w->path.len - w->dir_len), deleted};
    size_t before = w->pending.len;
    cn_buf_bytes(&w->pending, cn_span_sub(cn_buf_span(&w->path), w->dir_len, top.name_len));
    cn_buf_bytes(&w->pending, cn_span_of(&top, sizeof top));
    if (w->pending.failed) {
        w->pending.failed = false;
        w->pending.len = before;
        cn_ext_warn(w->ext, CN_E_LIMIT, CN_NO_OFFSET, inode,
                    "too many directories wait: %u is left out", inode);
    }
}

static bool pop(walk *w, waiting *out)
{
    if (w->pending.len < sizeof *out)
        return false;
    w->pending.len -= sizeof *out;
    memcpy(out, w->pending.p + w->pending.len, sizeof *out);
    w->pending.len -= out->name_len;
    w->path.len = out->parent_len;
    cn_buf_bytes(&w->path, cn_span_of(w->pending.p + w->pending.len, out->name_len));
    return true;
}

/* --- Names. */

static cn_file_meta bare(uint32_t inode, uint8_t file_type)
{
    return (cn_file_meta){
        .inode = inode, .inode_offset = CN_NO_OFFSET, .type = cn_ext_type_of_dirent(file_type)};
}

static uint64_t name_hash(const cn_ext_dirent *entry)
{
    return cn_hash64_seed(entry->name, entry->inode);
}

/* Deleted names wait until all names in use are known. */
static void keep_candidate(walk *w, const cn_ext_dirent *entry)
{
    size_t before = w->candidates.len;
    cn_buf_bytes(&w->candidates, cn_span_of(entry, sizeof *entry));
    cn_buf_bytes(&w->candidates, entry->name);
    if (w->candidates.failed) {
        w->candidates.failed = false;
        w->candidates.len = before;
        cn_ext_warn(w->ext, CN_E_LIMIT, entry->offset, w->dir_inode,
                    "directory %u: too many deleted names", w->dir_inode);
    }
}

static int name_in_use(walk *w, const cn_ext_dirent *entry)
{
    cn_ext *ext = w->ext;
    uint64_t hash = name_hash(entry);
    cn_buf_bytes(&w->live, cn_span_of(&hash, sizeof hash));
    if (!path_with(w, entry->name))
        return CN_OK;
    cn_ext_inode inode;
    cn_err err = CN_ERR_INIT;
    int rc = cn_ext_inode_get(ext, entry->inode, &inode, &err);
    if (rc != CN_OK) {
        cn_ext_warn(ext, rc == CN_E_NOT_FOUND ? CN_E_CORRUPT : rc, entry->offset, entry->inode,
                    "a name in directory %u: %s", w->dir_inode, err.text);
        cn_file_meta meta = bare(entry->inode, entry->file_type);
        return emit(w, &meta);
    }
    bool first = !bit_get(&w->seen, entry->inode);
    if (!bit_set(&w->seen, entry->inode))
        return CN_E_NO_MEMORY;
    if (first)
        cn_ext_inode_check(ext, &inode);
    cn_file_meta meta;
    cn_ext_inode_meta(ext, &inode, &meta);
    if (entry->file_type && cn_ext_type_of_dirent(entry->file_type) != meta.type)
        cn_ext_warn(ext, CN_E_CORRUPT, entry->offset, entry->inode,
                    "a name in directory %u is of another type than its inode %u", w->dir_inode,
                    entry->inode);
    rc = emit(w, &meta);
    if (rc != CN_OK || meta.type != CN_FILE_DIRECTORY)
        return rc;
    if (first)
        push(w, entry->inode, meta.deleted);
    else
        cn_ext_warn(ext, CN_E_CORRUPT, entry->offset, entry->inode,
                    "directory %u has a second name in directory %u; it is not entered again",
                    entry->inode, w->dir_inode);
    return CN_OK;
}

static int on_name(void *context, const cn_ext_dirent *entry)
{
    walk *w = context;
    if (!entry->deleted && !w->dir_deleted)
        return w->stopped = name_in_use(w, entry);
    keep_candidate(w, entry);
    return CN_OK;
}

/* A deleted name says all that its inode says as long as that is free and of the same type. */
static int name_deleted(walk *w, const cn_ext_dirent *entry)
{
    if (!path_with(w, entry->name))
        return CN_OK;
    cn_file_meta meta = bare(entry->inode, entry->file_type);
    meta.deleted = true;
    cn_ext_inode inode;
    bool known = false, used = cn_ext_allocated(w->ext, entry->inode, &known);
    if (!known || used || cn_ext_inode_get(w->ext, entry->inode, &inode, NULL) != CN_OK)
        return emit(w, &meta);
    cn_file_type type = cn_ext_type_of_mode(inode.mode);
    if (inode.mode == 0 || (entry->file_type && type != meta.type))
        return emit(w, &meta);
    bool first = !bit_get(&w->seen, entry->inode);
    if (!bit_set(&w->seen, entry->inode))
        return CN_E_NO_MEMORY;
    cn_ext_inode_meta(w->ext, &inode, &meta);
    meta.deleted = true;
    int rc = emit(w, &meta);
    if (rc == CN_OK && first && type == CN_FILE_DIRECTORY)
        push(w, entry->inode, true);
    return rc;
}

/* A set of hashes with room for n: a table of a power of two, at least twice n; 0 is empty. */
typedef struct hash_set {
    uint64_t *slots;
    size_t mask;
} hash_set;

static bool set_make(hash_set *set, size_t n)
{
    size_t size = 64;
    while (size < 2 * n)
        size *= 2;
    set->slots = calloc(size, sizeof *set->slots);
    set->mask = size - 1;
    return set->slots;
}

/* False where it was there already. */
static bool set_add(hash_set *set, uint64_t hash)
{
    hash |= hash == 0;
    size_t i = (size_t) hash & set->mask;
    for (; set->slots[i]; i = (i + 1) & set->mask)
        if (set->slots[i] == hash)
            return false;
    set->slots[i] = hash;
    return true;
}

/* The deleted names of the directory at hand. Those that are in use at another place of the same
 * directory were moved when it was rearranged: they are not told. */
static int tell_candidates(walk *w)
{
    if (w->candidates.len == 0)
        return CN_OK;
    hash_set set;
    size_t names = w->live.len / sizeof(uint64_t);
    if (!set_make(&set, names + w->candidates.len / sizeof(cn_ext_dirent)))
        return CN_E_NO_MEMORY;
    for (size_t i = 0; i < names; i++) {
        uint64_t hash;
        memcpy(&hash, w->live.p + i * sizeof hash, sizeof hash);
        (void) set_add(&set, hash);
    }
    int rc = CN_OK;
    for (size_t at = 0; rc == CN_OK && at < w->candidates.len;) {
        cn_ext_dirent entry;
        memcpy(&entry, w->candidates.p + at, sizeof entry);
        at += sizeof entry;
        entry.name.p = w->candidates.p + at;
        at += entry.name.len;
        if (set_add(&set, name_hash(&entry)))
            rc = name_deleted(w, &entry);
    }
    free(set.slots);
    return rc;
}

/* What the caller's function returned comes back as it is; a budget that is used up does not. */
static int read_dir(walk *w, const cn_ext_inode *dir)
{
    cn_ext_dir_job job = {w->ext, &w->reader, true, w->budget_bytes, w->budget_damage, on_name, w};
    w->stopped = CN_OK;
    int rc = cn_ext_dir_read(&job, dir);
    w->budget_bytes = job.budget_bytes;
    w->budget_damage = job.budget_damage;
    if (w->stopped != CN_OK)
        return w->stopped;
    if (rc == CN_E_LIMIT)
        cn_ext_warn(w->ext, CN_E_LIMIT, dir->offset, dir->number, "directory %u is left out: %s",
                    dir->number,
                    job.budget_damage ? "the directories are larger than the image"
                                      : "too many directories are damaged");
    else if (rc != CN_OK)
        return rc;
    return tell_candidates(w);
}

/* Reads the directories on the stack and all below them. */
static int run(walk *w)
{
    waiting next;
    while (pop(w, &next)) {
        cn_ext_inode dir;
        cn_err err = CN_ERR_INIT;
        int rc = cn_ext_inode_get(w->ext, next.inode, &dir, &err);
        if (rc != CN_OK) {
            cn_ext_warn(w->ext, rc, err.offset, next.inode, "directory %u: %s", next.inode,
                        err.text);
            continue;
        }
        w->dir_len = w->path.len;
        w->dir_inode = next.inode;
        w->dir_deleted = next.deleted;
        w->dir_encrypted = dir.flags & CN_EXT_FL_ENCRYPT;
        cn_buf_clear(&w->live);
        cn_buf_clear(&w->candidates);
        rc = read_dir(w, &dir);
        if (rc != CN_OK)
            return rc;
    }
    return CN_OK;
}

/* --- Orphans. */

static bool is_special(const cn_ext *ext, uint32_t inode)
{
    const cn_ext_super *s = &ext->super;
    return inode < s->first_inode || inode == s->journal_inode || inode == s->orphan_file_inode ||
           inode == s->quota_inodes[0] || inode == s->quota_inodes[1] ||
           inode == s->quota_inodes[2];
}

/* Whether an inode that no name leads to is, or was, a file. */
static bool is_orphan(walk *w, const cn_ext_inode *inode)
{
    if (inode->mode == 0 || cn_ext_type_of_mode(inode->mode) == CN_FILE_OTHER)
        return false;
    bool known, used = cn_ext_allocated(w->ext, inode->number, &known);
    if (known && used) {
        cn_ext_inode_check(w->ext, inode);
        return !(inode->flags & CN_EXT_FL_EA_INODE);
    }
    return inode->ctime != 0 && !(inode->flags & CN_EXT_FL_EA_INODE);
}

/* How many inodes from i on lie where the source holds nothing. */
static uint32_t skip_hole(const cn_ext *ext, uint64_t table, uint32_t i, uint32_t used)
{
    uint64_t at = table + (uint64_t) i * ext->super.inode_size;
    if (at >= ext->fs.src->size)
        return 0; /* that is told by who reads it */
    uint64_t next = cn_src_next_data(ext->fs.src, at);
    return (uint32_t) CN_MIN((next - at) / ext->super.inode_size, (uint64_t) (used - i));
}

/* The inodes of one group that were not seen. */
static int collect_group(walk *w, uint32_t group, uint64_t table, uint32_t used, cn_buf *files,
                         cn_buf *dirs)
{
    cn_ext *ext = w->ext;
    uint32_t per_group = ext->super.inodes_per_group;
    for (uint32_t i = 0; i < used; i++) {
        uint32_t number = group * per_group + i + 1;
        if (bit_get(&w->seen, number) || is_special(ext, number))
            continue;
        if (i % 64 == 0 && (i += skip_hole(ext, table, i, used)) >= used)
            break;
        number = group * per_group + i + 1;
        if (bit_get(&w->seen, number))
            continue;
        cn_ext_inode inode;
        cn_err err = CN_ERR_INIT;
        int rc = cn_ext_inode_get(ext, number, &inode, &err);
        if (rc != CN_OK) {
            cn_ext_warn(ext, rc, err.offset, number, "the inodes of block group %u from %u on: %s",
                        group, number, err.text);
            return CN_OK;
        }
        if (!is_orphan(w, &inode))
            continue;
        cn_buf *to = cn_ext_type_of_mode(inode.mode) == CN_FILE_DIRECTORY ? dirs : files;
        cn_buf_bytes(to, cn_span_of(&number, sizeof number));
    }
    return CN_OK;
}

static int collect(walk *w, cn_buf *files, cn_buf *dirs)
{
    cn_ext *ext = w->ext;
    const cn_ext_super *s = &ext->super;
    /* Tables do not overlap, so together they are no larger than the source. */
    uint64_t budget = ext->fs.src->size;
    int rc = CN_OK;
    for (uint32_t group = 0; rc == CN_OK && group < s->groups; group++) {
        const cn_ext_group *g;
        if (cn_ext_group_get(ext, group, &g, NULL) != CN_OK || g->uninit)
            continue;
        uint32_t used = s->inodes_per_group - g->never_used;
        uint64_t bytes = (uint64_t) used * s->inode_size;
        if (g->inode_table * s->block_size >= ext->fs.src->size) {
            cn_ext_warn(ext, CN_E_TRUNCATED, g->inode_table * s->block_size, 0,
                        "the inodes of block group %u lie behind the image's end", group);
            continue;
        }
        if (bytes > budget) {
            cn_ext_warn(ext, CN_E_LIMIT, CN_NO_OFFSET, 0,
                        "the inode tables are larger than the image: they overlap");
            break;
        }
        budget -= bytes;
        rc = collect_group(w, group, g->inode_table * s->block_size, used, files, dirs);
    }
    if (files->failed || dirs->failed)
        cn_ext_warn(ext, CN_E_LIMIT, CN_NO_OFFSET, 0, "too many orphans: not all are told");
    return rc;
}

static int on_claim(void *context, const cn_ext_dirent *entry)
{
    walk *w = context;
    return bit_set(&w->claimed, entry->inode) ? CN_OK : CN_E_NO_MEMORY;
}

/* Marks what stands in an orphaned directory: it has a better place than the top. */
static int claim(walk *w, uint32_t number, uint64_t *bytes, uint64_t *damage)
{
    cn_ext_inode inode;
    if (cn_ext_inode_get(w->ext, number, &inode, NULL) != CN_OK)
        return CN_OK;
    /* Damage is told when it is read for its names. */
    const cn_fs_visit quiet = {.context = NULL};
    w->ext->visit = &quiet;
    cn_ext_dir_job job = {w->ext, &w->reader, false, *bytes, *damage, on_claim, w};
    int rc = cn_ext_dir_read(&job, &inode);
    w->ext->visit = w->visit;
    *bytes = job.budget_bytes;
    *damage = job.budget_damage;
    return rc == CN_E_LIMIT ? CN_OK : rc;
}

static int tell_orphan(walk *w, uint32_t number)
{
    cn_ext_inode inode;
    if (bit_get(&w->seen, number) || cn_ext_inode_get(w->ext, number, &inode, NULL) != CN_OK)
        return CN_OK;
    if (!bit_set(&w->seen, number))
        return CN_E_NO_MEMORY;
    cn_buf_clear(&w->path);
    cn_buf_str(&w->path, ORPHANS);
    w->dir_len = w->path.len;
    cn_buf_printf(&w->path, "/OrphanFile-%u", number);
    cn_file_meta meta;
    cn_ext_inode_meta(w->ext, &inode, &meta);
    bool known, used = cn_ext_allocated(w->ext, number, &known);
    meta.deleted = known && !used;
    int rc = emit(w, &meta);
    if (rc != CN_OK || meta.type != CN_FILE_DIRECTORY)
        return rc;
    push(w, number, meta.deleted);
    return run(w);
}

static uint32_t number_at(const cn_buf *list, size_t i)
{
    uint32_t number;
    memcpy(&number, list->p + i * sizeof number, sizeof number);
    return number;
}

/* Directories at the top first, so that what lies in them is told there; then those that hold each
 * other in a ring; then files. */
static int tell_orphans(walk *w)
{
    CN_CLEANUP(cn_buf_free) cn_buf files = cn_buf_of(ORPHANS_BYTES);
    CN_CLEANUP(cn_buf_free) cn_buf dirs = cn_buf_of(ORPHANS_BYTES);
    w->below_orphan = true;
    int rc = collect(w, &files, &dirs);
    size_t n_dirs = dirs.len / sizeof(uint32_t), n_files = files.len / sizeof(uint32_t);
    uint64_t bytes = CN_MIN(w->ext->fs.src->size, DIRECTORIES_BYTES), damage = DAMAGE_MAX;
    for (size_t i = 0; rc == CN_OK && i < n_dirs; i++)
        rc = claim(w, number_at(&dirs, i), &bytes, &damage);
    for (size_t i = 0; rc == CN_OK && i < n_dirs; i++)
        if (!bit_get(&w->claimed, number_at(&dirs, i)))
            rc = tell_orphan(w, number_at(&dirs, i));
    for (size_t i = 0; rc == CN_OK && i < n_dirs; i++)
        rc = tell_orphan(w, number_at(&dirs, i));
    for (size_t i = 0; rc == CN_OK && i < n_files; i++)
        rc = tell_orphan(w, number_at(&files, i));
    return rc;
}

/* --- The walk. */

static void tell_state(cn_ext *ext)
{
    const cn_ext_super *s = &ext->super;
    if (s->offset != 1024)
        cn_ext_warn(ext, CN_E_CORRUPT, 1024, 0,
                    "the superblock is damaged; the backup in block group %u is used",
                    s->block_group);
    else if (s->checksum_wrong)
        cn_ext_warn(ext, CN_E_CORRUPT, 1024, 0, "the superblock has a wrong checksum");
    if (ext->fs.size > ext->fs.src->size)
        cn_ext_warn(ext, CN_E_TRUNCATED, ext->fs.src->size, 0,
                    "the image ends before its file system, which has %llu bytes",
                    (unsigned long long) ext->fs.size);
    if (s->incompat & CN_EXT_INCOMPAT_RECOVER)
        cn_ext_warn(
            ext, CN_E_UNSUPPORTED, s->offset, 0,
            "the file system was in use: changes that stand in its journal only are not seen");
}

static int walk_all(walk *w, cn_err *err)
{
    cn_ext *ext = w->ext;
    tell_state(ext);
    cn_ext_inode root;
    int rc = cn_ext_inode_get(ext, CN_EXT_ROOT_INODE, &root, err);
    if (rc != CN_OK) {
        cn_ext_warn(ext, rc, CN_NO_OFFSET, CN_EXT_ROOT_INODE, "the root cannot be read");
    } else {
        cn_ext_inode_check(ext, &root);
        cn_file_meta meta;
        cn_ext_inode_meta(ext, &root, &meta);
        if (!bit_set(&w->seen, CN_EXT_ROOT_INODE))
            return CN_E_NO_MEMORY;
        cn_buf_char(&w->path, '/');
        rc = emit(w, &meta);
        w->path.len = 0;
        if (rc == CN_OK && meta.type != CN_FILE_DIRECTORY)
            cn_ext_warn(ext, CN_E_CORRUPT, root.offset, CN_EXT_ROOT_INODE,
                        "the root is no directory");
        else if (rc == CN_OK)
            push(w, CN_EXT_ROOT_INODE, false), rc = run(w);
        if (rc != CN_OK)
            return rc;
    }
    return tell_orphans(w);
}

int cn_ext_walk(cn_ext *ext, const cn_fs_visit *visit, cn_err *err)
{
    walk *w = calloc(1, sizeof *w);
    if (!w)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a walk");
    w->ext = ext;
    w->visit = ext->visit = visit;
    w->path = cn_buf_of(PATH_BYTES);
    w->pending = cn_buf_of(PENDING_BYTES);
    w->live = cn_buf_of(LIVE_BYTES);
    w->candidates = cn_buf_of(CANDIDATES_BYTES);
    w->budget_bytes = CN_MIN(ext->fs.src->size, DIRECTORIES_BYTES);
    w->budget_damage = DAMAGE_MAX;
    ext->warnings = 0;
    int rc = walk_all(w, err);
    ext->visit = NULL;
    cn_buf_free(&w->path);
    cn_buf_free(&w->pending);
    cn_buf_free(&w->live);
    cn_buf_free(&w->candidates);
    bits_free(&w->seen);
    bits_free(&w->claimed);
    cn_ext_dir_reader_free(&w->reader);
    free(w);
    if (rc == CN_E_NO_MEMORY)
        return cn_fail(err, rc, CN_NO_OFFSET, "no memory for a walk");
    return rc;
}
