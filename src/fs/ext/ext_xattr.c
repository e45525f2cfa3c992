/* Names of extended attributes: behind an inode's fields, and in a block of their own that inodes
 * may share (docs/formats/ext.md, section 6).
 *
 *   in the inode, behind its fields:  0 4 0xEA020000, then entries
 *   in a block:  0 4 0xEA020000,  16 4 checksum,  32 entries
 *   entry:  0 1 bytes of the name,  1 1 prefix,  2 2 offset of the value,  4 4 inode of the value,
 *           8 4 bytes of the value,  12 4 hash,  16 name, filled up to 4
 */
#include "base/crc32c.h"
#include "fs/ext/ext.h"

#define MAGIC         0xEA020000u
#define BLOCK_ENTRIES 32u
#define ENTRY_BYTES   16u
#define EXTRA_BASE    128u

enum { PREFIX_SYSTEM = 7, PREFIX_ENCRYPTION = 9 };

typedef struct entry {
    uint8_t prefix;
    uint16_t value_offset;
    uint32_t value_inode, value_bytes;
    cn_span name;
} entry;

/* The next entry; false at the end of the list. */
static bool next_entry(cn_cur *c, entry *out)
{
    if (cn_cur_left(c) < 4)
        return false;
    cn_cur peek = *c;
    if (cn_cur_le32(&peek) == 0)
        return false;
    uint8_t len = cn_cur_u8(c);
    out->prefix = cn_cur_u8(c);
    out->value_offset = cn_cur_le16(c);
    out->value_inode = cn_cur_le32(c);
    out->value_bytes = cn_cur_le32(c);
    cn_cur_skip(c, 4);
    out->name = cn_cur_span(c, len);
    cn_cur_skip(c, CN_MIN(cn_cur_left(c), (size_t) (-len & 3)));
    return !c->fail;
}

static const char *prefix_text(uint8_t prefix)
{
    switch (prefix) {
    case 0:
        return "";
    case 1:
        return "user.";
    case 2:
        return "system.posix_acl_access";
    case 3:
        return "system.posix_acl_default";
    case 4:
        return "trusted.";
    case 5:
        return "lustre.";
    case 6:
        return "security.";
    case PREFIX_SYSTEM:
        return "system.";
    case 8:
        return "system.richacl";
    case 11:
        return "gnu.";
    default:
        return "unknown.";
    }
}

/* What the file system keeps for itself and no user sees. */
static bool hidden(const entry *e)
{
    return (e->prefix == PREFIX_SYSTEM && cn_span_is(e->name, "data")) ||
           e->prefix == PREFIX_ENCRYPTION;
}

/* Adds the names of a list; false where it is damaged. */
static bool put_names(cn_cur *c, cn_buf *out)
{
    entry e;
    while (next_entry(c, &e)) {
        if (hidden(&e))
            continue;
        if (out->len)
            cn_buf_char(out, ',');
        cn_buf_str(out, prefix_text(e.prefix));
        cn_buf_bytes(out, e.name);
    }
    return !c->fail;
}

/* The list in an inode: false where there is none. */
static bool inode_list(const cn_ext_inode *inode, cn_cur *out)
{
    size_t from = EXTRA_BASE + inode->extra_size;
    if (inode->extra_size == 0 || inode->raw.len < from + 4)
        return false;
    cn_cur c = cn_cur_of(inode->raw, inode->offset);
    cn_cur_seek(&c, from);
    if (cn_cur_le32(&c) != MAGIC)
        return false;
    *out = cn_cur_sub(&c, cn_cur_left(&c));
    return true;
}

static void check_block(cn_ext *ext, uint64_t number, cn_span block, uint32_t inode)
{
    uint8_t place[8];
    for (unsigned k = 0; k < 8; k++)
        place[k] = (uint8_t) (number >> (8 * k));
    uint32_t crc = cn_crc32c(ext->super.checksum_seed, cn_span_of(place, sizeof place));
    cn_cur c = cn_cur_of(block, number * ext->super.block_size);
    crc = cn_crc32c(crc, cn_cur_span(&c, 16));
    uint32_t stored = cn_cur_le32(&c);
    crc = cn_crc32c(crc, CN_SPAN_LIT("\0\0\0\0"));
    if (cn_crc32c(crc, cn_cur_span(&c, cn_cur_left(&c))) != stored)
        cn_ext_warn(ext, CN_E_CORRUPT, c.origin, inode,
                    "the attribute block of inode %u has a wrong checksum", inode);
}

/* Names in a block, kept by block number: a security label is shared by thousands of inodes. */
static cn_span block_names(cn_ext *ext, const cn_ext_inode *inode)
{
    struct cn_ext_xattr_names *kept = &ext->xattr_names[inode->xattr_block % CN_EXT_XATTR_CACHE];
    if (kept->block == inode->xattr_block)
        return cn_buf_span(&kept->names);
    kept->block = 0;
    kept->names.max = CN_EXT_NAMES_MAX;
    cn_buf_clear(&kept->names);
    cn_err err = CN_ERR_INIT;
    int rc = cn_ext_block_read(ext, &ext->xattr_block, inode->xattr_block, &err);
    if (rc != CN_OK) {
        cn_ext_warn(ext, rc, err.offset, inode->number, "the attributes of inode %u: %s",
                    inode->number, err.text);
        return (cn_span){NULL, 0};
    }
    cn_span block = cn_span_of(ext->xattr_block.bytes, ext->super.block_size);
    cn_cur c = cn_cur_of(block, inode->xattr_block * ext->super.block_size);
    bool good = cn_cur_le32(&c) == MAGIC;
    if (good && cn_ext_has_checksums(ext))
        check_block(ext, inode->xattr_block, block, inode->number);
    cn_cur_seek(&c, BLOCK_ENTRIES);
    if (!good || !put_names(&c, &kept->names))
        cn_ext_warn(ext, CN_E_CORRUPT, c.origin, inode->number,
                    "the attribute block of inode %u is damaged", inode->number);
    kept->block = inode->xattr_block;
    return cn_buf_span(&kept->names);
}

cn_span cn_ext_xattr_list(cn_ext *ext, const cn_ext_inode *inode)
{
    cn_buf_clear(&ext->names);
    cn_cur c;
    if (inode_list(inode, &c) && !put_names(&c, &ext->names))
        cn_ext_warn(ext, CN_E_CORRUPT, inode->offset, inode->number,
                    "the attributes in inode %u are damaged", inode->number);
    if (inode->xattr_block) {
        cn_span more = block_names(ext, inode);
        if (more.len && ext->names.len)
            cn_buf_char(&ext->names, ',');
        cn_buf_bytes(&ext->names, more);
    }
    return cn_buf_span(&ext->names);
}

cn_span cn_ext_xattr_inline(const cn_ext_inode *inode)
{
    cn_cur list;
    if (!inode_list(inode, &list))
        return (cn_span){NULL, 0};
    cn_cur values = list;
    entry e;
    while (next_entry(&list, &e))
        if (e.prefix == PREFIX_SYSTEM && cn_span_is(e.name, "data") && e.value_inode == 0) {
            cn_cur_seek(&values, e.value_offset);
            cn_span value = cn_cur_span(&values, e.value_bytes);
            return values.fail ? (cn_span){NULL, 0} : value;
        }
    return (cn_span){NULL, 0};
}
