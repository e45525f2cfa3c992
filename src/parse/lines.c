#include "parse/lines.h"

cn_lines cn_lines_of(cn_input *in)
{
    return (cn_lines){.in = in, .carry = cn_buf_of(CN_LINE_MAX + 16), .fault_err = CN_ERR_INIT};
}

cn_lines cn_lines_of_memory(cn_span bytes)
{
    cn_lines l = cn_lines_of(NULL);
    l.p = bytes.p;
    l.end = bytes.len ? bytes.p + bytes.len : bytes.p;
    return l;
}

void cn_lines_free(cn_lines *l) { cn_buf_free(&l->carry); }

/* More bytes to p. False at the end and at a fault, which is kept. */
static bool refill(cn_lines *l)
{
    cn_span part = {NULL, 0};
    if (!l->in || l->fault)
        return false;
    l->fault = cn_input_next(l->in, &part, &l->fault_err);
    if (l->fault < 0 || part.len == 0)
        return false;
    l->p = part.p;
    l->end = part.p + part.len;
    return true;
}

static void skip(cn_lines *l, size_t n)
{
    l->p += n;
    l->at += n;
}

/* The first bytes of the stream: a byte order mark is no text. */
static void begin(cn_lines *l)
{
    l->begun = true;
    if (l->p == l->end && !refill(l))
        return;
    cn_span head = cn_span_of(l->p, (size_t) (l->end - l->p));
    if (cn_span_starts(head, "\xff\xfe"))
        l->form = CN_LINES_LE;
    else if (cn_span_starts(head, "\xfe\xff"))
        l->form = CN_LINES_BE;
    if (l->form != CN_LINES_BYTES)
        skip(l, 2);
    else if (cn_span_starts(head, "\xef\xbb\xbf"))
        skip(l, 3);
}

static void skip_nuls(cn_lines *l)
{
    if (l->nuls == 0)
        l->nuls_at = l->at;
    const uint8_t *q = l->p;
    while (q < l->end && *q == 0)
        q++;
    l->nuls += (uint64_t) (q - l->p);
    skip(l, (size_t) (q - l->p));
}

static int finish(cn_lines *l, cn_line *out, bool any, cn_err *err)
{
    if (any) {
        out->torn = l->fault < 0;
        if (out->text.p && out->text.len && out->text.p[out->text.len - 1] == '\r' && !out->cut)
            out->text.len--;
        return 1;
    }
    if (l->fault && err)
        *err = l->fault_err;
    return l->fault;
}

/* A line that ends in another piece than it begins in. */
static int next_carried(cn_lines *l, cn_line *out, cn_err *err)
{
    bool any = false;
    cn_buf_clear(&l->carry);
    *out = (cn_line){.offset = l->at};
    while (l->p < l->end || refill(l)) {
        if (!any && *l->p == 0) {
            skip_nuls(l);
            out->offset = l->at;
            continue;
        }
        any = true;
        const uint8_t *nl = memchr(l->p, '\n', (size_t) (l->end - l->p));
        cn_span part = cn_span_of(l->p, (size_t) ((nl ? nl : l->end) - l->p));
        size_t room = CN_LINE_MAX - l->carry.len;
        out->cut |= part.len > room;
        cn_buf_bytes(&l->carry, cn_span_sub(part, 0, room));
        skip(l, part.len);
        if (nl) {
            skip(l, 1);
            break;
        }
    }
    if (l->carry.failed)
        return cn_fail(err, CN_E_NO_MEMORY, out->offset, "no memory for a line");
    out->text = cn_buf_span(&l->carry);
    out->length = l->at - out->offset;
    return finish(l, out, any, err);
}

/* ---- UTF-16 */

/* The next code unit; false at the end. A lone last byte is passed over. */
static bool next_unit(cn_lines *l, unsigned *out)
{
    unsigned bytes[2];
    for (int i = 0; i < 2; i++) {
        if (l->p == l->end && !refill(l))
            return false;
        bytes[i] = *l->p;
        skip(l, 1);
    }
    *out = l->form == CN_LINES_LE ? bytes[0] | bytes[1] << 8 : bytes[0] << 8 | bytes[1];
    return true;
}

static void put_code_point(cn_buf *b, uint32_t c)
{
    if (c < 0x80) {
        cn_buf_char(b, (char) c);
        return;
    }
    if (c < 0x800) {
        cn_buf_char(b, (char) (0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            cn_buf_char(b, (char) (0xe0 | c >> 12));
        } else {
            cn_buf_char(b, (char) (0xf0 | c >> 18));
            cn_buf_char(b, (char) (0x80 | (c >> 12 & 0x3f)));
        }
        cn_buf_char(b, (char) (0x80 | (c >> 6 & 0x3f)));
    }
    cn_buf_char(b, (char) (0x80 | (c & 0x3f)));
}

static int next_utf16(cn_lines *l, cn_line *out, cn_err *err)
{
    unsigned unit, high = 0;
    bool any = false;
    cn_buf_clear(&l->carry);
    *out = (cn_line){.offset = l->at};
    while (next_unit(l, &unit)) {
        any = true;
        if (unit == '\n')
            break;
        uint32_t c = unit;
        if (unit >= 0xd800 && unit < 0xdc00) {
            high = unit;
            continue;
        }
        if (unit >= 0xdc00 && unit < 0xe000)
            c = high ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : 0xfffd;
        high = 0;
        if (l->carry.len + 4 > CN_LINE_MAX)
            out->cut = true;
        else
            put_code_point(&l->carry, c);
    }
    if (l->carry.failed)
        return cn_fail(err, CN_E_NO_MEMORY, out->offset, "no memory for a line");
    out->text = cn_buf_span(&l->carry);
    out->length = l->at - out->offset;
    return finish(l, out, any, err);
}

int cn_lines_next(cn_lines *l, cn_line *out, cn_err *err)
{
    if (!l->begun)
        begin(l);
    if (l->form == CN_LINES_BYTES && l->p < l->end) {
        if (*l->p == 0)
            skip_nuls(l);
        size_t left = (size_t) (l->end - l->p);
        const uint8_t *nl = left ? memchr(l->p, '\n', left) : NULL;
        if (nl) {
            size_t n = (size_t) (nl - l->p);
            *out = (cn_line){.text = {l->p, CN_MIN(n, CN_LINE_MAX)},
                             .offset = l->at,
                             .length = n + 1,
                             .cut = n > CN_LINE_MAX};
            if (n && nl[-1] == '\r' && !out->cut)
                out->text.len--;
            l->p = nl + 1;
            l->at += n + 1;
            return 1;
        }
    }
    if (l->before_refill)
        l->before_refill(l->context);
    return l->form == CN_LINES_BYTES ? next_carried(l, out, err) : next_utf16(l, out, err);
}
