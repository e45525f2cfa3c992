#include "store/segment/format.h"

#include <stdlib.h>

enum { CODE_PAD = 8 }; /* bytes behind codes that may be read with them */

bool cn_codes_bytes(uint64_t n, uint8_t bits, uint64_t *out)
{
    uint64_t total;
    if (!cn_mul(n, bits, &total) || !cn_add(total, 7, &total))
        return false;
    *out = total / 8 + CODE_PAD;
    return true;
}

uint8_t cn_codes_bits(uint64_t max)
{
    static const uint8_t widths[] = {0, 1, 2, 4, 8, 16, 24, 32};
    for (size_t i = 0; i < CN_LEN(widths); i++)
        if (max >> widths[i] == 0)
            return widths[i];
    return 64;
}

static void put_extent(cn_buf *out, cn_extent e)
{
    cn_buf_le64(out, e.offset);
    cn_buf_le64(out, e.length);
}

static void put_column(cn_buf *out, const cn_column *c)
{
    cn_buf_char(out, (char) c->name.len);
    cn_buf_bytes(out, c->name);
    cn_buf_char(out, (char) c->type);
    cn_buf_char(out, (char) c->domain);
    cn_buf_char(out, (char) c->is_builtin);
    cn_buf_char(out, (char) c->presence);
    cn_buf_char(out, (char) c->coding);
    cn_buf_char(out, (char) c->bits);
    cn_buf_le32(out, c->n_present);
    cn_buf_le32(out, c->n_values);
    cn_buf_le64(out, c->first_value);
    cn_buf_le64(out, (uint64_t) c->base);
    put_extent(out, c->present);
    put_extent(out, c->ranks);
    put_extent(out, c->codes);
    put_extent(out, c->values);
    put_extent(out, c->value_index);
    put_extent(out, c->counts);
}

void cn_footer_put(cn_buf *out, const cn_footer *f)
{
    cn_buf_le32(out, f->n_rows);
    cn_buf_le32(out, f->n_untimed);
    cn_buf_le64(out, (uint64_t) f->first_ns);
    cn_buf_le64(out, (uint64_t) f->last_ns);
    cn_buf_le32(out, f->n_origins);
    cn_buf_le32(out, f->indexed_rows);
    cn_buf_le64(out, f->indexed_values);
    cn_buf_le64(out, f->n_text_values);
    for (size_t i = 0; i < CN_SECTION_COUNT; i++)
        put_extent(out, f->sections[i]);
    cn_buf_le32(out, f->n_columns);
    for (uint32_t i = 0; i < f->n_columns; i++)
        put_column(out, &f->columns[i]);
    cn_buf_le32(out, f->n_types);
    for (uint32_t i = 0; i < f->n_types; i++) {
        cn_buf_le32(out, f->types[i].n);
        cn_buf_bytes(out, cn_span_of(f->types[i].columns, (size_t) f->types[i].n * 4));
    }
    cn_buf_le32(out, f->n_blocks);
    cn_buf_bytes(out, cn_span_of(f->sums, (size_t) f->n_blocks * 8));
}

static cn_extent get_extent(cn_cur *c, uint64_t limit)
{
    cn_extent e = {cn_cur_le64(c), cn_cur_le64(c)};
    if (e.offset > limit || e.length > limit - e.offset)
        cn_cur_fail(c, CN_E_CORRUPT);
    return e;
}

/* True where the parts of a column fit each other. */
static bool column_fits(const cn_column *c, uint32_t domain_rows)
{
    uint64_t codes;
    bool is_width = c->bits == 0 || c->bits == 1 || c->bits == 2 || c->bits == 4 || c->bits == 8 ||
                    c->bits == 16 || c->bits == 24 || c->bits == 32 || c->bits == 64;
    if (!is_width || c->n_present > domain_rows || !cn_codes_bytes(c->n_present, c->bits, &codes) ||
        c->codes.length < codes)
        return false;
    uint64_t ranks = ((uint64_t) domain_rows / CN_RANK_ROWS + 1) * 4;
    switch (c->presence) {
    case CN_PRESENT_ALL:
        if (c->n_present != domain_rows)
            return false;
        break;
    case CN_PRESENT_BITMAP:
        if (c->present.length < ((uint64_t) domain_rows + 63) / 64 * 8 || c->ranks.length < ranks)
            return false;
        break;
    case CN_PRESENT_LIST:
        if (c->present.length < (uint64_t) c->n_present * 4)
            return false;
        break;
    }
    if (c->coding != CN_CODE_RAW && c->n_values == 0 && c->n_present != 0)
        return false;
    if (c->counts.length != 0 && c->counts.length < (uint64_t) c->n_values * 4)
        return false;
    if (c->coding == CN_CODE_INT)
        return c->values.length >= (uint64_t) c->n_values * 8;
    uint64_t groups = ((uint64_t) c->n_values + CN_VALUE_GROUP - 1) / CN_VALUE_GROUP;
    return c->coding == CN_CODE_RAW || c->value_index.length >= (groups + 1) * 4;
}

