/* Directories: blocks of names, read one after the other. The index of a large directory (htree) is
 * laid out so that this reading passes over it: its blocks look like unused entries
 * (docs/formats/ext.md, section 5).
 *
 *   0 4 inode, 0: not in use    4 2 bytes to the next entry    6 1 bytes of the name
 *   7 1 type (without the feature filetype: high half of the length)    8 name
 *   last 12 bytes with checksums:  0 4 0,  4 2 12,  6 1 0,  7 1 0xDE,  8 4 CRC-32C of the block
 *
 * A deleted entry is joined to the one before it, so its bytes stay behind that one's name; the
 * first of a block loses its inode number instead.
 */
#include "base/crc32c.h"
#include "fs/ext/ext.h"

#include <stdlib.h>

#define HEADER_BYTES      8u
#define TAIL_BYTES        12u
#define TAIL_TYPE         0xDEu
#define NAME_MAX          255u
#define TYPE_MAX          7u
#define INDEX_ROOT_COUNTS 32u /* offset of room and count in the first block of the index */
#define INLINE_HEAD       4u  /* the parent's number, before the entries of an inline directory */

typedef struct entry {
    uint32_t inode, step; /* step: bytes to the next entry */
    uint8_t type;
    uint16_t name_len;
} entry;

/* A part of a directory within which entries follow each other. */
typedef struct region {
    cn_ext_dir_job *job;
    const cn_ext_inode *dir;
    cn_span bytes;
    uint64_t offset;
    bool indexed_first; /* the first block of an indexed directory: the index stands behind ".." */
} region;

cn_file_type cn_ext_type_of_dirent(uint8_t file_type)
{
    static const uint8_t types[TYPE_MAX + 1] = {CN_FILE_OTHER,  CN_FILE_REGULAR, CN_FILE_DIRECTORY,
                                                CN_FILE_CHAR,   CN_FILE_BLOCK,   CN_FILE_FIFO,
                                                CN_FILE_SOCKET, CN_FILE_LINK};
    return file_type <= TYPE_MAX ? (cn_file_type) types[file_type] : CN_FILE_OTHER;
}

/* False where no entry's head fits. */
static bool read_entry(const region *r, size_t at, entry *out)
{
    const cn_ext_super *s = &r->job->ext->super;
    cn_cur c = cn_cur_of(r->bytes, r->offset);
    cn_cur_seek(&c, at);
    out->inode = cn_cur_le32(&c);
    out->step = cn_cur_le16(&c);
    out->name_len = cn_cur_u8(&c);
    out->type = cn_cur_u8(&c);
    if (!(s->incompat & CN_EXT_INCOMPAT_FILETYPE)) {
        out->name_len = (uint16_t) (out->name_len | out->type << 8);
        out->type = 0;
    }
    /* A block of 64 KiB does not fit 16 bits: its low two bits hold the high ones. */
    if (s->block_size > 32768 && (out->step == UINT16_MAX || out->step == 0))
        out->step = s->block_size;
    return !c.fail;
}

static size_t least_step(const entry *e) { return (HEADER_BYTES + e->name_len + 3u) & ~3u; }

/* Whether the entry holds together: its name inside it, and it inside its region. */
static bool holds(const region *r, size_t at, const entry *e)
{
    return e->step >= HEADER_BYTES + 4 && e->step % 4 == 0 && e->step <= r->bytes.len - at &&
           HEADER_BYTES + (size_t) e->name_len <= e->step && e->name_len <= NAME_MAX;
}

static cn_span name_of(const region *r, size_t at, const entry *e)
{
    return cn_span_sub(r->bytes, at + HEADER_BYTES, e->name_len);
}

static bool is_dots(cn_span name) { return cn_span_is(name, ".") || cn_span_is(name, ".."); }

