/* ext2, ext3 and ext4 as a file system of Cairn: opening, looking up, closing. */
#include "fs/ext/ext.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TARGET_MAX CN_KIB(8)
#define DAMAGE_MAX 1000u /* places of one directory that are damaged, in looking up a name */

void cn_ext_warn(cn_ext *ext, int code, uint64_t offset, uint64_t inode, const char *format, ...)
{
    char text[256];
    if (ext->warnings > CN_EXT_WARNINGS_MAX)
        return;
    if (ext->warnings++ == CN_EXT_WARNINGS_MAX) {
        code = CN_E_LIMIT;
        offset = CN_NO_OFFSET;
        inode = 0;
        format = "more damage was found in the file system than is told";
    }
    va_list args;
    va_start(args, format);
    (void) vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cn_fs_warning warning = {code, offset, inode, text};
    if (ext->visit && ext->visit->warning)
        ext->visit->warning(ext->visit->context, &warning);
    else if (!ext->visit && ext->fs.warn)
        ext->fs.warn(ext->fs.warn_context, &warning);
}

int cn_ext_block_read(cn_ext *ext, cn_ext_block *slot, uint64_t number, cn_err *err)
{
    const cn_ext_super *s = &ext->super;
    if (slot->number == number && number)
        return CN_OK;
    if (number == 0 || number >= s->blocks_count)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "block %llu lies outside the file system",
                       (unsigned long long) number);
    slot->number = 0;
    if (!slot->bytes && !(slot->bytes = malloc(s->block_size)))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a block");
    int rc = cn_src_read(ext->fs.src, number * s->block_size, slot->bytes, s->block_size, err);
    if (rc == CN_OK)
        slot->number = number;
    return rc;
}

static void ext_close(cn_fs *fs)
{
    cn_ext *ext = (cn_ext *) fs;
    cn_ext_groups_free(ext);
    cn_ext_inodes_free(ext);
    cn_ext_dir_reader_free(&ext->finder);
    free(ext->inode_bitmap.bytes);
    free(ext->xattr_block.bytes);
    free(ext->link_block.bytes);
    for (size_t i = 0; i < CN_EXT_XATTR_CACHE; i++)
        cn_buf_free(&ext->xattr_names[i].names);
    cn_buf_free(&ext->names);
    cn_buf_free(&ext->link);
    free(ext);
}

static void describe(cn_ext *ext)
{
    const cn_ext_super *s = &ext->super;
    const uint32_t of_ext4 = CN_EXT_INCOMPAT_EXTENTS | CN_EXT_INCOMPAT_64BIT | 0x200;
    bool four = (s->incompat & ~0x1fu) || (s->ro_compat & ~0x7u);
    const char *type = four || (s->incompat & of_ext4)     ? "ext4"
                       : s->compat & CN_EXT_COMPAT_JOURNAL ? "ext3"
                                                           : "ext2";
    (void) snprintf(ext->fs.type, sizeof ext->fs.type, "%s", type);
    CN_CLEANUP(cn_buf_free) cn_buf label = cn_buf_of(sizeof ext->fs.label - 1);
    size_t len = strnlen((const char *) s->label, sizeof s->label);
    cn_text_put_utf8(&label, cn_span_of(s->label, len));
    (void) snprintf(ext->fs.label, sizeof ext->fs.label, "%s", cn_buf_cstr(&label));
    char *out = ext->fs.uuid;
    size_t at = 0;
    for (size_t i = 0; i < sizeof s->uuid; i++) {
        const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        at += (size_t) snprintf(out + at, sizeof ext->fs.uuid - at, "%s%02x", dash, s->uuid[i]);
    }
    ext->fs.block_size = s->block_size;
    ext->fs.size = s->blocks_count * s->block_size;
}

static int ext_open(cn_src *src, cn_fs **out, cn_err *err)
{
    cn_ext_super super;
    int rc = cn_ext_super_find(src, &super, err);
    if (rc != CN_OK)
        return rc;
    if (super.incompat & CN_EXT_INCOMPAT_JOURNAL_DEV)
        return cn_fail(err, CN_E_UNSUPPORTED, super.offset,
                       "the journal of an ext file system that lies elsewhere; it holds no files");
    uint64_t bytes;
    if (!cn_mul(super.blocks_count, super.block_size, &bytes))
        return cn_fail(err, CN_E_CORRUPT, super.offset, "the ext superblock counts %llu blocks",
                       (unsigned long long) super.blocks_count);
    cn_ext *ext = calloc(1, sizeof *ext);
    if (!ext)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file system");
    ext->fs.ops = &cn_fs_ext_ops;
    ext->fs.src = src;
    ext->super = super;
    ext->names = cn_buf_of(CN_EXT_NAMES_MAX);
    ext->link = cn_buf_of(TARGET_MAX);
    for (size_t i = 0; i < CN_EXT_GROUP_PAGES; i++)
        ext->group_pages[i].first = UINT32_MAX;
    ext->chunks = calloc(CN_EXT_CHUNKS, sizeof *ext->chunks);
    if (!ext->chunks) {
        ext_close(&ext->fs);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file system");
    }
    describe(ext);
    *out = &ext->fs;
    return CN_OK;
}

