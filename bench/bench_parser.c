/* One parser over one file, into a sink that counts: events a second of processor time.
 *
 * usage: bench_parser PARSER FILE        prints the median of five runs: events, seconds, events a second */
#include "parse/parser.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { ROUNDS = 5 };

static uint64_t events;

static int count_event(cn_sink *sink, const cn_event *event)
{
    (void) sink;
    (void) event;
    events++;
    return CN_OK;
}

static int take_origin(cn_sink *sink, const cn_origin *origin)
{
    (void) sink;
    (void) origin;
    return CN_OK;
}

static void warn(cn_parse_job *job, int code, uint64_t offset, const char *text)
{
    (void) job;
    fprintf(stderr, "%s at %llu: %s\n", cn_code_name(code), (unsigned long long) offset, text);
}

static int step(cn_parse_job *job)
{
    (void) job;
    return CN_OK;
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static int once(const cn_parser *parser, cn_src *content, int64_t mtime_ns, const char *path,
                cn_err *err)
{
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(64));
    cn_sink sink = {count_event, take_origin};
    const char *name = strrchr(path, '/');
    cn_file_info file = {
        .path = cn_span_str(path),
        .name = cn_span_str(name ? name + 1 : path),
        .size = content->size,
        .has_mtime = true,
        .mtime_ns = mtime_ns,
        .zone = cn_zone_utc(),
    };
    cn_parse_job job = {&file, NULL, &sink, &arena, err, warn, step, NULL};
    events = 0;
    int r = cn_input_open(content, &in, err);
    job.in = in;
    return r < 0 ? r : parser->parse(&job);
}

int main(int argc, char **argv)
{
    const cn_parser *parser = argc == 3 ? cn_parser_by_name(cn_span_str(argv[1])) : NULL;
    if (!parser) {
        fprintf(stderr, "usage: bench_parser PARSER FILE\n");
        return 2;
    }
    cn_err err = CN_ERR_INIT;
    CN_CLEANUP(cn_src_close_p) cn_src *content = NULL;
    int fd = open(argv[2], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || cn_src_raw(fd, &content, &err) < 0) {
        perror(argv[2]);
        return 3;
    }
    struct stat status;
    if (fstat(fd, &status) < 0) {
        perror(argv[2]);
        return 3;
    }
    double seconds[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double start = processor_seconds();
        if (once(parser, content, status.st_mtime * CN_NS_PER_S, argv[2], &err) < 0)
            fprintf(stderr, "%s\n", err.text);
        seconds[i] = processor_seconds() - start;
    }
    qsort(seconds, ROUNDS, sizeof *seconds, compare);
    double median = seconds[ROUNDS / 2];
    printf("%llu events in %.3f s: %.2f M/s\n", (unsigned long long) events, median,
           (double) events / median / 1e6);
    return 0;
}
