/* cairn image info: the tree of what is in the sources, as text or JSON. */
#include "cli/verb_image.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/verb.h"
#include "parse/parser.h"

#include <stdio.h>

#define OUTPUT_MAX CN_MIB(64)

static void put_size(cn_buf *out, uint64_t size)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    uint64_t tenths = size;
    if (size < 1024) {
        cn_buf_printf(out, "%llu bytes", (unsigned long long) size);
        return;
    }
    for (uint64_t rest = size; rest >= 1024 && unit < CN_LEN(units) - 1; rest /= 1024)
        unit++;
    uint64_t one = UINT64_C(1) << (10 * unit);
    tenths = size / one * 10 + size % one * 10 / one;
    cn_buf_printf(out, "%llu.%llu %s (%llu bytes)", (unsigned long long) (tenths / 10),
                  (unsigned long long) (tenths % 10), units[unit], (unsigned long long) size);
}

static const char *kind_name(cn_node_kind kind)
{
    static const char *const names[] = {[CN_NODE_SOURCE] = "source",
                                        [CN_NODE_SYSTEM] = "volume_system",
                                        [CN_NODE_VOLUME] = "volume",
                                        [CN_NODE_FS] = "file_system"};
    return names[kind];
}

/* --- Text. Bytes of the evidence are made printable. */

static void put_printable(cn_buf *out, const char *text)
{
    CN_CLEANUP(cn_buf_free) cn_buf json = cn_buf_of(4096);
    cn_text_put_json(&json, cn_span_str(text));
    cn_buf_bytes(out, cn_buf_span(&json));
}

static void put_problem(cn_buf *out, unsigned depth, const char *word, const cn_err *err)
{
    cn_buf_printf(out, "%*s%s (%s): ", (int) (depth * 2 + 2), "", word, cn_code_name(err->code));
    put_printable(out, err->text);
    if (err->offset != CN_NO_OFFSET)
        cn_buf_printf(out, " (at offset %llu)", (unsigned long long) err->offset);
    cn_buf_char(out, '\n');
}

static void put_quoted(cn_buf *out, const char *what, const char *text)
{
    if (!*text)
        return;
    cn_buf_printf(out, ", %s \"", what);
    put_printable(out, text);
    cn_buf_char(out, '"');
}

static void put_node(cn_buf *out, const cn_node *n, unsigned depth)
{
    cn_buf_printf(out, "%*s", (int) (depth * 2), "");
    if (n->kind == CN_NODE_SOURCE || n->kind == CN_NODE_VOLUME) {
        put_printable(out, n->name);
        cn_buf_str(out, ": ");
    }
    put_printable(out, n->type);
    if (n->size) {
        cn_buf_str(out, ", ");
        put_size(out, n->size);
    }
    if (n->kind == CN_NODE_VOLUME && n->offset != CN_NO_OFFSET)
        cn_buf_printf(out, " at %llu", (unsigned long long) n->offset);
    if (n->unit)
        cn_buf_printf(out, ", %s of %u bytes", n->kind == CN_NODE_FS ? "blocks" : "sectors",
                      n->unit);
    put_quoted(out, "label", n->label);
    if (*n->uuid) {
        cn_buf_str(out, ", id ");
        put_printable(out, n->uuid);
    }
    cn_buf_char(out, '\n');
    if (n->err.code != CN_OK)
        put_problem(out, depth, "not read", &n->err);
    for (size_t i = 0; i < n->n_warnings; i++)
        put_problem(out, depth, "warning", &n->warnings[i]);
    for (const cn_node *c = n->children; c; c = c->next)
        put_node(out, c, depth + 1);
}

/* --- JSON. */

static void put_text_field(cn_buf *out, const char *name, const char *text)
{
    if (!*text)
        return;
    cn_buf_printf(out, ",\"%s\":\"", name);
    cn_text_put_json(out, cn_span_str(text));
    cn_buf_char(out, '"');
}

static void put_json_problem(cn_buf *out, const cn_err *err)
{
    cn_buf_printf(out, "{\"code\":\"%s\",\"text\":\"", cn_code_name(err->code));
    cn_text_put_json(out, cn_span_str(err->text));
    cn_buf_char(out, '"');
    if (err->offset != CN_NO_OFFSET)
        cn_buf_printf(out, ",\"offset\":%llu", (unsigned long long) err->offset);
    cn_buf_char(out, '}');
}

