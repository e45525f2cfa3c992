/* A parser that misbehaves on purpose, in builds for tests only (CN_TEST_PARSERS): a file that begins with
 * "CAIRN-TEST " and a word yields ten events, and then the parser does what the word says. It proves that
 * such a parser costs its file and nothing else. */
#ifdef CN_TEST_PARSERS

#include "parse/parser.h"

#include <stdio.h>
#include <sys/socket.h>

#define EVENTS 10u

extern const cn_parser cn_parser_test;

static unsigned probe(const cn_probe *p) { return cn_span_starts(p->head, "CAIRN-TEST ") ? 64 : 0; }

static int emit_some(cn_parse_job *job)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        char text[64];
        snprintf(text, sizeof text, "test event %u", i);
        const cn_event event = {.time_ns = (int64_t) i * CN_NS_PER_S,
                                .has_time = true,
                                .desc = CN_DESC_RECORDED,
                                .data_type = "test:event",
                                .message = cn_span_str(text),
                                .offset = i};
        int r = cn_emit(job, &event);
        if (r < 0)
            return r;
    }
    return CN_OK;
}

/* The address sanitizer needs its memory unlimited: there an end is made at 1 GiB. */
static int eat_memory(void)
{
    for (unsigned n = 0;; n++) {
        volatile char *p = malloc(CN_MIB(8));
#ifdef __SANITIZE_ADDRESS__
        if (n == 128)
            return CN_E_NO_MEMORY;
#endif
        if (!p)
            return CN_E_NO_MEMORY;
        for (size_t i = 0; i < CN_MIB(8); i += 4096)
            p[i] = 1;
    }
}

/* Not for the sanitizer to find: the signal is what is wanted. */
__attribute__((no_sanitize("undefined"))) static void write_nowhere(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
}

static unsigned deeper(volatile unsigned *depth)
{
    volatile char here[4096];
    here[0] = (char) ++*depth;
    return *depth ? deeper(depth) + (unsigned) here[0] : 0;
}

static int parse(cn_parse_job *job)
{
    cn_span head;
    bool whole;
    int r = cn_input_head(job->in, &head, &whole, job->err);
    if (r < 0 || (r = emit_some(job)) < 0)
        return r;
    cn_span word = cn_span_sub(head, sizeof "CAIRN-TEST " - 1, SIZE_MAX);
    volatile unsigned zero = 0;
    if (cn_span_starts(word, "crash"))
        write_nowhere();
    if (cn_span_starts(word, "stack"))
        return (int) deeper(&zero);
    if (cn_span_starts(word, "abort"))
        abort();
    if (cn_span_starts(word, "spin"))
        while (!zero)
            ;
    if (cn_span_starts(word, "step")) /* says that it works, and never comes to an end */
        while ((r = job->step(job)) >= 0)
            ;
    if (cn_span_starts(word, "memory"))
        return eat_memory();
    if (cn_span_starts(word, "network"))
        return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? CN_OK : CN_E_DENIED;
    if (cn_span_starts(word, "file")) {
        FILE *f = fopen("/etc/passwd", "r");
        return f ? CN_OK : cn_fail_errno(job->err, "/etc/passwd");
    }
    return r;
}

const cn_parser cn_parser_test = {
    .name = "test",
    .title = "a parser that misbehaves, for tests",
    .probe = probe,
    .parse = parse,
};

#else
typedef int cn_no_test_parser; /* ISO C wants a declaration */
#endif
