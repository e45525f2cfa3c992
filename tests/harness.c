#include "harness.h"

#include "base/hash.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct harness_sink {
    cn_sink sink;
    harness *h;
    uint64_t stream_size; /* CN_NO_OFFSET where it is not known without decompressing */
} harness_sink;

static void broken(harness *h, const char *rule)
{
    h->broken++;
    if (h->broken <= 10)
        fprintf(stderr, "%s: event %" PRIu64 ": %s\n", h->parser->name, h->events, rule);
}

/* Printable text as it is; controls, and what is not UTF-8, as \xNN, so that no byte is lost. */
static void put_text(cn_buf *out, cn_span s)
{
    bool utf8 = cn_text_is_utf8(s);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        if (c == '\\')
            cn_buf_str(out, "\\\\");
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
            cn_buf_printf(out, "\\x%02x", c);
        else
            cn_buf_char(out, (char) c);
    }
}

static void put_field(harness *h, const cn_field *f)
{
    cn_buf *out = h->text;
    cn_buf_str(out, "  ");
    if (f->id == CN_F_DYNAMIC)
        put_text(out, f->name);
    else
        cn_buf_str(out, cn_vocabulary[f->id].name);
    cn_buf_char(out, '=');
    if (f->type == CN_INT)
        cn_buf_i64(out, f->num);
    else if (f->type == CN_BOOL)
        cn_buf_str(out, f->num ? "true" : "false");
    else
        put_text(out, f->text);
    cn_buf_char(out, '\n');
}

static void check_field(harness *h, const cn_field *f)
{
    if (f->id >= CN_F_COUNT) {
        broken(h, "a field that is not in the vocabulary");
        return;
    }
    if (f->id != CN_F_DYNAMIC && f->type != cn_vocabulary[f->id].type)
        broken(h, "a field whose type is not the vocabulary's");
    if (f->id == CN_F_DYNAMIC && (f->name.len == 0 || f->type != CN_TEXT))
        broken(h, "a dynamic field without a name or not of type text");
    for (size_t i = 0; i < f->name.len; i++)
        if (!cn_is_digit(f->name.p[i]) && f->name.p[i] != '_' &&
            !(f->name.p[i] >= 'a' && f->name.p[i] <= 'z')) {
            broken(h, "a dynamic field whose name is not lower-case letters, digits and _");
            break;
        }
    if (f->id != CN_F_DYNAMIC && (f->type == CN_TEXT || f->type == CN_ADDR) && f->text.len == 0)
        broken(h, "a field of empty text: what is not set is absent");
    h->digest = cn_hash64_seed(f->name, h->digest);
    h->digest = cn_hash64_seed(f->text, h->digest) + (uint64_t) f->num;
}

static void put_event(harness *h, const cn_event *e)
{
    cn_buf *out = h->text;
    if (e->has_time)
        cn_time_format(out, e->time_ns, 9);
    else
        cn_buf_str(out, "-");
    cn_buf_printf(out, " | %s | %s | @%" PRIu64 "+%" PRIu64 " | ", cn_desc_text(e->desc),
                  e->data_type ? e->data_type : "?", e->offset, e->length);
    put_text(out, e->message);
    cn_buf_char(out, '\n');
    for (size_t i = 0; i < e->n_fields; i++)
        if (e->fields[i].id < CN_F_COUNT)
            put_field(h, &e->fields[i]);
}

static int emit(cn_sink *base, const cn_event *e)
{
    harness_sink *sink = (harness_sink *) base;
    harness *h = sink->h;
    h->events++;
    if (!e->data_type || !*e->data_type)
        broken(h, "no data_type");
    if (e->desc >= CN_DESC_COUNT || e->has_time == (e->desc == CN_DESC_NOT_A_TIME))
        broken(h, "has_time and desc disagree");
    uint64_t end;
    if (!cn_add(e->offset, e->length, &end) || end > sink->stream_size)
        broken(h, "offset and length lie outside the stream");
    for (size_t i = 0; i < e->n_fields; i++)
        check_field(h, &e->fields[i]);
    h->digest = cn_hash64_seed(e->message, h->digest) + (uint64_t) e->time_ns;
    if (h->text)
        put_event(h, e);
    return h->events >= HARNESS_EVENTS_MAX ? CN_E_LIMIT : CN_OK;
}

static int origin(cn_sink *base, const cn_origin *o)
{
    (void) base, (void) o;
    return CN_OK;
}

static void warn(cn_parse_job *job, int code, uint64_t offset, const char *text)
{
    harness *h = job->context;
    h->warnings++;
    h->digest = cn_hash64_seed(cn_span_str(text), h->digest);
    if (code >= CN_OK)
        broken(h, "a warning whose code is no error");
    if (!h->text)
        return;
    cn_buf_printf(h->text, "warning %s", cn_code_name(code));
    if (offset != CN_NO_OFFSET)
        cn_buf_printf(h->text, " at %" PRIu64, offset);
    cn_buf_printf(h->text, ": %s\n", text);
}

static int step(cn_parse_job *job)
{
    harness *h = job->context;
    return ++h->steps > UINT64_C(100000000) ? CN_E_LIMIT : CN_OK;
}

