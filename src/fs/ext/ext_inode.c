/* Inodes (docs/formats/ext.md, section 3). Tables are read in pieces of 64 KiB that are kept.
 *
 *   offset size field                       offset size field
 *      0    2   mode                          108   4   size, high half
 *      2    2   owner, low half               116   2   count of 512-byte blocks, bits 32 to 47
 *      4    4   size, low half                118   2   block of attributes, bits 32 to 47
 *      8   16   times a, c, m, d: seconds     120   4   owner and group, high halves
 *     24    2   group, low half               124   2   checksum, low half
 *     26    2   links                         128   2   bytes of fields behind the first 128
 *     28    4   count of 512-byte blocks      130   2   checksum, high half
 *     32    4   flags                         132  12   c, m, a: nanoseconds << 2 | epoch
 *     40   60   blocks, extents, or content   144   8   creation: seconds, nanoseconds and epoch
 *    100    4   generation
 *    104    4   block of attributes
 */
#include "base/crc32c.h"
#include "fs/ext/ext.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define EXTRA_BASE     128u
#define LINK_MAX_BYTES 4096u /* of a target: the kernel's PATH_MAX */

/* Where inode `number` is stored: the piece of its table that holds it, and its place there. */
static int chunk_get(cn_ext *ext, uint32_t number, cn_ext_chunk **out, size_t *out_at, cn_err *err)
{
    const cn_ext_super *s = &ext->super;
    uint32_t group = (number - 1) / s->inodes_per_group, index = (number - 1) % s->inodes_per_group;
    uint32_t per_chunk = (uint32_t) CN_EXT_CHUNK_BYTES / s->inode_size;
    uint32_t first = index / per_chunk * per_chunk;
    uint32_t first_number = group * s->inodes_per_group + first + 1;
    uint32_t per_group = (s->inodes_per_group + per_chunk - 1) / per_chunk;
    uint64_t slot = ((uint64_t) group * per_group + first / per_chunk) % CN_EXT_CHUNKS;
    cn_ext_chunk *chunk = &ext->chunks[slot];
    *out = chunk;
    *out_at = (size_t) (index - first) * s->inode_size;
    if (chunk->first_inode == first_number)
        return CN_OK;
    const cn_ext_group *g;
    int rc = cn_ext_group_get(ext, group, &g, err);
    if (rc != CN_OK)
        return rc;
    if (!chunk->bytes && !(chunk->bytes = malloc(CN_EXT_CHUNK_BYTES)))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for inodes");
    chunk->first_inode = 0;
    chunk->offset = g->inode_table * s->block_size + (uint64_t) first * s->inode_size;
    size_t want = (size_t) CN_MIN(s->inodes_per_group - first, per_chunk) * s->inode_size;
    chunk->valid_bytes = 0;
    rc = cn_src_read_some(ext->fs.src, chunk->offset, chunk->bytes, want, &chunk->valid_bytes, err);
    if (rc != CN_OK)
        return rc;
    chunk->first_inode = first_number;
    return CN_OK;
}

static void read_fields(cn_cur *c, cn_ext_inode *i)
{
    i->mode = cn_cur_le16(c);
    i->uid = cn_cur_le16(c);
    i->size = cn_cur_le32(c);
    cn_cur_skip(c, 4);
    i->ctime = cn_cur_le32(c);
    cn_cur_skip(c, 4);
    i->dtime = cn_cur_le32(c);
    i->gid = cn_cur_le16(c);
    i->links = cn_cur_le16(c);
    i->blocks_512 = cn_cur_le32(c);
    i->flags = cn_cur_le32(c);
    cn_cur_skip(c, 4);
    i->block = cn_cur_span(c, CN_EXT_I_BLOCK_BYTES);
    i->generation = cn_cur_le32(c);
    i->xattr_block = cn_cur_le32(c);
    uint32_t size_high = cn_cur_le32(c);
    cn_cur_skip(c, 4);
    i->blocks_512 |= (uint64_t) cn_cur_le16(c) << 32;
    i->xattr_block |= (uint64_t) cn_cur_le16(c) << 32;
    i->uid |= (uint32_t) cn_cur_le16(c) << 16;
    i->gid |= (uint32_t) cn_cur_le16(c) << 16;
    /* Directories use the field too since there are large ones; before, it was an ACL. */
    if (S_ISREG(i->mode) || S_ISDIR(i->mode))
        i->size |= (uint64_t) size_high << 32;
}