/* Whether bytes that are not in use look like an entry that once was. */
static bool once_was(const region *r, size_t at, size_t end, const entry *e)
{
    const cn_ext_super *s = &r->job->ext->super;
    bool typed = s->incompat & CN_EXT_INCOMPAT_FILETYPE;
    if (e->inode == 0 || e->inode > s->inodes_count || e->name_len == 0 || e->name_len > NAME_MAX ||
        HEADER_BYTES + (size_t) e->name_len > end - at || e->step % 4 || e->step < least_step(e) ||
        e->step > r->bytes.len - at || (typed && (e->type == 0 || e->type > TYPE_MAX)))
        return false;
    cn_span name = name_of(r, at, e);
    return !memchr(name.p, 0, name.len) && !memchr(name.p, '/', name.len) && !is_dots(name);
}

static int tell(const region *r, size_t at, const entry *e, bool deleted)
{
    cn_ext_dirent d = {.inode = e->inode,
                       .file_type = e->type,
                       .deleted = deleted,
                       .offset = r->offset + at,
                       .name = name_of(r, at, e)};
    return r->job->name(r->job->context, &d);
}

/* Most of what is not in use is zeros: passes over them, eight bytes at a time, in steps of four.
 */
static size_t skip_zeros(cn_span bytes, size_t at, size_t end)
{
    uint64_t word;
    while (at + sizeof word <= end) {
        memcpy(&word, bytes.p + at, sizeof word);
        if (word)
            return word & UINT32_MAX ? at : at + 4;
        at += sizeof word;
    }
    return at;
}

/* Names that were deleted, between a name in use and the next entry. */
static int read_slack(const region *r, size_t from, size_t end)
{
    int rc = CN_OK;
    for (size_t at = from; rc == CN_OK;) {
        at = skip_zeros(r->bytes, at, end);
        entry e;
        if (at + HEADER_BYTES + 4 > end)
            break;
        if (!read_entry(r, at, &e))
            break;
        bool was = once_was(r, at, end, &e);
        if (was)
            rc = tell(r, at, &e, true);
        at += was ? least_step(&e) : 4;
    }
    return rc;
}

/* Whether an unused entry that spans its block is a node of the index: behind it stand the room and
 * the count of the node's entries. */
static bool is_index_node(const region *r, const entry *e)
{
    if (e->step != r->bytes.len || e->name_len != 0)
        return false;
    cn_cur c = cn_cur_of(r->bytes, r->offset);
    cn_cur_seek(&c, HEADER_BYTES);
    size_t limit = cn_cur_le16(&c), count = cn_cur_le16(&c);
    size_t room = (r->bytes.len - HEADER_BYTES) / 8;
    return limit <= room && limit + 1 >= room && count <= limit;
}

/* The places, in fours, from which entries follow each other to the very end of the region. */
static void find_plausible(const region *r, uint64_t *plausible)
{
    size_t places = r->bytes.len / 4;
    memset(plausible, 0, (places / 64 + 1) * sizeof *plausible);
    for (size_t place = places; place-- > 0;) {
        entry e;
        if (!read_entry(r, place * 4, &e) || !holds(r, place * 4, &e) ||
            e.inode > r->job->ext->super.inodes_count || (e.inode && e.name_len == 0))
            continue;
        size_t next = place + e.step / 4;
        if (next * 4 == r->bytes.len || plausible[next / 64] >> (next % 64) & 1)
            plausible[place / 64] |= UINT64_C(1) << (place % 64);
    }
}

/* Where reading can go on behind a damaged entry; the region's end where it cannot. */
static size_t resume_at(const region *r, size_t at)
{
    uint64_t *plausible = r->job->reader->plausible;
    find_plausible(r, plausible);
    for (size_t place = at / 4 + 1; place < r->bytes.len / 4; place++)
        if (plausible[place / 64] >> (place % 64) & 1)
            return place * 4;
    return r->bytes.len;
}

static int read_used(const region *r, size_t at, const entry *e)
{
    cn_span name = name_of(r, at, e);
    if (is_dots(name) || e->name_len == 0) {
        bool first = at <= HEADER_BYTES + 4;
        if (!first)
            cn_ext_warn(r->job->ext, CN_E_CORRUPT, r->offset + at, r->dir->number,
                        "directory %u has a name that cannot be", r->dir->number);
        return CN_OK;
    }
    return tell(r, at, e, false);
}

