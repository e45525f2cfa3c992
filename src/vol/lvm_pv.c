/* Label, in one of the first four sectors of 512 bytes (docs: lvm2, lib/format_text/layout.h):
 *
 *   offset size field                         offset size physical volume header, where the label
 * says 0    8 "LABELONE"                         0   32 id 8    8 its own sector 32    8 size of
 * the device 16    4 CRC of bytes 20 to 512            40      data areas: offset(8) size(8) ...,
 * ended by zeros 20    4 offset of the header                      metadata areas, the same 24    8
 * "LVM2 001"
 *
 * Metadata area: CRC(4) of bytes 4 to 512, magic(16), version(4), its offset(8), its size(8), then
 * up to four texts: offset in the area(8), size(8), CRC(4), flags(4; 1: ignored). The texts stand
 * in a ring behind the first 512 bytes. */
#include "vol/lvm_pv.h"

#include "base/cur.h"
#include "vol/volume.h"

#include <libdeflate.h>

#define SECTOR     512u
#define CRC_START  0xf597a6cfu
#define AREAS_MAX  16u
#define AREA_MAGIC "\x20\x4c\x56\x4d\x32\x20\x78\x5b\x35\x41\x25\x72\x30\x4e\x2a\x3e"

/* CRC-32 with a start of its own and neither end inverted. */
static uint32_t crc(const uint8_t *p, size_t n) { return ~libdeflate_crc32(~CRC_START, p, n); }

static bool read_label(cn_src *src, uint8_t sector[SECTOR], uint64_t *out_at)
{
    for (uint64_t at = 0; at < 4 * SECTOR && at + SECTOR <= src->size; at += SECTOR) {
        if (cn_src_read(src, at, sector, SECTOR, NULL) != CN_OK)
            continue;
        cn_cur c = cn_cur_of(cn_span_of(sector, SECTOR), at);
        bool mine = cn_span_is(cn_cur_span(&c, 8), "LABELONE");
        cn_cur_skip(&c, 8);
        uint32_t sum = cn_cur_le32(&c);
        cn_cur_skip(&c, 4);
        if (mine && cn_span_is(cn_cur_span(&c, 8), "LVM2 001") &&
            cn_sum_is_right(crc(sector + 20, SECTOR - 20) == sum)) {
            *out_at = at;
            return true;
        }
    }
    return false;
}

bool cn_lvm_is_pv(cn_src *src)
{
    uint8_t sector[SECTOR];
    uint64_t at;
    return read_label(src, sector, &at);
}

/* The text at `offset` of the ring behind the area's header. */
static int read_text(cn_src *src, uint64_t area, uint64_t area_size, uint64_t offset, uint64_t size,
                     uint32_t sum, cn_buf *text, cn_err *err)
{
    if (size > CN_LVM_TEXT_MAX || offset < SECTOR || offset >= area_size ||
        size > area_size - SECTOR)
        return cn_fail(err, CN_E_CORRUPT, area, "LVM: metadata text of %llu bytes at %llu",
                       (unsigned long long) size, (unsigned long long) offset);
    size_t first = (size_t) CN_MIN(size, area_size - offset), rest = (size_t) size - first;
    cn_buf_clear(text);
    uint8_t *p = cn_buf_room(text, (size_t) size);
    if (!p)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = cn_src_read(src, area + offset, p, first, err);
    if (r == CN_OK && rest)
        r = cn_src_read(src, area + SECTOR, p + first, rest, err);
    if (r == CN_OK && !cn_sum_is_right(crc(p, (size_t) size) == sum))
        r = cn_fail(err, CN_E_CORRUPT, area + offset, "LVM: the checksum of the metadata is wrong");
    if (r == CN_OK)
        text->len += (size_t) size;
    return r;
}

static int read_area(cn_src *src, uint64_t area, cn_lvm_pv *pv, cn_buf *text, cn_err *err)
{
    uint8_t sector[SECTOR];
    int r = cn_src_read(src, area, sector, SECTOR, err);
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_span_of(sector, SECTOR), area);
    uint32_t sum = cn_cur_le32(&c);
    cn_span magic = cn_cur_span(&c, 16);
    cn_cur_skip(&c, 12);
    uint64_t area_size = cn_cur_le64(&c), end;
    uint64_t offset = cn_cur_le64(&c), size = cn_cur_le64(&c);
    uint32_t text_sum = cn_cur_le32(&c), flags = cn_cur_le32(&c);
    if ((r = cn_cur_check(&c, err, "LVM metadata area")) != CN_OK)
        return r;
    if (memcmp(magic.p, AREA_MAGIC, 16) != 0 ||
        !cn_sum_is_right(crc(sector + 4, SECTOR - 4) == sum) || !cn_add(area, area_size, &end) ||
        area_size <= SECTOR)
        return cn_fail(err, CN_E_CORRUPT, area, "LVM: the header of the metadata area is damaged");
    if (offset == 0 || size == 0 || (flags & 1))
        return CN_OK;
    if ((r = read_text(src, area, area_size, offset, size, text_sum, text, err)) == CN_OK)
        pv->text_at = area + offset;
    return r;
}

int cn_lvm_read_pv(cn_src *src, cn_lvm_pv *out, cn_buf *text, cn_err *err)
{
    uint8_t sector[SECTOR];
    cn_lvm_pv pv = {0};
    if (!read_label(src, sector, &pv.label_at))
        return cn_fail(err, CN_E_CORRUPT, 0, "there is no LVM label");
    cn_cur c = cn_cur_of(cn_span_of(sector, SECTOR), pv.label_at);
    cn_cur_seek(&c, 20);
    cn_cur_seek(&c, cn_cur_le32(&c));
    cn_span id = cn_cur_span(&c, 32);
    cn_cur_skip(&c, 8);
    while (!c.fail && cn_cur_le64(&c))
        cn_cur_skip(&c, 8);
    cn_cur_skip(&c, 8);
    int r = cn_cur_check(&c, err, "LVM physical volume");
    if (r != CN_OK)
        return r;
    memcpy(pv.id, id.p, 32);
    cn_err first = CN_ERR_INIT;
    for (size_t i = 0; i < AREAS_MAX && !pv.text_at; i++) {
        uint64_t area = cn_cur_le64(&c);
        cn_cur_skip(&c, 8);
        if (c.fail || area == 0)
            break;
        cn_err fault = CN_ERR_INIT;
        if (read_area(src, area, &pv, text, &fault) != CN_OK && first.code == CN_OK)
            first = fault;
    }
    *out = pv;
    if (!pv.text_at && first.code != CN_OK) {
        if (err)
            *err = first;
        return first.code;
    }
    return CN_OK;
}
