#include "cli/search_output.h"

#include "base/log.h"
#include "base/text.h"
#include "store/view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ROW_MAX    CN_MIB(4) /* bytes of a table's row */
#define ANSWER_MAX CN_GIB(1) /* memory of an aggregation */
#define BAR_WIDTH  40

bool cn_search_form_by_name(const char *name, cn_search_form *out)
{
    static const char *const names[] = {"table", "jsonl", "csv", "l2tcsv", "bodyfile"};
    for (size_t i = 0; i < CN_LEN(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (cn_search_form) i;
            return true;
        }
    }
    return false;
}

static int put(void *context, cn_span bytes, cn_err *err)
{
    (void) context;
    while (bytes.len) {
        ssize_t n = write(STDOUT_FILENO, bytes.p, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cn_fail_errno(err, "cannot write the answer");
        bytes = cn_span_sub(bytes, (size_t) n, bytes.len);
    }
    return CN_OK;
}

int cn_search_print_count(uint64_t count, cn_err *err)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRIu64 "\n", count);
    return put(NULL, cn_span_of(text, (size_t) n), err);
}

/* ---- events ---- */

typedef struct printing {
    const cn_search_events *ask;
    cn_encoder *encoder; /* NULL for a table */
    cn_buf row, text;
    size_t width; /* of the terminal in characters; 0: any */
    uint64_t printed;
    cn_err *err;
    bool enough;
} printing;

static int print_encoded(printing *p, const cn_stored_event *event)
{
    cn_event_view view = cn_view_stored(event);
    return cn_encoder_add(p->encoder, &view, p->err);
}

/* Appends text for a terminal: controls (C0, DEL, C1) as '.', what is no UTF-8 as U+FFFD, at most
 * `width` characters (0: all). Returns how many. */
static size_t put_cell(printing *p, cn_span text, size_t width)
{
    size_t n = 0;
    cn_buf_clear(&p->text);
    cn_text_put_utf8(&p->text, text);
    cn_span s = cn_buf_span(&p->text);
    for (size_t i = 0; i < s.len && (width == 0 || n < width); n++) {
        size_t len = 1;
        while (i + len < s.len && (s.p[i + len] & 0xc0) == 0x80)
            len++;
        bool control =
            s.p[i] < 0x20 || s.p[i] == 0x7f || (s.p[i] == 0xc2 && len == 2 && s.p[i + 1] < 0xa0);
        cn_buf_bytes(&p->row, control ? CN_SPAN_LIT(".") : cn_span_sub(s, i, len));
        i += len;
    }
    return n;
}

static void put_column(printing *p, cn_span text, size_t width)
{
    for (size_t n = put_cell(p, text, width); n < width; n++)
        cn_buf_char(&p->row, ' ');
    cn_buf_str(&p->row, "  ");
}