static void put_error(harness *h, int code, const cn_err *err)
{
    if (code >= CN_OK)
        return;
    if (err->code != code && h->events < HARNESS_EVENTS_MAX)
        broken(h, "the error returned is not the one in err");
    if (!h->text)
        return;
    cn_buf_printf(h->text, "error %s", cn_code_name(code));
    if (err->offset != CN_NO_OFFSET)
        cn_buf_printf(h->text, " at %" PRIu64, err->offset);
    cn_buf_printf(h->text, ": %s\n", err->text);
}

static int parse(harness *h, cn_input *in, uint64_t stream_size, cn_err *err)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(64));
    harness_sink sink = {{emit, origin}, h, stream_size};
    cn_parse_job job = {
        .file = &h->file,
        .in = in,
        .sink = &sink.sink,
        .arena = &arena,
        .err = err,
        .warn = warn,
        .step = step,
        .context = h,
    };
    return h->parser->parse(&job);
}

/* Says who would read the seed, where that is another parser. */
static void put_probe(harness *h, const cn_probe *probe, unsigned bits)
{
    if (!h->text)
        return;
    cn_buf_printf(h->text, "probe %u\n", bits);
    const cn_parser *pick = cn_parser_pick(probe, NULL);
    if (bits > 0 && pick && pick != h->parser)
        cn_buf_printf(h->text, "picked %s\n", pick->name);
}

static int probe_and_parse(harness *h, cn_src *src, bool always, unsigned *out_bits, cn_err *err)
{
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    int r = cn_input_open(src, &in, err);
    cn_probe probe = {.file = &h->file};
    if (r == CN_OK)
        r = cn_input_head(in, &probe.head, &probe.whole, err);
    if (r < 0)
        return r;
    *out_bits = h->parser->probe(&probe);
    put_probe(h, &probe, *out_bits);
    if (!*out_bits && !always)
        return CN_OK;
    bool plain = !*cn_input_stream(in);
    if (plain && h->parser->max_size && src->size > h->parser->max_size)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "over the parser's size limit");
    return parse(h, in, plain ? src->size : CN_NO_OFFSET, err);
}

unsigned harness_run(harness *h, cn_span bytes, bool always)
{
    cn_err err = CN_ERR_INIT;
    unsigned bits = 0;
    CN_CLEANUP(cn_src_close_p) cn_src *src = cn_src_memory(bytes);
    if (!src)
        abort();
    h->file.size = bytes.len;
    int code = probe_and_parse(h, src, always, &bits, &err);
    put_error(h, code, &err);
    if (h->text && (bits || always))
        cn_buf_printf(h->text, "events %" PRIu64 "\n", h->events);
    return bits;
}

void harness_path(harness *h, cn_span path)
{
    static const char *const suffixes[] = {".gz", ".bz2", ".xz", ".zst"};
    h->file.path = h->file.name = path;
    for (size_t i = path.len; i > 0; i--)
        if (path.p[i - 1] == '/') {
            h->file.name = cn_span_sub(path, i, path.len);
            break;
        }
    for (size_t i = 0; i < CN_LEN(suffixes); i++)
        if (cn_span_ends(h->file.name, suffixes[i])) {
            h->file.name.len -= strlen(suffixes[i]);
            break;
        }
}

harness harness_of(const cn_parser *parser)
{
    harness h = {.parser = parser, .file = {.zone = cn_zone_utc()}};
    harness_path(&h, CN_SPAN_LIT("/seed"));
    return h;
}

static bool set_zone(harness *h, cn_span name, cn_zone **out_zone)
{
    if (cn_span_is(name, "UTC")) {
        h->file.zone_known = true;
        return true;
    }
    char path[256];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", (int) name.len, (const char *) name.p);
    CN_CLEANUP(cn_buf_free) cn_buf tzif = cn_buf_of(CN_MIB(1));
    if (!harness_read_file(path, &tzif))
        return false;
    char text[128];
    snprintf(text, sizeof text, "%.*s", (int) name.len, (const char *) name.p);
    if (cn_zone_from_tzif(cn_buf_span(&tzif), text, out_zone, NULL) < 0)
        return false;
    h->file.zone = *out_zone;
    h->file.zone_known = true;
    return true;
}

static bool set_fact(harness *h, cn_span line, cn_zone **out_zone)
{
    cn_span value = line;
    cn_span key = cn_text_until(&value, '=');
    int64_t last;
    if (cn_span_is(key, "path"))
        harness_path(h, value);
    else if (cn_span_is(key, "hostname"))
        h->file.hostname = value;
    else if (cn_span_is(key, "mtime"))
        return h->file.has_mtime = cn_time_parse(value, &h->file.mtime_ns, &last);
    else if (cn_span_is(key, "zone"))
        return set_zone(h, value, out_zone);
    else
        return cn_span_is(key, "source"); /* provenance, for people */
    return true;
}

bool harness_facts(harness *h, cn_span meta, cn_zone **out_zone)
{
    while (meta.len) {
        cn_span line = cn_text_trim(cn_text_until(&meta, '\n'));
        if (line.len == 0 || line.p[0] == '#')
            continue;
        if (!set_fact(h, line, out_zone)) {
            fprintf(stderr, "meta: not understood: %.*s\n", (int) line.len, (const char *) line.p);
            return false;
        }
    }
    return true;
}

bool harness_read_file(const char *path, cn_buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    cn_buf_clear(out);
    uint8_t block[65536];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        cn_buf_bytes(out, cn_span_of(block, n));
    bool good = !ferror(f) && !out->failed;
    fclose(f);
    return good;
}
