#include "job/message.h"

#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>

void cn_put_text(cn_buf *out, cn_span text)
{
    size_t n = CN_MIN(text.len, (size_t) UINT16_MAX);
    cn_buf_le16(out, (uint16_t) n);
    cn_buf_bytes(out, cn_span_of(text.p, n));
}

cn_span cn_get_text(cn_cur *c) { return cn_cur_span(c, cn_cur_le16(c)); }

void cn_get_string(cn_cur *c, char *out, size_t size)
{
    cn_span text = cn_get_text(c);
    CN_CLEANUP(cn_buf_free) cn_buf mended = cn_buf_of(CN_KIB(256));
    cn_text_put_utf8(&mended, text);
    for (size_t i = 0; i < mended.len; i++)
        if (mended.p[i] < 0x20 || mended.p[i] == 0x7f)
            mended.p[i] = '?';
    size_t n = CN_MIN(mended.len, size - 1);
    while (n && n < mended.len && (mended.p[n] & 0xc0) == 0x80) /* not within a character */
        n--;
    if (n)
        memcpy(out, mended.p, n);
    out[n] = '\0';
}

void cn_put_file(cn_buf *out, const cn_file_record *file)
{
    cn_buf_le64(out, file->inode);
    cn_buf_le64(out, file->size);
    cn_buf_le64(out, file->skip);
    cn_buf_le64(out, (uint64_t) file->mtime_ns);
    cn_buf_le16(out, (uint16_t) (file->has_mtime ? 1 : 0));
    cn_buf_le16(out, (uint16_t) (file->done ? 1 : 0));
    cn_put_text(out, file->path);
}

cn_file_record cn_get_file(cn_cur *c)
{
    cn_file_record file = {.inode = cn_cur_le64(c)};
    file.size = cn_cur_le64(c);
    file.skip = cn_cur_le64(c);
    file.mtime_ns = (int64_t) cn_cur_le64(c);
    file.has_mtime = cn_cur_le16(c);
    file.done = cn_cur_le16(c) != 0;
    file.path = cn_get_text(c);
    return file;
}

uint64_t cn_item_key(cn_span volume, uint64_t inode, cn_span path)
{
    uint64_t key = cn_hash64_seed(volume, 0);
    key = cn_hash64_seed(cn_span_of(&inode, sizeof inode), key);
    return cn_hash64_seed(path, key);
}
