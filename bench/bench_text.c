/* Text logs to events, before the store: lines a second and core, plain and gzip, into a sink that
 * counts. The lines are made here, in the shapes of a server's logs. Processor time, best of five. */
#include "base/buf.h"
#include "parse/parser.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LINES = 250000, ROUNDS = 5 };

typedef struct counting_sink {
    cn_sink sink;
    uint64_t events, bytes;
} counting_sink;

static int count_event(cn_sink *sink, const cn_event *event)
{
    counting_sink *s = (counting_sink *) sink;
    s->events++;
    s->bytes += event->message.len;
    return 0;
}
static int no_origin(cn_sink *sink, const cn_origin *origin)
{
    (void) sink;
    (void) origin;
    return 0;
}
static void no_warning(cn_parse_job *job, int code, uint64_t offset, const char *text)
{
    (void) job;
    fprintf(stderr, "warning %d at %llu: %s\n", code, (unsigned long long) offset, text);
}
static int no_step(cn_parse_job *job)
{
    (void) job;
    return 0;
}

/* The same numbers in every run. */
static uint32_t state = 1;
static unsigned any(unsigned n)
{
    state = state * 1664525u + 1013904223u;
    return (unsigned) ((uint64_t) (state >> 1) * n >> 31);
}

static void put_iso(cn_buf *b, unsigned i)
{
    cn_time_format(b, (1795132800 + (int64_t) i) * CN_NS_PER_S + any(1000000) * 1000, 6);
}

static void auth(cn_buf *b, unsigned i)
{
    put_iso(b, i);
    switch (any(4)) {
    case 0:
        cn_buf_printf(b, " web01 sshd[%u]: Failed password for root from %u.%u.3.4 port %u ssh2\n",
                      any(99999), any(255), any(255), any(65535));
        break;
    case 1:
        cn_buf_printf(b, " web01 sshd[%u]: Invalid user oracle from %u.%u.3.4 port %u\n",
                      any(99999), any(255), any(255), any(65535));
        break;
    case 2:
        cn_buf_printf(
            b,
            " web01 sshd[%u]: Connection closed by authenticating user root %u.%u.3.4 port "
            "%u [preauth]\n",
            any(99999), any(255), any(255), any(65535));
        break;
    default:
        cn_buf_printf(b, " web01 CRON[%u]: pam_unix(cron:session): session closed for user root\n",
                      any(99999));
    }
}

static void put_syslog_body(cn_buf *b)
{
    switch (any(4)) {
    case 0:
        cn_buf_str(b, " web01 systemd[1]: Started logrotate.service - Rotate log files.\n");
        break;
    case 1:
        cn_buf_printf(b, " web01 CRON[%u]: (root) CMD (   cd / && run-parts /etc/cron.hourly)\n",
                      any(99999));
        break;
    case 2:
        cn_buf_printf(b,
                      " web01 app[2004]: level=info component=api request_id=%08x user_id=%u "
                      "duration_ms=%u status=200 msg=\"request completed\"\n",
                      any(1u << 30), any(90000), any(4000));
        break;
    default:
        cn_buf_printf(b,
                      " web01 kernel: [%u.123456] [UFW BLOCK] IN=eth0 OUT= MAC=06:44:5c:aa:bb:cc "
                      "SRC=%u.%u.3.4 DST=10.0.1.23 LEN=60 TOS=0x00 TTL=64 PROTO=TCP SPT=%u DPT=22 "
                      "WINDOW=65535 SYN\n",
                      any(9999999), any(255), any(255), any(65535));
    }
}

static void iso_syslog(cn_buf *b, unsigned i)
{
    put_iso(b, i);
    put_syslog_body(b);
}

static void old_syslog(cn_buf *b, unsigned i)
{
    cn_buf_printf(b, "Nov 20 %02u:%02u:%02u", i / 20000 % 24, i / 333 % 60, i / 6 % 60);
    put_syslog_body(b);
}

static void access_log(cn_buf *b, unsigned i)
{
    cn_buf_printf(
        b,
        "%u.%u.3.4 - - [20/Nov/2026:%02u:%02u:%02u +0000] \"GET /api/v1/items HTTP/1.1\" 200 "
        "%u \"https://www.example.com/\" \"Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
        "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\"\n",
        any(255), any(255), i / 20000 % 24, i / 333 % 60, i / 6 % 60, any(90000));
}

