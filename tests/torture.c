/* torture PARSER SEED...: each seed cut at every length and with one bit flipped at every place (in
 * steps where it is large), through probe and parse. It must end, and keep the rules of event.h;
 * the sanitizers watch the memory, for which each variant lies in an allocation of just its size.
 */
#include "harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Per seed; all seeds of a parser share the totals. */
enum { CUTS_MAX = 1500, FLIPS_MAX = 3000, CUTS_TOTAL = 20000, FLIPS_TOTAL = 40000 };

typedef struct torture {
    const cn_parser *parser;
    const char *seed;
    size_t cuts, flips; /* of one seed */
    harness model;      /* with the facts of the seed */
    uint64_t runs, events, digest;
    unsigned broken;
} torture;

static void run(torture *t, cn_span bytes, const char *what, size_t at)
{
    harness h = t->model;
    harness_run(&h, bytes, true);
    t->runs++;
    t->events += h.events;
    t->digest ^= h.digest;
    t->broken += h.broken;
    if (h.broken)
        fprintf(stderr, "%s: %s at %zu\n", t->seed, what, at);
    if (h.events >= HARNESS_EVENTS_MAX) {
        fprintf(stderr, "%s: %s at %zu: events without end\n", t->seed, what, at);
        t->broken++;
    }
}

static uint8_t *copy(cn_span bytes, size_t len)
{
    uint8_t *p = malloc(len ? len : 1);
    if (!p)
        abort();
    if (len)
        memcpy(p, bytes.p, len);
    return p;
}

static void mutate(torture *t, cn_span bytes)
{
    size_t cut_step = bytes.len / t->cuts + 1, flip_step = bytes.len / t->flips + 1;
    for (size_t len = 0; len <= bytes.len; len += cut_step) {
        uint8_t *p = copy(bytes, len);
        run(t, cn_span_of(p, len), "cut", len);
        free(p);
    }
    /* Half of the flips go to the start, where the headers are. */
    uint8_t *p = copy(bytes, bytes.len);
    for (size_t i = 0; i < bytes.len; i += i < t->flips / 2 ? 1 : flip_step) {
        uint8_t bit = (uint8_t) (1u << (i * 5 % 8));
        p[i] ^= bit;
        run(t, cn_span_of(p, bytes.len), "flip", i);
        p[i] ^= bit;
        if (i % 3 == 0) { /* lengths and counts at their largest */
            uint8_t kept = p[i];
            p[i] = 0xff;
            run(t, cn_span_of(p, bytes.len), "ff", i);
            p[i] = kept;
        }
    }
    free(p);
}

static bool torture_seed(torture *t, const char *seed)
{
    CN_CLEANUP(cn_buf_free) cn_buf bytes = cn_buf_of(CN_MIB(64));
    CN_CLEANUP(cn_buf_free) cn_buf meta = cn_buf_of(CN_KIB(64));
    if (!harness_read_file(seed, &bytes)) {
        perror(seed);
        return false;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s.meta", seed);
    CN_CLEANUP(cn_zone_free_p) cn_zone *zone = NULL;
    t->model = harness_of(t->parser);
    t->seed = seed;
    if (harness_read_file(path, &meta) && !harness_facts(&t->model, cn_buf_span(&meta), &zone))
        return false;
    mutate(t, cn_buf_span(&bytes));
    return true;
}

int main(int argc, char **argv)
{
    torture t = {.parser = argc > 1 ? cn_parser_by_name(cn_span_str(argv[1])) : NULL};
    if (!t.parser || argc < 3) {
        fprintf(stderr, "usage: torture PARSER SEED...\n");
        return 2;
    }
    size_t seeds = (size_t) argc - 2;
    t.cuts = CN_MIN(CUTS_MAX, CUTS_TOTAL / seeds + 1);
    t.flips = CN_MIN(FLIPS_MAX, FLIPS_TOTAL / seeds + 1);
    bool good = true;
    for (int i = 2; i < argc; i++)
        good = torture_seed(&t, argv[i]) && good;
    printf("%s: %" PRIu64 " variants of %d seeds, %" PRIu64 " events, digest %016" PRIx64 "\n",
           argv[1], t.runs, argc - 2, t.events, t.digest);
    return !good || t.broken > 0;
}
