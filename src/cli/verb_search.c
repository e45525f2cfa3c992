/* cairn search: finds events and prints them, their number, their times or their values. */
#include "cli/verb.h"

#include "base/duration.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/search_output.h"
#include "job/library.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TIMELINES_MAX 256
#define TERMINAL_ROWS 50
#define TOP_VALUES    10

enum {
    OPT_TIMELINE = 256,
    OPT_FROM,
    OPT_UNTIL,
    OPT_COUNT,
    OPT_HISTOGRAM,
    OPT_TOP,
    OPT_RARE,
    OPT_ORDER,
    OPT_DATA,
    OPT_SPLIT,
    OPT_STRICT
};

static const struct option options[] = {
    {"timeline", required_argument, NULL, OPT_TIMELINE},
    {"from", required_argument, NULL, OPT_FROM},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"count", no_argument, NULL, OPT_COUNT},
    {"histogram", required_argument, NULL, OPT_HISTOGRAM},
    {"top", required_argument, NULL, OPT_TOP},
    {"rare", required_argument, NULL, OPT_RARE},
    {"order", required_argument, NULL, OPT_ORDER},
    {"data", required_argument, NULL, OPT_DATA},
    {"output", required_argument, NULL, 'o'},
    {"strict", no_argument, NULL, OPT_STRICT},
    {NULL, 0, NULL, 0},
};

typedef struct request {
    const char *query, *data;
    const char *timeline_names[TIMELINES_MAX];
    size_t n_timelines;
    int64_t timeline_ids[TIMELINES_MAX];
    uint64_t store_ids[TIMELINES_MAX];
    bool has_from, has_until, has_n, has_order, strict;
    int64_t from_ns, until_ns;
    uint64_t n;
    cn_order order;
    enum { EVENTS, COUNT, HISTOGRAM, TOP } what;
    int64_t interval_ns;
    const char *field;
    bool rare;
    cn_search_form form;
} request;

static int parse_time(const char *option, const char *text, int64_t *first, int64_t *last)
{
    int64_t ignored;
    if (cn_time_parse(cn_span_str(text), first ? first : &ignored, last ? last : &ignored))
        return CN_EXIT_OK;
    return cn_verb_usage("search", "%s '%s' is no time; write it as in 2026-11-18T08:00", option,
                         text);
}

static int parse_interval(request *r, const char *text)
{
    r->what = HISTOGRAM;
    if (strcmp(text, "auto") == 0 || cn_duration_parse(cn_span_str(text), &r->interval_ns))
        return CN_EXIT_OK;
    return cn_verb_usage("search",
                         "--histogram '%s' is no interval; write it as in 10s, 5m, 1h, "
                         "1d or auto",
                         text);
}

static int parse_form(request *r, const char *text)
{
    if (cn_search_form_by_name(text, &r->form))
        return CN_EXIT_OK;
    return cn_verb_usage("search", "-o '%s' is none of table, jsonl, csv, l2tcsv, bodyfile", text);
}

static int parse_order(request *r, const char *text)
{
    r->has_order = true;
    r->order = strcmp(text, "desc") == 0 ? CN_NEWEST_FIRST : CN_OLDEST_FIRST;
    if (strcmp(text, "asc") == 0 || strcmp(text, "desc") == 0)
        return CN_EXIT_OK;
    return cn_verb_usage("search", "--order '%s' is neither asc nor desc", text);
}

static int parse_one(request *r, int option, const char *value)
{
    switch (option) {
    case OPT_TIMELINE:
        if (r->n_timelines == TIMELINES_MAX)
            return cn_verb_usage("search", "more than %d timelines", TIMELINES_MAX);
        r->timeline_names[r->n_timelines++] = value;
        return CN_EXIT_OK;
    case OPT_FROM:
        r->has_from = true;
        return parse_time("--from", value, &r->from_ns, NULL);
    case OPT_UNTIL:
        r->has_until = true;
        return parse_time("--until", value, NULL, &r->until_ns);
    case OPT_COUNT:
        r->what = COUNT;
        return CN_EXIT_OK;
    case OPT_HISTOGRAM:
        return parse_interval(r, value);
    case OPT_TOP:
    case OPT_RARE:
        r->what = TOP;
        r->field = value;
        r->rare = option == OPT_RARE;
        return CN_EXIT_OK;
    case OPT_ORDER:
        return parse_order(r, value);
    case OPT_DATA:
        r->data = value;
        return CN_EXIT_OK;
    case OPT_STRICT:
        r->strict = true;
        return CN_EXIT_OK;
    case 'o':
        return parse_form(r, value);
    default: /* 'n' */
        r->has_n = true;
        if (cn_text_u64(cn_span_str(value), &r->n))
            return CN_EXIT_OK;
        return cn_verb_usage("search", "-n '%s' is no number", value);
    }
}

static int parse(request *r, int argc, char **argv)
{
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":n:o:", options, NULL)) != -1) {
        if (option == '?')
            return cn_verb_usage("search", "there is no option %s", argv[optind - 1]);
        if (option == ':')
            return cn_verb_usage("search", "%s needs a value", argv[optind - 1]);
        int status = parse_one(r, option, optarg);
        if (status)
            return status;
    }
    if (optind == argc)
        return cn_verb_usage("search", "what for? Give a query, or '*' for everything");
    if (optind + 1 < argc)
        return cn_verb_usage("search",
                             "one query at a time: put it in quotes (what follows '%s' is "
                             "'%s')",
                             argv[optind], argv[optind + 1]);
    r->query = argv[optind];
    return CN_EXIT_OK;
}