static int ext_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    return cn_ext_walk((cn_ext *) fs, visit, err);
}

static int ext_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    cn_ext *ext = (cn_ext *) fs;
    cn_ext_inode i;
    int rc = cn_ext_inode_get(ext, inode, &i, err);
    return rc == CN_OK ? cn_ext_file_open(ext, &i, out, err) : rc;
}

static int ext_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    cn_ext *ext = (cn_ext *) fs;
    cn_ext_inode i;
    int rc = cn_ext_inode_get(ext, inode, &i, err);
    if (rc == CN_OK)
        cn_ext_inode_meta(ext, &i, out);
    return rc;
}

/* --- Looking up: directory by directory. */

enum { FOUND = 1 };

typedef struct wanted {
    cn_span name;
    uint32_t inode;
} wanted;

static int match(void *context, const cn_ext_dirent *entry)
{
    wanted *w = context;
    if (entry->deleted || !cn_span_eq(entry->name, w->name))
        return CN_OK;
    w->inode = entry->inode;
    return FOUND;
}

static int find_name(cn_ext *ext, uint64_t dir, cn_span name, uint64_t *out, cn_err *err)
{
    cn_ext_inode i;
    int rc = cn_ext_inode_get(ext, dir, &i, err);
    if (rc != CN_OK)
        return rc;
    wanted w = {name, 0};
    cn_ext_dir_job job = {.ext = ext,
                          .reader = &ext->finder,
                          .budget_bytes = ext->fs.src->size,
                          .budget_damage = DAMAGE_MAX,
                          .name = match,
                          .context = &w};
    rc = cn_ext_type_of_mode(i.mode) == CN_FILE_DIRECTORY ? cn_ext_dir_read(&job, &i) : CN_OK;
    if (rc == FOUND)
        return *out = w.inode, CN_OK;
    if (rc == CN_OK || rc == CN_E_LIMIT)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "no such name");
    return cn_fail(err, rc, CN_NO_OFFSET, "the directory cannot be read");
}

typedef struct listing {
    cn_fs_name_fn name;
    void *context;
} listing;

static int give_name(void *context, const cn_ext_dirent *entry)
{
    listing *l = context;
    return entry->deleted ? CN_OK : l->name(l->context, entry->name, entry->inode);
}

static int ext_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err)
{
    cn_ext *ext = (cn_ext *) fs;
    cn_ext_inode i;
    int rc = cn_ext_inode_get(ext, directory, &i, err);
    if (rc == CN_OK && cn_ext_type_of_mode(i.mode) != CN_FILE_DIRECTORY)
        return cn_fail(err, CN_E_NOT_FOUND, i.offset, "inode %u is no directory", i.number);
    if (rc != CN_OK)
        return rc;
    listing l = {name, context};
    cn_ext_dir_job job = {.ext = ext,
                          .reader = &ext->finder,
                          .budget_bytes = ext->fs.src->size,
                          .budget_damage = DAMAGE_MAX,
                          .name = give_name,
                          .context = &l};
    rc = cn_ext_dir_read(&job, &i);
    if (rc == CN_E_NO_MEMORY)
        return cn_fail(err, rc, CN_NO_OFFSET, "the directory cannot be read");
    return rc == CN_E_LIMIT && job.budget_damage == 0 ? CN_OK : rc;
}

/* The names of orphans are made by the walk: "OrphanFile-" and the inode's number. */
static bool orphan_number(cn_span part, uint64_t *out)
{
    const size_t n = strlen("OrphanFile-");
    return cn_span_starts(part, "OrphanFile-") &&
           cn_text_u64(cn_span_sub(part, n, part.len), out) && *out > 0;
}

static int ext_lookup(cn_fs *fs, cn_span path, uint64_t *out_inode, cn_err *err)
{
    cn_ext *ext = (cn_ext *) fs;
    uint64_t inode = CN_EXT_ROOT_INODE;
    bool orphans = false;
    while (path.len) {
        cn_span part = cn_text_until(&path, '/');
        if (part.len == 0)
            continue;
        int rc = CN_OK;
        if (inode == CN_EXT_ROOT_INODE && cn_span_is(part, "$OrphanFiles") && !orphans)
            orphans = true;
        else if (!orphans || !orphan_number(part, &inode))
            rc = find_name(ext, inode, part, &inode, err), orphans = false;
        else
            orphans = false;
        if (rc != CN_OK)
            return rc;
    }
    if (orphans)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "no such name");
    *out_inode = inode;
    return CN_OK;
}

const cn_fs_ops cn_fs_ext_ops = {
    .name = "ext",
    .probe = cn_ext_super_probe,
    .open = ext_open,
    .walk = ext_walk,
    .open_file = ext_open_file,
    .stat = ext_stat,
    .lookup = ext_lookup,
    .list = ext_list,
    .close = ext_close,
};