static void audit(cn_buf *b, unsigned i)
{
    cn_buf_printf(
        b,
        "type=SYSCALL msg=audit(%u.%03u:%u): arch=c000003e syscall=59 success=yes exit=0 "
        "a0=%x a1=%x a2=%x a3=8 items=2 ppid=%u pid=%u auid=1000 uid=1000 gid=1000 euid=0 "
        "suid=0 fsuid=0 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=%u comm=\"sudo\" "
        "exe=\"/usr/bin/sudo\" subj=unconfined key=\"exec\"\n",
        1795132800 + i, any(1000), i, any(1u << 30), any(1u << 30), any(1u << 30), any(99999),
        any(99999), any(9999));
}

static void unknown(cn_buf *b, unsigned i)
{
    cn_buf_printf(b, "2026-11-20 %02u:%02u:%02u.%03u UTC [%u] app@shop LOG:  duration: %u.123 ms\n",
                  i / 20000 % 24, i / 333 % 60, i / 6 % 60, any(1000), any(9999), any(900));
}

static double processor_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

/* Seconds to read all of it. */
static double run(const cn_parser *parser, cn_span bytes, uint64_t *out_events)
{
    cn_src *src = cn_src_memory(bytes);
    cn_input *in = NULL;
    cn_err err = CN_ERR_INIT;
    counting_sink sink = {{count_event, no_origin}, 0, 0};
    cn_arena arena = cn_arena_of(CN_MIB(64));
    cn_file_info file = {.path = CN_SPAN_LIT("/var/log/x.log"),
                         .name = CN_SPAN_LIT("x.log"),
                         .size = bytes.len,
                         .has_mtime = true,
                         .mtime_ns = INT64_C(1795300000) * CN_NS_PER_S,
                         .zone = cn_zone_utc(),
                         .zone_known = true,
                         .hostname = CN_SPAN_LIT("web01")};
    double start = processor_s();
    if (!src || cn_input_open(src, &in, &err) < 0)
        exit(1);
    cn_parse_job job = {&file, in, &sink.sink, &arena, &err, no_warning, no_step, NULL};
    if (parser->parse(&job) < 0) {
        fprintf(stderr, "%s: %s\n", parser->name, err.text);
        exit(1);
    }
    double taken = processor_s() - start;
    *out_events = sink.events;
    cn_input_close(in);
    cn_src_close(src);
    cn_arena_free(&arena);
    return taken;
}

static double best(const cn_parser *parser, cn_span bytes)
{
    double least = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t events = 0;
        double taken = run(parser, bytes, &events);
        if (events != LINES) {
            fprintf(stderr, "%s: %llu events of %u lines\n", parser->name,
                    (unsigned long long) events, LINES);
            exit(1);
        }
        least = taken < least ? taken : least;
    }
    return least;
}

int main(void)
{
    static const struct {
        const char *name, *parser;
        void (*line)(cn_buf *b, unsigned i);
    } logs[] = {
        {"auth.log, ISO", "syslog", auth},
        {"syslog, ISO", "syslog", iso_syslog},
        {"syslog, no year", "syslog", old_syslog},
        {"access.log", "webaccess", access_log},
        {"audit.log", "auditd", audit},
        {"any log", "textline", unknown},
    };
    printf("%-18s %10s %10s %12s %12s\n", "text logs", "MB", "B/line", "plain", "gzip");
    for (size_t i = 0; i < CN_LEN(logs); i++) {
        cn_buf plain = cn_buf_of(CN_GIB(1));
        for (unsigned n = 0; n < LINES; n++)
            logs[i].line(&plain, n);
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
        size_t room = libdeflate_gzip_compress_bound(c, plain.len);
        uint8_t *packed = malloc(room);
        size_t n = packed ? libdeflate_gzip_compress(c, plain.p, plain.len, packed, room) : 0;
        libdeflate_free_compressor(c);
        const cn_parser *parser = cn_parser_by_name(cn_span_str(logs[i].parser));
        double a = best(parser, cn_buf_span(&plain)), b = best(parser, cn_span_of(packed, n));
        printf("%-18s %10.1f %10.1f %8.2f M/s %8.2f M/s\n", logs[i].name, (double) plain.len / 1e6,
               (double) plain.len / LINES, LINES / a / 1e6, LINES / b / 1e6);
        free(packed);
        cn_buf_free(&plain);
    }
    return 0;
}
