/* Writes JSON into a buffer, commas and quotes included. Names are constants of ours. */
#pragma once

#include "base/buf.h"
#include "base/text.h"

typedef struct cn_json_out {
    cn_buf *buf;
    bool comma; /* the next value is not the first of its array or object */
} cn_json_out;

static inline cn_json_out cn_json_of(cn_buf *buf) { return (cn_json_out){buf, false}; }

static inline void cn_json_next(cn_json_out *j)
{
    if (j->comma)
        cn_buf_char(j->buf, ',');
    j->comma = true;
}

static inline void cn_json_key(cn_json_out *j, const char *name)
{
    cn_json_next(j);
    cn_buf_char(j->buf, '"');
    cn_buf_str(j->buf, name);
    cn_buf_str(j->buf, "\":");
    j->comma = false;
}

/* '{' or '[', and their ends. */
static inline void cn_json_open(cn_json_out *j, char bracket)
{
    cn_json_next(j);
    cn_buf_char(j->buf, bracket);
    j->comma = false;
}

static inline void cn_json_close(cn_json_out *j, char bracket)
{
    cn_buf_char(j->buf, bracket);
    j->comma = true;
}

static inline void cn_json_text(cn_json_out *j, cn_span text)
{
    cn_json_next(j);
    cn_buf_char(j->buf, '"');
    cn_text_put_json(j->buf, text);
    cn_buf_char(j->buf, '"');
}

static inline void cn_json_int(cn_json_out *j, int64_t value)
{
    cn_json_next(j);
    cn_buf_i64(j->buf, value);
}

static inline void cn_json_bool(cn_json_out *j, bool value)
{
    cn_json_next(j);
    cn_buf_str(j->buf, value ? "true" : "false");
}

/* NAME: VALUE of an object. */
static inline void cn_json_put_text(cn_json_out *j, const char *name, cn_span text)
{
    cn_json_key(j, name);
    cn_json_text(j, text);
}

static inline void cn_json_put_str(cn_json_out *j, const char *name, const char *text)
{
    cn_json_put_text(j, name, cn_span_str(text));
}

/* Nothing where the text is empty: an unset value is absent. */
static inline void cn_json_put_set(cn_json_out *j, const char *name, const char *text)
{
    if (text && *text)
        cn_json_put_str(j, name, text);
}

static inline void cn_json_put_int(cn_json_out *j, const char *name, int64_t value)
{
    cn_json_key(j, name);
    cn_json_int(j, value);
}

static inline void cn_json_put_u64(cn_json_out *j, const char *name, uint64_t value)
{
    cn_json_key(j, name);
    cn_buf_u64(j->buf, value);
    j->comma = true;
}

static inline void cn_json_put_bool(cn_json_out *j, const char *name, bool value)
{
    cn_json_key(j, name);
    cn_json_bool(j, value);
}

static inline void cn_json_begin(cn_json_out *j, const char *name, char bracket)
{
    cn_json_key(j, name);
    cn_json_open(j, bracket);
}