int cn_ext_inode_get(cn_ext *ext, uint64_t number, cn_ext_inode *out, cn_err *err)
{
    const cn_ext_super *s = &ext->super;
    if (number == 0 || number > s->inodes_count)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no inode %llu",
                       (unsigned long long) number);
    cn_ext_chunk *chunk;
    size_t at;
    int rc = chunk_get(ext, (uint32_t) number, &chunk, &at, err);
    if (rc != CN_OK)
        return rc;
    cn_ext_inode i = {.number = (uint32_t) number, .offset = chunk->offset + at};
    cn_cur c = cn_cur_of(
        cn_span_sub(cn_span_of(chunk->bytes, chunk->valid_bytes), at, s->inode_size), i.offset);
    i.raw = cn_cur_span(&c, s->inode_size);
    c = cn_cur_of(i.raw, i.offset);
    read_fields(&c, &i);
    rc = cn_cur_check(&c, err, "inode");
    if (rc != CN_OK)
        return rc;
    if (s->inode_size > EXTRA_BASE) {
        cn_cur_seek(&c, EXTRA_BASE);
        i.extra_size = cn_cur_le16(&c);
        /* A size that cannot be is a sign that the field was never set. */
        if (i.extra_size > s->inode_size - EXTRA_BASE || i.extra_size % 4)
            i.extra_size = 0;
    }
    *out = i;
    return CN_OK;
}

uint32_t cn_ext_inode_seed(const cn_ext *ext, uint32_t number, uint32_t generation)
{
    uint8_t bytes[8];
    for (unsigned k = 0; k < 4; k++) {
        bytes[k] = (uint8_t) (number >> (8 * k));
        bytes[4 + k] = (uint8_t) (generation >> (8 * k));
    }
    return cn_crc32c(ext->super.checksum_seed, cn_span_of(bytes, sizeof bytes));
}

void cn_ext_inode_check(cn_ext *ext, const cn_ext_inode *inode)
{
    if (!cn_ext_has_checksums(ext))
        return;
    cn_cur c = cn_cur_of(inode->raw, inode->offset);
    uint32_t crc = cn_ext_inode_seed(ext, inode->number, inode->generation);
    crc = cn_crc32c(crc, cn_cur_span(&c, 124));
    uint32_t stored = cn_cur_le16(&c), mask = UINT16_MAX;
    crc = cn_crc32c(crc, CN_SPAN_LIT("\0\0"));
    crc = cn_crc32c(crc, cn_cur_span(&c, 2));
    if (inode->raw.len > EXTRA_BASE) {
        crc = cn_crc32c(crc, cn_cur_span(&c, 2));
        if (inode->extra_size >= 4) {
            stored |= (uint32_t) cn_cur_le16(&c) << 16;
            mask = UINT32_MAX;
            crc = cn_crc32c(crc, CN_SPAN_LIT("\0\0"));
        }
        crc = cn_crc32c(crc, cn_cur_span(&c, cn_cur_left(&c)));
    }
    if ((crc & mask) != stored)
        cn_ext_warn(ext, CN_E_CORRUPT, inode->offset, inode->number,
                    "inode %u has a wrong checksum", inode->number);
}

/* 34 bits of seconds and 30 of nanoseconds where the inode has the field, else 32 bits. */
static void put_time(cn_file_meta *m, enum cn_file_time which, uint32_t seconds, uint32_t extra)
{
    int64_t s = (int64_t) (int32_t) seconds + ((int64_t) (extra & 3) << 32);
    uint32_t ns = CN_MIN(extra >> 2, 999999999u);
    if (cn_time_from_unix(s, ns, &m->time_ns[which]))
        m->has_time[which] = true;
    else
        m->odd_time_s[which] = s;
}

static void put_times(cn_ext *ext, const cn_ext_inode *inode, cn_file_meta *m)
{
    cn_cur c = cn_cur_of(inode->raw, inode->offset);
    cn_cur_seek(&c, 8);
    uint32_t a = cn_cur_le32(&c), ctime = cn_cur_le32(&c), mtime = cn_cur_le32(&c);
    uint32_t extra[3] = {0}, born = 0, born_extra = 0;
    cn_cur_seek(&c, CN_MIN(inode->raw.len, EXTRA_BASE + 4u));
    for (unsigned k = 0; k < 3; k++)
        if (inode->extra_size >= 8 + 4 * k)
            extra[k] = cn_cur_le32(&c);
    if (inode->extra_size >= 20)
        born = cn_cur_le32(&c);
    if (inode->extra_size >= 24)
        born_extra = cn_cur_le32(&c);
    /* The kernel sets ctime whenever it touches an inode: without it none of them was ever set. */
    if (ctime || extra[0] || mtime || a) {
        put_time(m, CN_FT_C, ctime, extra[0]);
        put_time(m, CN_FT_M, mtime, extra[1]);
        put_time(m, CN_FT_A, a, extra[2]);
    }
    if (born || born_extra)
        put_time(m, CN_FT_B, born, born_extra);
    /* In the list of orphans the field holds the next inode's number. Deletion times are unsigned:
     * there were none before 1970. */
    if (inode->dtime && (inode->dtime > ext->super.inodes_count || m->deleted) &&
        cn_time_from_unix(inode->dtime, 0, &m->time_ns[CN_FT_D]))
        m->has_time[CN_FT_D] = true;
}

