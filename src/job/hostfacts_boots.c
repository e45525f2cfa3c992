/* When the machine was started: the boot records of wtmp, read by the parser of such files, and the first
 * entry of each boot in the journals. */
#include "base/timestamp.h"
#include "format/journal/journal_file.h"
#include "job/hostfacts_internal.h"
#include "parse/parser.h"

#include <stdio.h>
#include <stdlib.h>

enum { BOOTS_KEPT = 64, BOOTS_MAX = 4096, JOURNALS_MAX = 500 };
#define WTMP_BYTES CN_MIB(512)

typedef struct boot {
    int64_t time_ns;
    bool from_journal;
    uint8_t id[16]; /* of a journal's */
    char kernel[96];
    cn_hf_file source;
} boot;

/* One owner; also the sink that the parser emits into. */
typedef struct boots {
    cn_sink sink;
    cn_hf *hf;
    boot *items; /* BOOTS_MAX of them */
    size_t n;
    cn_hf_file source; /* the file at hand */
} boots;

static const cn_field *find_field(const cn_event *event, cn_field_id id)
{
    for (size_t i = 0; i < event->n_fields; i++)
        if (event->fields[i].id == id)
            return &event->fields[i];
    return NULL;
}

static int on_login(cn_sink *sink, const cn_event *event)
{
    boots *b = (boots *) sink;
    const cn_field *type = find_field(event, CN_F_login_type);
    if (!event->has_time || !type || !cn_span_is(type->text, "BOOT_TIME") || b->n >= BOOTS_MAX)
        return CN_OK;
    boot *new = &b->items[b->n++];
    *new = (boot){.time_ns = event->time_ns, .source = b->source};
    const cn_field *kernel = find_field(event, CN_F_kernel_version);
    if (kernel)
        snprintf(new->kernel, sizeof new->kernel, "%.*s", (int) kernel->text.len,
                 (const char *) kernel->text.p);
    return CN_OK;
}

static void ignore_warning(cn_parse_job *job, int code, uint64_t offset, const char *text)
{
    (void) job, (void) code, (void) offset, (void) text; /* told when the file itself is read */
}

static int on_step(cn_parse_job *job)
{
    cn_hf *hf = ((boots *) job->context)->hf;
    return cn_hf_goes_on(hf) ? CN_OK : hf->stop;
}

static void read_wtmp(boots *b, const cn_hf_name *name)
{
    const cn_parser *parser = cn_parser_by_name(CN_SPAN_LIT("utmp"));
    CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    b->source = (cn_hf_file){.path = cn_hf_path(b->hf, name)};
    if (!parser || !b->source.path || !cn_hf_find(b->hf, b->source.path, &b->source.inode) ||
        cn_fs_open_file(b->hf->fs, b->source.inode, &src, NULL) != CN_OK ||
        src->size > WTMP_BYTES || cn_input_open(src, &in, NULL) != CN_OK)
        return;
    const cn_file_info file = {.path = cn_span_str(b->source.path),
                               .name = CN_SPAN_LIT("wtmp"),
                               .size = src->size,
                               .zone = cn_zone_utc()};
    cn_err err = CN_ERR_INIT;
    cn_parse_job job = {.file = &file,
                        .in = in,
                        .sink = &b->sink,
                        .arena = b->hf->arena,
                        .err = &err,
                        .warn = ignore_warning,
                        .step = on_step,
                        .context = b};
    (void) parser->parse(&job); /* the boots before a fault are kept */
}

/* ---- journals */

typedef struct opened {
    cn_hf *hf;
    cn_input *in;
} opened;

static int journal_span(void *context, uint64_t offset, size_t len, cn_span *out, cn_err *err)
{
    return cn_input_span(((opened *) context)->in, offset, len, out, err);
}
static void journal_relax(void *context) { cn_input_relax(((opened *) context)->in); }
static void journal_warn(void *context, int code, uint64_t offset, const char *text)
{
    (void) context, (void) code, (void) offset, (void) text; /* told when it is read */
}
static int journal_step(void *context)
{
    cn_hf *hf = ((opened *) context)->hf;
    return cn_hf_goes_on(hf) ? CN_OK : hf->stop;
}

