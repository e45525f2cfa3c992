/* Lines of a text stream: LF or CRLF, the last one with or without; UTF-16 with a byte order mark
 * becomes UTF-8. A line of any length is passed, of which the first CN_LINE_MAX bytes are kept.
 * NULs that stand before a line (a file that was cut while it was being written grows a hole) are
 * passed over. One owner, one thread. */
#pragma once

#include "base/buf.h"
#include "parse/input.h"

#define CN_LINE_MAX CN_MIB(1)

typedef struct cn_line {
    cn_span text;    /* without its end */
    uint64_t offset; /* of the text in the stream */
    uint64_t length; /* bytes in the stream, the end included */
    bool cut;        /* it is longer than the text */
    bool torn;       /* the stream broke off in it */
} cn_line;

typedef struct cn_lines {
    cn_input *in; /* NULL: memory only */
    const uint8_t *p, *end;
    uint64_t at;  /* offset of p in the stream */
    cn_buf carry; /* a line that does not lie in one piece */
    enum { CN_LINES_BYTES, CN_LINES_LE, CN_LINES_BE } form;
    bool begun;
    int fault; /* told after the last line */
    cn_err fault_err;
    uint64_t nuls, nuls_at; /* NULs passed over, and where the first stood */
    /* Called before the bytes of earlier lines go away; may be NULL. */
    void (*before_refill)(void *context);
    void *context;
} cn_lines;

/* Lines of an input, from where its sequence stands: its start. */
cn_lines cn_lines_of(cn_input *in);
cn_lines cn_lines_of_memory(cn_span bytes);
/* 1 with the next line, whose text is borrowed until before_refill is called, or until the next
 * call where that is NULL; 0 at the end; negative at a fault, after the last line before it. */
int cn_lines_next(cn_lines *l, cn_line *out, cn_err *err) CN_MUST_USE;
void cn_lines_free(cn_lines *l);