static int print_row(printing *p, const cn_stored_event *event)
{
    static const size_t time_width = 29, desc_width = 20, type_width = 22, timeline_width = 6;
    CN_CLEANUP(cn_buf_free) cn_buf time = cn_buf_of(64);
    cn_buf_clear(&p->row);
    if (event->s.event.has_time) {
        cn_time_format(&time, event->s.event.time_ns, 9);
        time.len -= 6; /* the zone: all times are UTC */
        time.p[10] = ' ';
    }
    put_column(p, cn_buf_span(&time), time_width);
    size_t used = time_width + desc_width + type_width + 6;
    if (p->ask->with_timeline) {
        char id[24];
        int n = snprintf(id, sizeof id, "%" PRIu64, event->timeline_id);
        put_column(p, cn_span_of(id, (size_t) n), timeline_width);
        used += timeline_width + 2;
    }
    put_column(p, event->desc, desc_width);
    put_column(p, cn_span_str(event->s.event.data_type), type_width);
    put_cell(p, event->s.event.message, p->width > used ? p->width - used : 0);
    cn_buf_char(&p->row, '\n');
    if (p->row.failed)
        return cn_fail(p->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to print an event");
    return put(NULL, cn_buf_span(&p->row), p->err);
}

static int print_event(void *context, const cn_stored_event *event)
{
    printing *p = context;
    if (p->printed == p->ask->limit) {
        p->enough = true;
        return CN_E_CANCELLED;
    }
    p->printed++;
    return p->encoder ? print_encoded(p, event) : print_row(p, event);
}

static int begin(printing *p, cn_err *err)
{
    static const cn_encoding encodings[] = {
        [CN_FORM_JSONL] = CN_ENCODE_JSONL,
        [CN_FORM_CSV] = CN_ENCODE_CSV,
        [CN_FORM_L2TCSV] = CN_ENCODE_L2TCSV,
        [CN_FORM_BODYFILE] = CN_ENCODE_BODYFILE,
    };
    struct winsize size;
    if (p->ask->form == CN_FORM_TABLE) {
        if (p->ask->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
            p->width = size.ws_col;
        return CN_OK;
    }
    p->encoder = cn_encoder_new(encodings[p->ask->form], put, NULL);
    if (!p->encoder)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to print events");
    cn_encoder_gather(p->encoder);
    return cn_encoder_head(p->encoder, err);
}

int cn_search_print_events(cn_library *library, const cn_search *search,
                           const cn_search_events *ask, cn_err *err)
{
    printing p = {.ask = ask, .row = cn_buf_of(ROW_MAX), .text = cn_buf_of(ROW_MAX), .err = err};
    int rc = begin(&p, err);
    if (rc == CN_OK)
        rc = cn_library_each(library, search, ask->order, print_event, &p, err);
    if (p.enough)
        rc = CN_OK;
    if (rc == CN_OK && p.encoder)
        rc = cn_encoder_flush(p.encoder, err);
    if (rc == CN_OK && p.enough && ask->form == CN_FORM_TABLE && ask->terminal)
        cn_log_note("the first %" PRIu64 "; more with -n N, all of them with -o jsonl", p.printed);
    cn_encoder_free(p.encoder);
    cn_buf_free(&p.row);
    cn_buf_free(&p.text);
    return rc;
}

/* ---- aggregations ---- */

static void put_json_value(cn_buf *out, cn_span value, cn_type type)
{
    if (type == CN_INT || type == CN_BOOL) {
        cn_buf_bytes(out, value);
        return;
    }
    cn_buf_char(out, '"');
    cn_text_put_json(out, value);
    cn_buf_char(out, '"');
}

static void put_csv_value(cn_buf *out, cn_span value)
{
    cn_buf_char(out, '"');
    for (size_t i = 0; i < value.len; i++) {
        if (value.p[i] == '"')
            cn_buf_char(out, '"');
        cn_buf_char(out, (char) value.p[i]);
    }
    cn_buf_char(out, '"');
}

static void put_plain_value(cn_buf *out, cn_span value)
{
    for (size_t i = 0; i < value.len; i++)
        cn_buf_char(out, value.p[i] < 0x20 || value.p[i] == 0x7f ? '.' : (char) value.p[i]);
}

static int finish(cn_buf *out, cn_err *err)
{
    if (out->failed)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to print the answer");
    return put(NULL, cn_buf_span(out), err);
}

static void put_bar(cn_buf *out, uint64_t count, uint64_t most)
{
    cn_buf_str(out, "  ");
    for (uint64_t i = 0; i * most < count * BAR_WIDTH; i++)
        cn_buf_str(out, "\xe2\x96\x88");
}

int cn_search_print_histogram(cn_hits *hits, int64_t interval_ns, cn_search_form form,
                              bool terminal, cn_err *err)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(ANSWER_MAX);
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(ANSWER_MAX);
    const cn_histogram_ask ask = {.interval_ns = interval_ns, .max_buckets = terminal ? 60 : 200};
    cn_histogram h = {0};
    int rc = cn_hits_histogram(hits, &ask, &arena, &h, err);
    if (rc)
        return rc;
    uint64_t most = 1;
    for (size_t i = 0; i < h.n_buckets; i++)
        most = CN_MAX(most, h.buckets[i].count);
    if (form == CN_FORM_CSV)
        cn_buf_str(&out, "start,count\r\n");
    int digits = h.interval_ns % CN_NS_PER_S == 0 ? 0 : h.interval_ns % CN_NS_PER_US == 0 ? 6 : 9;
    for (size_t i = 0; i < h.n_buckets; i++) {
        cn_buf_str(&out, form == CN_FORM_JSONL ? "{\"start\":\"" : "");
        cn_time_format(&out, h.buckets[i].start_ns, digits);
        cn_buf_str(&out, form == CN_FORM_JSONL ? "\",\"count\":"
                         : form == CN_FORM_CSV ? ","
                                               : "  ");
        cn_buf_printf(&out, form == CN_FORM_TABLE ? "%10" PRIu64 : "%" PRIu64, h.buckets[i].count);
        if (form == CN_FORM_TABLE && terminal)
            put_bar(&out, h.buckets[i].count, most);
        cn_buf_str(&out, form == CN_FORM_JSONL ? "}\n" : form == CN_FORM_CSV ? "\r\n" : "\n");
    }
    if (h.untimed && form == CN_FORM_TABLE)
        cn_buf_printf(&out, "%-25s  %10" PRIu64 "\n", "Not a time", h.untimed);
    return finish(&out, err);
}

int cn_search_print_top(cn_hits *hits, const cn_top_ask *ask, cn_search_form form, cn_err *err)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(ANSWER_MAX);
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(ANSWER_MAX);
    cn_top top = {0};
    int rc = cn_hits_top(hits, ask, &arena, &top, err);
    if (rc)
        return rc;
    if (form == CN_FORM_CSV)
        cn_buf_str(&out, "value,count\r\n");
    for (size_t i = 0; i < top.n_values; i++) {
        const cn_value_count *v = &top.values[i];
        if (form == CN_FORM_JSONL) {
            cn_buf_str(&out, "{\"value\":");
            put_json_value(&out, v->value, top.type);
            cn_buf_printf(&out, ",\"count\":%" PRIu64 "}\n", v->count);
        } else if (form == CN_FORM_CSV) {
            put_csv_value(&out, v->value);
            cn_buf_printf(&out, ",%" PRIu64 "\r\n", v->count);
        } else {
            cn_buf_printf(&out, "%10" PRIu64 "  ", v->count);
            put_plain_value(&out, v->value);
            cn_buf_char(&out, '\n');
        }
    }
    return finish(&out, err);
}