static int on_boot(void *context, cn_span id, uint64_t first_entry_us)
{
    boots *b = context;
    int64_t time_ns;
    if (!cn_time_from_unix((int64_t) (first_entry_us / 1000000),
                           (uint32_t) (first_entry_us % 1000000) * 1000u, &time_ns))
        return CN_OK;
    for (size_t i = 0; i < b->n; i++)
        if (b->items[i].from_journal && memcmp(b->items[i].id, id.p, sizeof b->items[i].id) == 0) {
            if (time_ns < b->items[i].time_ns)
                b->items[i].time_ns = time_ns, b->items[i].source = b->source;
            return CN_OK;
        }
    if (b->n >= BOOTS_MAX)
        return CN_OK;
    boot *new = &b->items[b->n++];
    *new = (boot){.time_ns = time_ns, .from_journal = true, .source = b->source};
    memcpy(new->id, id.p, sizeof new->id);
    return CN_OK;
}

static void read_journal(boots *b, const cn_hf_name *name)
{
    CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    CN_CLEANUP(cn_journal_close_p) cn_journal *journal = NULL;
    b->source = (cn_hf_file){.path = cn_hf_path(b->hf, name)};
    if (!b->source.path || !cn_hf_find(b->hf, b->source.path, &b->source.inode) ||
        cn_fs_open_file(b->hf->fs, b->source.inode, &src, NULL) != CN_OK ||
        cn_input_open(src, &in, NULL) != CN_OK || *cn_input_stream(in))
        return;
    opened o = {b->hf, in};
    const cn_journal_source source = {.size = src->size,
                                      .span = journal_span,
                                      .relax = journal_relax,
                                      .warn = journal_warn,
                                      .step = journal_step,
                                      .context = &o};
    if (cn_journal_open(&source, &journal, NULL) == CN_OK &&
        cn_journal_boots(journal, on_boot, b, NULL) == CN_E_CANCELLED)
        b->hf->stop = CN_E_CANCELLED;
}

static void read_journals(boots *b)
{
    unsigned left = JOURNALS_MAX;
    for (cn_hf_name *d = cn_hf_list(b->hf, "/var/log/journal"); d; d = d->next) {
        const char *directory = cn_hf_path(b->hf, d);
        for (cn_hf_name *n = directory ? cn_hf_list(b->hf, directory) : NULL; n && left;
             n = n->next)
            if (cn_text_glob("*.journal*", cn_span_str(n->name))) {
                read_journal(b, n);
                left--;
            }
    }
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const boot *) a)->time_ns, y = ((const boot *) b)->time_ns;
    return (x < y) - (x > y);
}

static void add_boots(boots *b)
{
    qsort(b->items, b->n, sizeof *b->items, newest_first);
    for (size_t i = 0; i < CN_MIN(b->n, (size_t) BOOTS_KEPT); i++) {
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(1));
        const boot *item = &b->items[i];
        cn_time_format(&text, item->time_ns, 0);
        if (*item->kernel)
            cn_buf_printf(&text, " kernel %s", item->kernel);
        cn_hf_add(b->hf, "boot", cn_buf_span(&text), &item->source);
    }
}

void cn_hf_boots(cn_hf *hf)
{
    boots b = {.sink = {.emit = on_login}, .hf = hf};
    b.items = calloc(BOOTS_MAX, sizeof *b.items);
    if (!b.items) {
        hf->stop = CN_E_NO_MEMORY;
        return;
    }
    for (cn_hf_name *n = cn_hf_list(hf, "/var/log"); n; n = n->next)
        if (cn_text_glob("wtmp*", cn_span_str(n->name)))
            read_wtmp(&b, n);
    read_journals(&b);
    add_boots(&b);
    free(b.items);
}
