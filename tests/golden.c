/* golden [--write] PARSER SEED...: what PARSER makes of each seed, as text, compared with (or
 * written to) SEED.expect. SEED.meta beside it may hold path=, mtime= (ISO 8601), zone= (a name
 * below /usr/share/zoneinfo, or UTC), hostname=, source= (where the seed is from). */
#include "harness.h"

#include "base/text.h"

#include <stdio.h>

#define TEXT_MAX CN_GIB(1)

/* Without .meta the path is a neutral one, or, where it is only to be shown, its own. */
static bool render(const cn_parser *parser, const char *seed, bool own_path, cn_buf *out)
{
    CN_CLEANUP(cn_buf_free) cn_buf bytes = cn_buf_of(CN_MIB(256));
    CN_CLEANUP(cn_buf_free) cn_buf meta = cn_buf_of(CN_KIB(64));
    CN_CLEANUP(cn_zone_free_p) cn_zone *zone = NULL;
    if (!harness_read_file(seed, &bytes)) {
        perror(seed);
        return false;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s.meta", seed);
    harness h = harness_of(parser);
    if (own_path)
        harness_path(&h, cn_span_str(seed));
    if (harness_read_file(path, &meta) && !harness_facts(&h, cn_buf_span(&meta), &zone))
        return false;
    h.text = out;
    harness_run(&h, cn_buf_span(&bytes), false);
    return !h.broken && !out->failed;
}

static void show_difference(const char *seed, cn_span want, cn_span got)
{
    for (unsigned line = 1; want.len || got.len; line++) {
        cn_span w = cn_text_until(&want, '\n');
        cn_span g = cn_text_until(&got, '\n');
        if (cn_span_eq(w, g))
            continue;
        fprintf(stderr, "%s.expect:%u:\n- %.*s\n+ %.*s\n", seed, line, (int) w.len,
                (const char *) w.p, (int) g.len, (const char *) g.p);
        return;
    }
}

static bool compare(const char *seed, const char *expect, cn_span got)
{
    CN_CLEANUP(cn_buf_free) cn_buf want = cn_buf_of(TEXT_MAX);
    if (!harness_read_file(expect, &want)) {
        fprintf(stderr, "%s: no expectation; look at what `golden --write` makes\n", seed);
        return false;
    }
    if (cn_span_eq(cn_buf_span(&want), got))
        return true;
    show_difference(seed, cn_buf_span(&want), got);
    return false;
}

static bool print(cn_span text)
{
    return fwrite(text.p, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
}

static bool write_out(const char *expect, cn_span text)
{
    FILE *f = fopen(expect, "wb");
    bool good = f && fwrite(text.p, 1, text.len, f) == text.len;
    if (f && fclose(f) != 0)
        good = false;
    if (!good)
        perror(expect);
    return good;
}

int main(int argc, char **argv)
{
    bool write = argc > 1 && strcmp(argv[1], "--write") == 0;
    bool show = argc > 1 && strcmp(argv[1], "--print") == 0;
    int first = write || show ? 2 : 1;
    const cn_parser *parser = argc > first ? cn_parser_by_name(cn_span_str(argv[first])) : NULL;
    if (!parser || argc <= first + 1) {
        fprintf(stderr, "usage: golden [--write | --print] PARSER SEED...\n");
        return 2;
    }
    unsigned bad = 0;
    for (int i = first + 1; i < argc; i++) {
        CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(TEXT_MAX);
        char expect[4096];
        snprintf(expect, sizeof expect, "%s.expect", argv[i]);
        bool good = render(parser, argv[i], show, &got);
        cn_span text = cn_buf_span(&got);
        bool done = write  ? write_out(expect, text)
                    : show ? print(text)
                           : compare(argv[i], expect, text);
        good = done && good;
        bad += !good;
    }
    return bad > 0;
}