/* A short target stands in the inode, a long one in its first block, an inline one in both parts.
 */
static cn_span link_target(cn_ext *ext, const cn_ext_inode *inode)
{
    cn_buf_clear(&ext->link);
    size_t size = (size_t) CN_MIN(inode->size, LINK_MAX_BYTES);
    bool inlined = inode->flags & CN_EXT_FL_INLINE_DATA;
    if (inlined || (size < CN_EXT_I_BLOCK_BYTES && !(inode->flags & CN_EXT_FL_EXTENTS))) {
        cn_buf_bytes(&ext->link, cn_span_sub(inode->block, 0, size));
        if (inlined && size > CN_EXT_I_BLOCK_BYTES)
            cn_buf_bytes(&ext->link,
                         cn_span_sub(cn_ext_xattr_inline(inode), 0, size - CN_EXT_I_BLOCK_BYTES));
        return cn_buf_span(&ext->link);
    }
    cn_ext_map map;
    cn_ext_map_init(&map, ext, inode);
    cn_ext_run run;
    cn_err err = CN_ERR_INIT;
    int rc = cn_ext_map_at(&map, 0, &run, &err);
    if (rc == CN_OK && run.kind == CN_EXT_DATA)
        rc = cn_ext_block_read(ext, &ext->link_block, run.physical, &err);
    cn_ext_map_free(&map);
    if (rc != CN_OK || run.kind != CN_EXT_DATA) {
        if (inode->links == 0)
            return (cn_span){NULL, 0}; /* its blocks were given back */
        cn_ext_warn(ext, rc != CN_OK ? rc : CN_E_CORRUPT, inode->offset, inode->number,
                    "the target of symbolic link %u cannot be read%s%s", inode->number,
                    err.code ? ": " : "", err.text);
        return (cn_span){NULL, 0};
    }
    cn_buf_bytes(&ext->link,
                 cn_span_of(ext->link_block.bytes, CN_MIN(size, ext->super.block_size)));
    return cn_buf_span(&ext->link);
}

cn_file_type cn_ext_type_of_mode(uint16_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return CN_FILE_REGULAR;
    case S_IFDIR:
        return CN_FILE_DIRECTORY;
    case S_IFLNK:
        return CN_FILE_LINK;
    case S_IFBLK:
        return CN_FILE_BLOCK;
    case S_IFCHR:
        return CN_FILE_CHAR;
    case S_IFIFO:
        return CN_FILE_FIFO;
    case S_IFSOCK:
        return CN_FILE_SOCKET;
    default:
        return CN_FILE_OTHER;
    }
}

/* Old numbers of 8 and 8 bits stand in the first word of i_block, new ones of 12 and 20 in the
 * second. */
static void put_device(const cn_ext_inode *inode, cn_file_meta *m)
{
    cn_cur c = cn_cur_of(inode->block, inode->offset);
    uint32_t old = cn_cur_le32(&c), new = cn_cur_le32(&c);
    if (old) {
        m->device_major = old >> 8 & 0xFF;
        m->device_minor = old & 0xFF;
    } else {
        m->device_major = new >> 8 & 0xFFF;
        m->device_minor = (new & 0xFF) | (new >> 12 & 0xFFF00);
    }
}

void cn_ext_inode_meta(cn_ext *ext, const cn_ext_inode *inode, cn_file_meta *out)
{
    memset(out, 0, sizeof *out);
    out->inode = inode->number;
    out->inode_offset = inode->offset;
    out->mode = inode->mode;
    out->uid = inode->uid;
    out->gid = inode->gid;
    out->links = inode->links;
    out->size = inode->size;
    out->type = cn_ext_type_of_mode(inode->mode);
    /* The bitmap is asked only of inodes that look as if they had been deleted. */
    if (inode->links == 0 || inode->mode == 0) {
        bool known, used = cn_ext_allocated(ext, inode->number, &known);
        out->deleted = known ? !used : inode->dtime != 0;
    }
    put_times(ext, inode, out);
    if (out->type == CN_FILE_LINK)
        out->link_target = link_target(ext, inode);
    if (out->type == CN_FILE_BLOCK || out->type == CN_FILE_CHAR)
        put_device(inode, out);
    if (inode->xattr_block || inode->extra_size)
        out->attribute_names = cn_ext_xattr_list(ext, inode);
}

void cn_ext_inodes_free(cn_ext *ext)
{
    if (ext->chunks)
        for (size_t i = 0; i < CN_EXT_CHUNKS; i++)
            free(ext->chunks[i].bytes);
    free(ext->chunks);
}