static int read_region(const region *r)
{
    int rc = CN_OK;
    for (size_t at = 0; rc == CN_OK && at + HEADER_BYTES <= r->bytes.len;) {
        entry e;
        if (!read_entry(r, at, &e) || !holds(r, at, &e)) {
            cn_ext_warn(r->job->ext, CN_E_CORRUPT, r->offset + at, r->dir->number,
                        "directory %u is damaged here", r->dir->number);
            if (r->job->budget_damage == 0)
                return CN_E_LIMIT;
            r->job->budget_damage--;
            at = resume_at(r, at);
            continue;
        }
        size_t slack = at + least_step(&e), end = at + e.step;
        bool index = false;
        if (e.inode) {
            rc = read_used(r, at, &e);
            index = r->indexed_first && at == HEADER_BYTES + 4;
        } else if (at == 0 && is_index_node(r, &e)) {
            index = true;
        } else if (r->job->deleted && e.name_len && e.type != TAIL_TYPE) {
            cn_span name = name_of(r, at, &e);
            if (!memchr(name.p, 0, name.len) && !memchr(name.p, '/', name.len) && !is_dots(name))
                rc = tell(r, at, &e, true);
        }
        if (rc == CN_OK && r->job->deleted && !index && slack < end)
            rc = read_slack(r, slack, end);
        at = end;
    }
    return rc;
}

/* Checks a block's checksum, which stands in its tail or, in a block of the index, behind the room
 * of its node. What a block of the index was before can have left a tail in it. */
static void check_block(const region *r)
{
    cn_ext *ext = r->job->ext;
    entry e;
    bool index = (r->dir->flags & CN_EXT_FL_INDEX) && read_entry(r, 0, &e) &&
                 (r->indexed_first || (e.inode == 0 && is_index_node(r, &e)));
    uint32_t crc = cn_ext_inode_seed(ext, r->dir->number, r->dir->generation);
    cn_cur c = cn_cur_of(r->bytes, r->offset);
    if (index) {
        size_t counts = r->indexed_first ? INDEX_ROOT_COUNTS : HEADER_BYTES;
        cn_cur_seek(&c, counts);
        size_t limit = cn_cur_le16(&c), count = cn_cur_le16(&c);
        cn_cur_seek(&c, counts + limit * 8);
        cn_span reserved = cn_cur_span(&c, 4);
        crc = cn_crc32c(crc, cn_span_sub(r->bytes, 0, CN_MIN(counts + count * 8, r->bytes.len)));
        crc = cn_crc32c(crc, reserved);
        crc = cn_crc32c(crc, CN_SPAN_LIT("\0\0\0\0"));
    } else {
        crc = cn_crc32c(crc, cn_cur_span(&c, r->bytes.len - TAIL_BYTES));
        cn_cur_skip(&c, TAIL_BYTES - 4);
    }
    uint32_t stored = cn_cur_le32(&c);
    if (c.fail || crc != stored)
        cn_ext_warn(ext, CN_E_CORRUPT, r->offset, r->dir->number,
                    "a block of directory %u has a wrong checksum", r->dir->number);
}

/* Blocks that lie side by side, read in large pieces. */
static int read_run(cn_ext_dir_job *job, const cn_ext_inode *dir, uint64_t logical,
                    const cn_ext_run *run)
{
    cn_ext *ext = job->ext;
    uint32_t block_size = ext->super.block_size;
    uint64_t per_piece = CN_MAX(CN_EXT_DIR_BYTES / block_size, 1u);
    int rc = CN_OK;
    for (uint64_t done = 0; rc == CN_OK && done < run->blocks;) {
        uint64_t blocks = CN_MIN(per_piece, run->blocks - done);
        size_t bytes = (size_t) blocks * block_size, got = 0;
        uint64_t offset = (run->physical + done) * block_size;
        if (bytes > job->budget_bytes)
            return CN_E_LIMIT;
        job->budget_bytes -= bytes;
        cn_err err = CN_ERR_INIT;
        int failed = cn_src_read_some(ext->fs.src, offset, job->reader->bytes, bytes, &got, &err);
        if (failed != CN_OK || got < bytes)
            cn_ext_warn(ext, failed ? failed : CN_E_TRUNCATED, offset + got, dir->number,
                        "directory %u cannot be read to its end", dir->number);
        for (size_t at = 0; rc == CN_OK && at + block_size <= got; at += block_size) {
            region r = {job, dir, cn_span_of(job->reader->bytes + at, block_size), offset + at,
                        (dir->flags & CN_EXT_FL_INDEX) && logical + done == 0 && at == 0};
            if (cn_ext_has_checksums(ext))
                check_block(&r);
            rc = read_region(&r);
        }
        done += blocks;
    }
    return rc;
}