static void get_column(cn_cur *c, uint64_t limit, const cn_footer *f, cn_column *out)
{
    out->name = cn_cur_span(c, cn_cur_u8(c));
    uint8_t type = cn_cur_u8(c), domain = cn_cur_u8(c), builtin = cn_cur_u8(c);
    uint8_t presence = cn_cur_u8(c), coding = cn_cur_u8(c);
    out->bits = cn_cur_u8(c);
    out->n_present = cn_cur_le32(c);
    out->n_values = cn_cur_le32(c);
    out->first_value = cn_cur_le64(c);
    out->base = (int64_t) cn_cur_le64(c);
    out->present = get_extent(c, limit);
    out->ranks = get_extent(c, limit);
    out->codes = get_extent(c, limit);
    out->values = get_extent(c, limit);
    out->value_index = get_extent(c, limit);
    out->counts = get_extent(c, limit);
    if (type > CN_ADDR || domain > CN_OF_ORIGINS || builtin > 1 || presence > CN_PRESENT_LIST ||
        coding > CN_CODE_RAW)
        cn_cur_fail(c, CN_E_CORRUPT);
    bool is_text = type == CN_TEXT || type == CN_ADDR;
    out->type = type;
    out->domain = domain;
    out->is_builtin = builtin;
    out->presence = presence;
    out->coding = coding;
    if (!c->fail && (is_text != (out->coding == CN_CODE_TEXT) ||
                     !column_fits(out, out->domain == CN_OF_ROWS ? f->n_rows : f->n_origins)))
        cn_cur_fail(c, CN_E_CORRUPT);
}

int cn_footer_get(cn_span bytes, uint64_t limit, cn_footer *out, cn_err *err)
{
    enum { COLUMN_MIN = 130 };
    cn_cur c = cn_cur_of(bytes, limit);
    cn_footer f = {.n_rows = cn_cur_le32(&c), .n_untimed = cn_cur_le32(&c)};
    f.first_ns = (int64_t) cn_cur_le64(&c);
    f.last_ns = (int64_t) cn_cur_le64(&c);
    f.n_origins = cn_cur_le32(&c);
    f.indexed_rows = cn_cur_le32(&c);
    f.indexed_values = cn_cur_le64(&c);
    f.n_text_values = cn_cur_le64(&c);
    for (size_t i = 0; i < CN_SECTION_COUNT; i++)
        f.sections[i] = get_extent(&c, limit);
    f.n_columns = cn_cur_le32(&c);
    if (f.n_rows > CN_ROWS_MAX || f.n_origins > CN_ROWS_MAX || f.n_untimed > f.n_rows ||
        f.indexed_rows > f.n_rows || f.n_columns > cn_cur_left(&c) / COLUMN_MIN)
        cn_cur_fail(&c, CN_E_CORRUPT);
    if (!c.fail) {
        f.columns = calloc((size_t) f.n_columns + 1, sizeof *f.columns);
        if (!f.columns)
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to open a segment");
        for (uint32_t i = 0; i < f.n_columns; i++)
            get_column(&c, limit, &f, &f.columns[i]);
    }
    f.n_types = cn_cur_le32(&c);
    if (f.n_types > cn_cur_left(&c) / 4)
        cn_cur_fail(&c, CN_E_CORRUPT);
    if (!c.fail) {
        f.types = calloc((size_t) f.n_types + 1, sizeof *f.types);
        if (!f.types) {
            cn_footer_free(&f);
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to open a segment");
        }
        for (uint32_t i = 0; i < f.n_types && !c.fail; i++) {
            f.types[i].n = cn_cur_le32(&c);
            f.types[i].columns = cn_cur_bytes(&c, (size_t) f.types[i].n * 4);
        }
    }
    f.n_blocks = cn_cur_le32(&c);
    f.sums = cn_cur_bytes(&c, (size_t) f.n_blocks * 8);
    if (f.n_blocks != (limit + CN_BLOCK_BYTES - 1) / CN_BLOCK_BYTES)
        cn_cur_fail(&c, CN_E_CORRUPT);
    int rc = cn_cur_check(&c, err, "footer of the segment");
    if (rc < 0)
        cn_footer_free(&f);
    else
        *out = f;
    return rc;
}

void cn_footer_free(cn_footer *f)
{
    free(f->columns);
    free(f->types);
    f->columns = NULL;
    f->types = NULL;
}