/* One line; at a terminal the query with a mark under the place, too. */
static int bad_query(cn_span query, const cn_err *err)
{
    cn_log_error("query: %s", err->text);
    size_t column = 0;
    if (err->offset == CN_NO_OFFSET || !isatty(STDERR_FILENO))
        return CN_EXIT_USAGE;
    for (size_t i = 0; i < err->offset && i < query.len; i++)
        column += (query.p[i] & 0xc0) != 0x80;
    cn_log_note("  %.*s", (int) query.len, (const char *) query.p);
    cn_log_note("  %*s^", (int) column, "");
    return CN_EXIT_USAGE;
}

/* The timelines that were named, or all that are visible. */
static int choose_timelines(request *r, cn_library *library, cn_err *err)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(64));
    cn_timeline *all = NULL;
    size_t n = 0;
    int rc = CN_OK;
    cn_catalog *catalog = cn_library_take(library);
    for (size_t i = 0; i < r->n_timelines && rc == CN_OK; i++)
        rc = cn_catalog_timeline_by_name(catalog, r->timeline_names[i], &r->timeline_ids[i], err);
    if (rc == CN_OK && r->n_timelines == 0)
        rc = cn_catalog_timelines(catalog, &arena, &all, &n, err);
    cn_library_give(library);
    for (size_t i = 0; i < n && rc == CN_OK; i++) {
        if (!all[i].visible)
            continue;
        if (r->n_timelines == TIMELINES_MAX)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                           "more than %d timelines: choose some with --timeline", TIMELINES_MAX);
        r->timeline_ids[r->n_timelines++] = all[i].id;
    }
    for (size_t i = 0; i < r->n_timelines; i++)
        r->store_ids[i] = (uint64_t) r->timeline_ids[i];
    return rc;
}

static int open_library(request *r, cn_library **out, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf folder = cn_buf_of(CN_KIB(64));
    int rc = cn_data_folder(r->data, &folder, err);
    if (rc == CN_OK)
        rc = cn_library_open(cn_buf_cstr(&folder), CN_DB_READ, out, err);
    if (rc == CN_E_NOT_FOUND)
        return cn_fail(err, rc, CN_NO_OFFSET,
                       "there are no timelines in %s; make one: cairn process SOURCE",
                       cn_buf_cstr(&folder));
    if (rc == CN_OK)
        rc = choose_timelines(r, *out, err);
    if (rc == CN_OK && r->n_timelines)
        rc = cn_library_refresh(*out, r->timeline_ids, r->n_timelines, NULL, err);
    return rc;
}

static int answer(const request *r, cn_library *library, const cn_search *search, cn_err *err)
{
    bool terminal = isatty(STDOUT_FILENO);
    if (r->what == EVENTS) {
        bool table = r->form == CN_FORM_TABLE;
        const cn_search_events ask = {
            .form = r->form,
            .terminal = terminal,
            .order = r->has_order ? r->order
                     : table      ? CN_NEWEST_FIRST
                                  : CN_OLDEST_FIRST,
            .limit = r->has_n            ? r->n
                     : table && terminal ? TERMINAL_ROWS
                                         : UINT64_MAX,
            .with_timeline = r->n_timelines > 1,
        };
        return cn_search_print_events(library, search, &ask, err);
    }
    CN_CLEANUP(cn_hits_free_p) cn_hits *hits = NULL;
    int rc = cn_store_search(cn_library_store(library), search, &hits, err);
    if (rc)
        return rc;
    if (r->what == COUNT)
        return cn_search_print_count(cn_hits_count(hits), err);
    if (r->what == HISTOGRAM)
        return cn_search_print_histogram(hits, r->interval_ns, r->form, terminal, err);
    const cn_top_ask top = {.field = cn_span_str(r->field),
                            .n = r->has_n ? (uint32_t) CN_MIN(r->n, 1000000) : TOP_VALUES,
                            .rare = r->rare};
    return cn_search_print_top(hits, &top, r->form, err);
}

typedef struct left_out {
    const request *request;
    size_t n;
} left_out;

static void note_unreadable(void *context, int64_t timeline, const char *text)
{
    left_out *l = context;
    for (size_t i = 0; i < l->request->n_timelines; i++)
        if (l->request->timeline_ids[i] == timeline)
            l->n++, cn_log_error("left out, the rest was searched: %s", text);
}

int cn_verb_search(int argc, char **argv)
{
    CN_CLEANUP(cn_library_close_p) cn_library *library = NULL;
    CN_CLEANUP(cn_query_free_p) cn_query *query = NULL;
    cn_err err = CN_ERR_INIT;
    request r = {0};
    int status = parse(&r, argc, argv);
    if (status)
        return status;
    if (cn_query_parse(cn_span_str(r.query), &query, &err))
        return bad_query(cn_span_str(r.query), &err);
    if (open_library(&r, &library, &err))
        return cn_verb_failed(&err);
    const cn_search search = {
        .query = query,
        .has_from = r.has_from,
        .has_until = r.has_until,
        .from_ns = r.from_ns,
        .until_ns = r.until_ns,
        .timelines = r.store_ids,
        .n_timelines = r.n_timelines,
        .annotations = cn_library_annotations,
        .context = library,
    };
    if (answer(&r, library, &search, &err))
        return cn_verb_failed(&err);
    left_out l = {&r, 0};
    cn_library_unreadable(library, note_unreadable, &l);
    return l.n && r.strict ? CN_EXIT_WARNINGS : CN_EXIT_OK;
}
