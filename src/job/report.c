#include "job/report.h"

#include "base/text.h"
#include "store/store.h"

#include <inttypes.h>

#define TYPES_SHOWN  12u
#define FACT_COLUMNS 110u /* then the rest of its values is counted */

static void thousands(cn_buf *out, uint64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            cn_buf_char(out, ',');
        cn_buf_char(out, digits[i]);
    }
}

static void line(FILE *out, const char *name, const char *value)
{
    fprintf(out, "  %-10s %s\n", name, value);
}

/* Controls of evidence do not reach the terminal. */
static void put_shown(cn_buf *out, const char *text)
{
    size_t at = out->len;
    cn_text_put_utf8(out, cn_span_str(text));
    for (; at < out->len; at++)
        if (out->p[at] < 0x20 || out->p[at] == 0x7f)
            out->p[at] = '?';
}

static int open_timeline(cn_catalog *catalog, int64_t id, cn_arena *arena, cn_store **out)
{
    cn_segment_row *rows;
    size_t n;
    cn_store *store = NULL;
    int r = cn_catalog_segments(catalog, id, arena, &rows, &n, NULL);
    if (r < 0 || (r = cn_store_new(&store, NULL)) < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        const cn_store_segment segment = {.path = rows[i].path,
                                          .segment_id = (uint64_t) rows[i].id,
                                          .timeline_id = (uint64_t) id,
                                          .checksum = rows[i].checksum};
        if ((r = cn_store_add(store, &segment, NULL)) < 0) {
            cn_store_free(store);
            return r;
        }
    }
    *out = store;
    return CN_OK;
}

static void print_types(FILE *out, cn_catalog *catalog, int64_t id, cn_arena *arena)
{
    CN_CLEANUP(cn_store_free_p) cn_store *store = NULL;
    CN_CLEANUP(cn_hits_free_p) cn_hits *hits = NULL;
    const cn_search everything = {0};
    const cn_top_ask ask = {.field = CN_SPAN_LIT("data_type"), .n = TYPES_SHOWN};
    cn_top top;
    if (open_timeline(catalog, id, arena, &store) < 0 ||
        cn_store_search(store, &everything, &hits, NULL) < 0 ||
        cn_hits_top(hits, &ask, arena, &top, NULL) < 0) {
        line(out, "types", "the segments could not be read; see: cairn doctor");
        return;
    }
    for (size_t i = 0; i < top.n_values; i++) {
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(1024);
        thousands(&text, top.values[i].count);
        fprintf(out, "  %-10s %12s  %.*s\n", i ? "" : "types", cn_buf_cstr(&text),
                (int) CN_MIN(top.values[i].value.len, 200u), top.values[i].value.p);
    }
    if (top.distinct > top.n_values)
        fprintf(out, "  %-10s %12s  %" PRIu64 " more\n", "", "", top.distinct - top.n_values);
}

/* Facts of one name stand on one line. */
static void print_facts(FILE *out, cn_catalog *catalog, int64_t id, cn_arena *arena)
{
    cn_fact *facts;
    size_t n;
    if (cn_catalog_facts(catalog, id, arena, &facts, &n, NULL) < 0)
        return;
    bool first = true;
    for (size_t i = 0; i < n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || strcmp(facts[k].name, facts[i].name) == 0;
        if (seen)
            continue;
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(64));
        unsigned values = 0, left_out = 0;
        for (size_t k = i; k < n; k++) {
            if (strcmp(facts[k].name, facts[i].name) != 0)
                continue;
            if (++values > 1 && text.len + strlen(facts[k].value) > FACT_COLUMNS) {
                left_out++;
                continue;
            }
            if (values > 1)
                cn_buf_str(&text, ", ");
            put_shown(&text, facts[k].value);
        }
        if (left_out)
            cn_buf_printf(&text, " and %u more", left_out);
        fprintf(out, "  %-10s %s: %s\n", first ? "machine" : "", facts[i].name, cn_buf_cstr(&text));
        first = false;
    }
}

static void print_timeline(FILE *out, const cn_process_options *o, const cn_process_result *r)
{
    CN_CLEANUP(cn_catalog_close_p) cn_catalog *catalog = NULL;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(256));
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(16));
    cn_timeline t;
    if (cn_catalog_open(o->folder, CN_DB_READ, &catalog, NULL) < 0 ||
        cn_catalog_timeline(catalog, r->timeline, &arena, &t, NULL) < 0)
        return;
    fprintf(out, "Timeline %" PRId64 ": %s", t.id, t.name);
    if (*t.case_name)
        fprintf(out, "  (case %s)", t.case_name);
    fprintf(out, "  %s\n", cn_timeline_status_name(t.status));
    line(out, "source", t.source);
    if (*t.sha256)
        line(out, "sha256", t.sha256);
    thousands(&text, t.events);
    cn_buf_printf(&text, " in %u segments, %.1f MB", t.segments, (double) t.bytes / 1e6);
    line(out, "events", cn_buf_cstr(&text));
    if (t.has_times) {
        cn_buf_clear(&text);
        cn_time_format(&text, t.first_ns, 0);
        cn_buf_str(&text, " to ");
        cn_time_format(&text, t.last_ns, 0);
        line(out, "span", cn_buf_cstr(&text));
    }
    if (t.events)
        print_types(out, catalog, t.id, &arena);
    print_facts(out, catalog, t.id, &arena);
}

static void print_warnings(FILE *out, const cn_process_result *r)
{
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(4));
    for (size_t i = 0; i < r->n_kinds; i++)
        cn_buf_printf(&text, "%s%" PRIu64 " %s", i ? ", " : "", r->kinds[i].n, r->kinds[i].kind);
    if (r->n_kinds)
        line(out, "warnings", cn_buf_cstr(&text));
}

void cn_report_print(FILE *out, const cn_process_options *o, const cn_process_result *r)
{
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(4));
    if (r->was_complete)
        fprintf(out, "Nothing to resume: the timeline of %s is whole.\n", o->source);
    if (r->timeline)
        print_timeline(out, o, r);
    else
        fprintf(out, "%s\n", *r->image ? r->image : o->source);
    if (!r->timeline && *r->sha256)
        line(out, "sha256", r->sha256);
    for (size_t i = 0; i < o->outputs->n && !r->was_complete; i++) {
        const cn_output *to = &o->outputs->list[i];
        cn_buf_clear(&text);
        thousands(&text, to->events);
        cn_buf_printf(&text, " events as %s to %s", cn_encoding_name(to->encoding),
                      strcmp(to->path, "-") == 0 ? "standard output" : to->path);
        line(out, "written", cn_buf_cstr(&text));
    }
    print_warnings(out, r);
    if (r->was_complete)
        return;
    cn_buf_clear(&text);
    thousands(&text, r->files);
    double seconds = (double) r->duration_ns / 1e9;
    cn_buf_printf(&text, " names in %.1f s, %.0f k events/s", seconds,
                  seconds > 0 ? (double) r->events / seconds / 1e3 : 0.0);
    line(out, "work", cn_buf_cstr(&text));
}