/* A small directory in its inode: the entries of i_block behind the parent's number, and those of
 * the attribute. */
static int read_inline(cn_ext_dir_job *job, const cn_ext_inode *dir)
{
    uint8_t copy[CN_EXT_I_BLOCK_BYTES + 4096];
    cn_span tail = cn_span_sub(cn_ext_xattr_inline(dir), 0, 4096);
    cn_span head = cn_span_sub(dir->block, INLINE_HEAD, dir->block.len);
    uint64_t head_at = dir->offset + (uint64_t) (head.p - dir->raw.p);
    uint64_t tail_at = tail.len ? dir->offset + (uint64_t) (tail.p - dir->raw.p) : 0;
    if (!head.p)
        return CN_OK;
    /* Names are told while other inodes are read: the bytes must not move. */
    memcpy(copy, head.p, head.len);
    if (tail.len)
        memcpy(copy + head.len, tail.p, tail.len);
    region first = {job, dir, cn_span_of(copy, head.len), head_at, false};
    int rc = read_region(&first);
    if (rc != CN_OK || tail.len == 0)
        return rc;
    region second = {job, dir, cn_span_of(copy + head.len, tail.len), tail_at, false};
    return read_region(&second);
}

static int reader_ready(cn_ext_dir_job *job)
{
    cn_ext_dir_reader *reader = job->reader;
    size_t block_size = job->ext->super.block_size;
    if (!reader->bytes)
        reader->bytes = malloc(CN_MAX(CN_EXT_DIR_BYTES, block_size));
    if (!reader->plausible)
        reader->plausible = malloc((block_size / 256 + 2) * sizeof *reader->plausible);
    return reader->bytes && reader->plausible ? CN_OK : CN_E_NO_MEMORY;
}

int cn_ext_dir_read(cn_ext_dir_job *job, const cn_ext_inode *inode)
{
    cn_ext *ext = job->ext;
    cn_ext_inode dir = *inode; /* what it borrows may go while names are told */
    int rc = reader_ready(job);
    if (rc != CN_OK)
        return rc;
    if (dir.flags & CN_EXT_FL_INLINE_DATA)
        return read_inline(job, &dir);
    cn_ext_map map;
    cn_ext_map_init(&map, ext, &dir);
    uint64_t block_size = ext->super.block_size;
    uint64_t end = dir.size / block_size + (dir.size % block_size != 0);
    end = CN_MIN(end, cn_ext_map_end(&map));
    for (uint64_t at = 0; rc == CN_OK && at < end;) {
        cn_ext_run run;
        cn_err err = CN_ERR_INIT;
        int failed = cn_ext_map_at(&map, at, &run, &err);
        if (failed != CN_OK)
            cn_ext_warn(ext, failed, err.offset == CN_NO_OFFSET ? dir.offset : err.offset,
                        dir.number, "directory %u: %s", dir.number, err.text);
        run.blocks = CN_MIN(run.blocks, end - at);
        if (failed == CN_OK && run.kind == CN_EXT_DATA)
            rc = read_run(job, &dir, at, &run);
        at += run.blocks;
    }
    cn_ext_map_free(&map);
    return rc;
}

void cn_ext_dir_reader_free(cn_ext_dir_reader *reader)
{
    free(reader->bytes);
    free(reader->plausible);
}