static void put_json(cn_buf *out, const cn_node *n)
{
    cn_buf_printf(out, "{\"kind\":\"%s\"", kind_name(n->kind));
    put_text_field(out, "type", n->type);
    put_text_field(out, "name", n->name);
    put_text_field(out, "label", n->label);
    put_text_field(out, "id", n->uuid);
    if (n->offset != CN_NO_OFFSET)
        cn_buf_printf(out, ",\"offset\":%llu", (unsigned long long) n->offset);
    if (n->size)
        cn_buf_printf(out, ",\"size\":%llu", (unsigned long long) n->size);
    if (n->unit)
        cn_buf_printf(out, ",\"%s\":%u", n->kind == CN_NODE_FS ? "block_size" : "sector_size",
                      n->unit);
    if (n->err.code != CN_OK) {
        cn_buf_str(out, ",\"error\":");
        put_json_problem(out, &n->err);
    }
    for (size_t i = 0; i < n->n_warnings; i++) {
        cn_buf_str(out, i ? "," : ",\"warnings\":[");
        put_json_problem(out, &n->warnings[i]);
    }
    if (n->n_warnings)
        cn_buf_char(out, ']');
    for (const cn_node *c = n->children; c; c = c->next) {
        cn_buf_str(out, c == n->children ? ",\"children\":[" : ",");
        put_json(out, c);
    }
    cn_buf_str(out, n->children ? "]}" : "}");
}

/* --- A lone file is evidence only where a parser knows it. */

static const char *parser_of(const cn_mount *m)
{
    cn_input *in = NULL;
    cn_span head;
    bool whole;
    const char *title = NULL;
    cn_span path = cn_span_str(m->image);
    cn_file_info info = {.path = path, .name = path, .size = m->src->size, .zone = cn_zone_utc()};
    if (cn_input_open(m->src, &in, NULL) == CN_OK &&
        cn_input_head(in, &head, &whole, NULL) == CN_OK) {
        cn_probe probe = {.file = &info, .head = head, .whole = whole};
        const cn_parser *parser = cn_parser_pick(&probe, NULL);
        title = parser ? parser->title : NULL;
    }
    cn_input_close(in);
    return title;
}

static void put_lone(cn_buf *out, const cn_image_open *open, size_t source, bool json, bool *failed)
{
    const cn_mount *mounts;
    size_t n = cn_evidence_mounts(open->evidence, &mounts);
    for (size_t i = 0; i < n; i++) {
        if (mounts[i].source != source || !mounts[i].lone)
            continue;
        const char *title = parser_of(&mounts[i]);
        if (title && !json)
            cn_buf_printf(out, "  content: %s\n", title);
        if (!title) {
            *failed = true;
            cn_log_error("%s is no disk image, no file system and no log that is known",
                         cn_evidence_source(open->evidence, source)->name);
        }
    }
}

int cn_image_info(const cn_image_args *args)
{
    cn_image_open open;
    cn_err err = CN_ERR_INIT;
    if (cn_image_open_evidence(args, args->n_words, &open, &err) != CN_OK)
        return cn_verb_failed(&err);
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(OUTPUT_MAX);
    bool failed = false;
    if (args->json)
        cn_buf_char(&out, '[');
    for (size_t i = 0; i < open.n; i++) {
        const cn_node *node = cn_evidence_source(open.evidence, i);
        if (node->err.code != CN_OK) {
            cn_err what = node->err;
            cn_while(&what, "%s", node->name);
            cn_verb_failed(&what);
            failed = true;
        }
        if (args->json && i)
            cn_buf_char(&out, ',');
        if (args->json)
            put_json(&out, node);
        else
            put_node(&out, node, 0);
        put_lone(&out, &open, i, args->json, &failed);
    }
    if (args->json)
        cn_buf_str(&out, "]\n");
    fwrite(out.p, 1, out.len, stdout);
    bool warned = false;
    for (size_t i = 0; i < open.n; i++)
        warned |= cn_evidence_source(open.evidence, i)->n_warnings > 0;
    cn_image_close_evidence(&open);
    if (fflush(stdout) != 0 || out.failed) {
        cn_log_error("the output could not be written");
        return CN_EXIT_FAILED;
    }
    return failed ? CN_EXIT_FAILED : warned && args->strict ? CN_EXIT_WARNINGS : CN_EXIT_OK;
}
