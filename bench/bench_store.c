/* The event store on generated log events: events per second and core into segments, bytes per
 * event, and what searches take; SQLite FTS5 beside it on a part of the same events.
 *   bench_store [EVENTS [PROCESSES [SQLITE_EVENTS]]]      2000000 1 200000 unless told */
#include "base/log.h"
#include "store/store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SPOOL_BYTES = 96 << 20, SOURCES = 40, REPEATS = 5 };

/* ---- events ---------------------------------------------------------------------------------- */

typedef struct maker {
    uint64_t state, n, per_source, rare;
    char ip[16], message[1024], url[64];
} maker;

static uint32_t pick(maker *m, uint32_t n)
{
    m->state ^= m->state << 13;
    m->state ^= m->state >> 7;
    m->state ^= m->state << 17;
    return (uint32_t) ((m->state * UINT64_C(0x2545f4914f6cdd1d) >> 32) * n >> 32);
}

static const char *const users[] = {"root",   "admin",    "alice",    "bob",    "carol",
                                    "deploy", "postgres", "www-data", "ubuntu", "backup"};
static const char *const guesses[] = {"oracle",  "test", "guest", "git",    "ftpuser",   "hadoop",
                                      "jenkins", "pi",   "user",  "nagios", "minecraft", "steam"};
static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "curl/7.88.1",
    "python-requests/2.31.0"};
#define ANY(array) ((array)[pick(m, CN_LEN(array))])

static void choose_address(maker *m)
{
    uint32_t host = pick(m, 100) < 55 ? pick(m, 60) : pick(m, 40000);
    host *= 2654435761u;
    snprintf(m->ip, sizeof m->ip, "%u.%u.%u.%u", (host >> 24) % 223 + 1, host >> 16 & 255,
             host >> 8 & 255, (host & 255) | 1);
    if (m->n % 100000 == 77777)
        snprintf(m->ip, sizeof m->ip, "203.0.113.77");
}

static cn_field text(cn_field_id id, const char *value)
{
    return cn_field_text(id, cn_span_str(value));
}

static size_t make_sshd(maker *m, cn_event *e, cn_field *f, uint32_t pid)
{
    uint32_t kind = pick(m, 100), port = 1024 + pick(m, 64000);
    const char *user = kind < 45 ? ANY(guesses) : ANY(users);
    e->data_type = kind < 90 ? "syslog:ssh:failed_connection" : "syslog:ssh:login";
    snprintf(m->message, sizeof m->message,
             "[sshd, pid: %u] %s password for %s%s from %s port %u ssh2", pid,
             kind < 90 ? "Failed" : "Accepted", kind < 45 ? "invalid user " : "", user, m->ip,
             port);
    size_t n = 0;
    f[n++] = text(CN_F_reporter, "sshd");
    f[n++] = text(CN_F_username, user);
    f[n++] = text(CN_F_source_ip, m->ip);
    f[n++] = cn_field_int(CN_F_source_port, port);
    f[n++] = text(CN_F_authentication_method, "password");
    return n;
}

static size_t make_access(maker *m, cn_event *e, cn_field *f)
{
    static const char *const pages[] = {
        "/", "/index.html", "/login", "/static/app.js", "/wp-login.php", "/.env"};
    const char *agent = ANY(agents), *page = ANY(pages);
    uint32_t status = pick(m, 10) < 8 ? 200 : 404, bytes = pick(m, 90000);
    if (pick(m, 3) == 0)
        snprintf(m->url, sizeof m->url, "/api/v1/items/%u?page=%u", pick(m, 60000), pick(m, 9));
    else
        snprintf(m->url, sizeof m->url, "%s", page);
    e->data_type = "apache:access:line";
    snprintf(m->message, sizeof m->message, "GET %s HTTP/1.1 from: %s code: %u user_agent: %s",
             m->url, m->ip, status, agent);
    size_t n = 0;
    f[n++] = text(CN_F_source_ip, m->ip);
    f[n++] = text(CN_F_http_method, "GET");
    f[n++] = text(CN_F_url, m->url);
    f[n++] = cn_field_int(CN_F_http_response_code, status);
    f[n++] = cn_field_int(CN_F_http_response_bytes, bytes);
    f[n++] = text(CN_F_http_request_user_agent, agent);
    return n;
}

static size_t make_kernel(maker *m, cn_event *e, cn_field *f)
{
    e->data_type = "syslog:line";
    snprintf(m->message, sizeof m->message,
             "[kernel] [%u.%06u] [UFW BLOCK] IN=eth0 OUT= MAC=06:%u:5c:aa:bb:cc SRC=%s "
             "DST=10.0.1.23 LEN=%u TTL=%u "
             "ID=%u PROTO=TCP SPT=%u DPT=%u WINDOW=65535 SYN",
             pick(m, 9999999), pick(m, 1000000), 10 + pick(m, 90), m->ip, 40 + pick(m, 1400),
             30 + pick(m, 220), pick(m, 65535), 1024 + pick(m, 64000), pick(m, 2) ? 22 : 445);
    f[0] = text(CN_F_reporter, "kernel");
    return 1;
}

static size_t make_app(maker *m, cn_event *e, cn_field *f, uint32_t pid)
{
    e->data_type = "syslog:line";
    snprintf(m->message, sizeof m->message,
             "[app, pid: %u] level=%s component=%s request_id=%08x%08x user=%u duration_ms=%u "
             "status=%u msg=\"%s\"",
             pid, pick(m, 5) ? "info" : "error", pick(m, 2) ? "api" : "worker", pick(m, UINT32_MAX),
             pick(m, UINT32_MAX), pick(m, 90000), pick(m, 4000), pick(m, 10) ? 200 : 500,
             pick(m, 2) ? "request completed" : "retrying upstream");
    f[0] = text(CN_F_reporter, "app");
    return 1;
}

static size_t make_other(maker *m, cn_event *e, cn_field *f, uint32_t pid)
{
    const char *program = pick(m, 2) ? "CRON" : "systemd";
    e->data_type = "syslog:line";
    if (*program == 'C')
        snprintf(m->message, sizeof m->message,
                 "[CRON, pid: %u] (root) CMD (   cd / && run-parts --report /etc/cron.%s)", pid,
                 pick(m, 2) ? "hourly" : "daily");
    else
        snprintf(m->message, sizeof m->message, "[systemd, pid: 1] %s %s.service",
                 pick(m, 2) ? "Starting" : "Finished", pick(m, 2) ? "logrotate" : "apt-daily");
    f[0] = text(CN_F_reporter, program);
    return 1;
}

/* Forty files of a month each, as logs of many machines are. */
static int emit(maker *m, cn_sink *sink)
{
    cn_field f[12];
    cn_event e = {.desc = CN_DESC_RECORDED,
                  .has_time = true,
                  .fields = f,
                  .offset = m->n % m->per_source * 140,
                  .length = 139};
    uint32_t kind = pick(m, 100), pid = 300 + pick(m, 99000);
    if (m->n % m->per_source == 0) {
        char path[64];
        snprintf(path, sizeof path, "/var/log/source%llu.log",
                 (unsigned long long) (m->n / m->per_source));
        cn_origin o = {.image = CN_SPAN_LIT("bench.raw"),
                       .image_id = 1,
                       .volume = CN_SPAN_LIT("p2"),
                       .path = cn_span_str(path),
                       .parser = CN_SPAN_LIT("syslog")};
        int rc = sink->origin(sink, &o);
        if (rc < 0)
            return rc;
    }
    e.time_ns = INT64_C(1761004800) * CN_NS_PER_S +
                (int64_t) ((double) (m->n % m->per_source) / (double) m->per_source * 30 * 86400e6 +
                           pick(m, 100000)) *
                    1000;
    choose_address(m);
    bool rare = m->n % 100000 == 77777;
    m->rare += rare;
    e.n_fields = rare || kind < 30 ? make_sshd(m, &e, f, pid)
                 : kind < 62       ? make_access(m, &e, f)
                 : kind < 74       ? make_kernel(m, &e, f)
                 : kind < 86       ? make_app(m, &e, f, pid)
                                   : make_other(m, &e, f, pid);
    f[e.n_fields++] = text(CN_F_hostname, m->n / m->per_source % 2 ? "web01" : "db01");
    f[e.n_fields++] = cn_field_int(CN_F_pid, pid);
    e.message = cn_span_str(m->message);
    m->n++;
    return sink->emit(sink, &e);
}

/* Processor time of this process: what is left of a figure where others use the machine. */
static uint64_t busy_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t) t.tv_sec * CN_NS_PER_S + (uint64_t) t.tv_nsec;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct writing {
    const char *folder;
    unsigned process, segments;
    cn_segment_writer *writer;
    uint64_t bytes, ns;
} writing;

static int write_segment(void *context, cn_spool *spool)
{
    writing *w = context;
    char path[256];
    cn_segment_summary summary;
    cn_err err = CN_ERR_INIT;
    snprintf(path, sizeof path, "%s/%u-%03u.seg", w->folder, w->process, w->segments++);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    uint64_t start = busy_ns();
    int rc = cn_segment_write(w->writer, spool, fd, &summary, &err);
    w->ns += busy_ns() - start;
    w->bytes += summary.bytes;
    close(fd);
    if (rc < 0)
        cn_log_error("%s", err.text);
    cn_spool_clear(spool);
    return rc;
}

/* One process' share; times go to the pipe. */
static int write_share(const char *folder, unsigned process, uint64_t events, int out)
{
    void *memory =
        mmap(NULL, SPOOL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cn_spool *spool = NULL;
    writing w = {.folder = folder, .process = process};
    if (memory == MAP_FAILED || cn_spool_create(memory, SPOOL_BYTES, &spool, NULL) < 0 ||
        cn_segment_writer_new(&w.writer, NULL) < 0)
        return 1;
    maker m = {.state = 88172645463325252u + process, .per_source = CN_MAX(events / SOURCES, 1u)};
    cn_spool_on_full(spool, write_segment, &w);
    cn_spool_begin_item(spool, 0, 0);
    int rc = CN_OK;
    while (rc == CN_OK && m.n < events)
        rc = emit(&m, cn_spool_sink(spool));
    if (rc == CN_OK)
        rc = write_segment(&w, spool);
    const uint64_t figures[] = {w.ns, w.bytes, w.segments, m.rare};
    return rc < 0 || write(out, figures, sizeof figures) != sizeof figures;
}

static int write_all(const char *folder, uint64_t events, unsigned processes)
{
    int ends[2];
    if (pipe(ends) < 0)
        return 1;
    uint64_t start = cn_clock_ns(), busy = 0, bytes = 0, segments = 0, rare = 0;
    for (unsigned i = 0; i < processes; i++) {
        if (fork() == 0)
            _exit(write_share(folder, i, events / processes, ends[1]));
    }
    for (unsigned i = 0; i < processes; i++) {
        int status;
        uint64_t f[4];
        if (wait(&status) < 0 || status != 0 || read(ends[0], f, sizeof f) != sizeof f)
            return 1;
        busy += f[0], bytes += f[1], segments += f[2], rare += f[3];
    }
    double seconds = (double) (cn_clock_ns() - start) / 1e9, each = (double) busy / 1e9 / processes;
    printf("write: %llu events, %u processes, %llu segments: %.0f k events/s per process in the "
           "store, %.0f k events/s "
           "all told with making them, %.1f B/event\n",
           (unsigned long long) events, processes, (unsigned long long) segments,
           (double) events / processes / each / 1e3, (double) events / seconds / 1e3,
           (double) bytes / (double) events);
    return 0;
}

/* ---- searching ------------------------------------------------------------------------------- */

static int compare_doubles(const void *x, const void *y)
{
    double a, b;
    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    return (a > b) - (a < b);
}

/* Count, histogram, one facet, newest 50 with all their fields: milliseconds of each. */
static int search_once(cn_store *store, const cn_query *query, uint64_t *count, double ms[6])
{
    cn_hits *hits = NULL;
    cn_err err = CN_ERR_INIT;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(256));
    cn_histogram histogram;
    cn_top top;
    cn_page page;
    uint64_t t[5] = {cn_clock_ns()}, busy = busy_ns();
    int rc = cn_store_search(store, &(cn_search){.query = query}, &hits, &err);
    t[1] = cn_clock_ns();
    if (rc == CN_OK)
        rc = cn_hits_histogram(hits, &(cn_histogram_ask){0}, &arena, &histogram, &err);
    t[2] = cn_clock_ns();
    if (rc == CN_OK)
        rc = cn_hits_top(hits, &(cn_top_ask){.field = CN_SPAN_LIT("data_type"), .n = 10}, &arena,
                         &top, &err);
    t[3] = cn_clock_ns();
    if (rc == CN_OK)
        rc = cn_hits_page(hits, &(cn_page_ask){.n = 50}, &arena, &page, &err);
    t[4] = cn_clock_ns();
    busy = busy_ns() - busy;
    if (rc < 0)
        cn_log_error("%s", err.text);
    else
        *count = cn_hits_count(hits);
    cn_hits_free(hits);
    for (size_t i = 0; i < 4; i++)
        ms[i] = (double) (t[i + 1] - t[i]) / 1e6;
    ms[4] = (double) (t[4] - t[0]) / 1e6;
    ms[5] = (double) busy / 1e6;
    return rc;
}

static int search_all(cn_store *store)
{
    const struct {
        const char *name, *query;
    } queries[] = {{"frequent word", "sshd"},
                   {"rare word", "203.0.113.77"},
                   {"no word", ""},
                   {"regular expression", "message:/user=[0-9]+1/"},
                   {"expression without words", "message:/[a-z]=[0-9]+1 /"},
                   {"two words", "failed AND root"},
                   {"phrase", "\"invalid user oracle\""},
                   {"prefix", "message:20*"},
                   {"infix", "message:*oracl*"},
                   {"field", "username:root AND http_response_code:404 OR uid:0"},
                   {"field range", "source_port:[1024 TO 2000]"},
                   {"network", "source_ip:10.0.0.0/8"},
                   {"time range", "datetime:[2025-10-25 TO 2025-10-26] AND sshd"}};
    printf("search (median of %d, ms): total = search + histogram + facet + newest 50\n", REPEATS);
    for (size_t i = 0; i < CN_LEN(queries); i++) {
        cn_query *query = NULL;
        uint64_t count = 0;
        double all[REPEATS], cpu[REPEATS], ms[6] = {0};
        if (cn_query_parse(cn_span_str(queries[i].query), &query, NULL) < 0)
            return 1;
        for (int k = 0; k < REPEATS; k++) {
            if (search_once(store, query, &count, ms) < 0)
                return 1;
            all[k] = ms[4];
            cpu[k] = ms[5];
        }
        qsort(all, REPEATS, sizeof *all, compare_doubles);
        qsort(cpu, REPEATS, sizeof *cpu, compare_doubles);
        printf("  %-26s %9.2f, cpu %9.2f   (last: %.2f + %.2f + %.2f + %.2f)  %llu hits\n",
               queries[i].name, all[REPEATS / 2], cpu[REPEATS / 2], ms[0], ms[1], ms[2], ms[3],
               (unsigned long long) count);
        cn_query_free(query);
    }
    return 0;
}

static int open_all(const char *folder, unsigned processes, cn_store **out)
{
    cn_err err = CN_ERR_INIT;
    if (cn_store_new(out, &err) < 0)
        return 1;
    uint64_t start = cn_clock_ns(), id = 0;
    for (unsigned p = 0; p < processes; p++)
        for (unsigned i = 0;; i++) {
            char path[256];
            snprintf(path, sizeof path, "%s/%u-%03u.seg", folder, p, i);
            if (access(path, R_OK) < 0)
                break;
            if (cn_store_add(*out, &(cn_store_segment){path, ++id, 1, 0}, &err) < 0) {
                cn_log_error("%s", err.text);
                return 1;
            }
        }
    printf("open: %llu segments in %.2f ms\n", (unsigned long long) id,
           (double) (cn_clock_ns() - start) / 1e6);
    return 0;
}

/* ---- SQLite ---------------------------------------------------------------------------------- */

typedef struct other {
    cn_sink sink;
    sqlite3 *db;
    sqlite3_stmt *event, *words;
    int64_t rows;
} other;

static int sqlite_emit(cn_sink *sink, const cn_event *e)
{
    other *o = (other *) sink;
    cn_buf b = cn_buf_of(CN_MIB(1));
    for (size_t i = 0; i < e->n_fields; i++) {
        cn_buf_printf(&b, "%s\"%s\":", i ? "," : "{", cn_vocabulary[e->fields[i].id].name);
        if (e->fields[i].type == CN_INT)
            cn_buf_i64(&b, e->fields[i].num);
        else
            cn_buf_printf(&b, "\"%.*s\"", (int) e->fields[i].text.len, e->fields[i].text.p);
    }
    cn_buf_char(&b, '}');
    sqlite3_bind_int64(o->event, 1, e->time_ns);
    sqlite3_bind_text(o->event, 2, e->data_type, -1, SQLITE_STATIC);
    sqlite3_bind_text(o->event, 3, (const char *) e->message.p, (int) e->message.len,
                      SQLITE_STATIC);
    sqlite3_bind_text(o->event, 4, (const char *) b.p, (int) b.len, SQLITE_STATIC);
    sqlite3_bind_text(o->words, 1, (const char *) e->message.p, (int) e->message.len,
                      SQLITE_STATIC);
    bool good = sqlite3_step(o->event) == SQLITE_DONE && sqlite3_step(o->words) == SQLITE_DONE;
    sqlite3_reset(o->event);
    sqlite3_reset(o->words);
    cn_buf_free(&b);
    if (++o->rows % 50000 == 0)
        good = good && sqlite3_exec(o->db, "COMMIT; BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    return good ? CN_OK : CN_E_IO;
}

static int sqlite_origin(cn_sink *sink, const cn_origin *origin)
{
    (void) sink;
    (void) origin;
    return CN_OK;
}

static int beside_sqlite(const char *folder, uint64_t events)
{
    static const char setup[] =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA page_size=8192; PRAGMA "
        "cache_size=-262144;"
        "CREATE TABLE e(id INTEGER PRIMARY KEY, t INTEGER, d TEXT, m TEXT, a TEXT);"
        "CREATE VIRTUAL TABLE w USING fts5(m, content='e', content_rowid='id', "
        "tokenize=\"unicode61 tokenchars '_'\");"
        "BEGIN";
    static const char ask[] = "SELECT count(*) FROM w WHERE w MATCH 'sshd';"
                              "SELECT t/86400000000000, count(*) FROM e WHERE id IN (SELECT rowid "
                              "FROM w WHERE w MATCH 'sshd') GROUP BY 1;"
                              "SELECT d, count(*) FROM e WHERE id IN (SELECT rowid FROM w WHERE w "
                              "MATCH 'sshd') GROUP BY 1;"
                              "SELECT * FROM e WHERE id IN (SELECT rowid FROM w WHERE w MATCH "
                              "'sshd') ORDER BY t DESC LIMIT 50";
    char path[256];
    other o = {.sink = {sqlite_emit, sqlite_origin}};
    maker m = {.state = 88172645463325252u, .per_source = CN_MAX(events / SOURCES, 1u)};
    snprintf(path, sizeof path, "%s/fts5.db", folder);
    if (sqlite3_open(path, &o.db) != SQLITE_OK ||
        sqlite3_exec(o.db, setup, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(o.db, "INSERT INTO e(t,d,m,a) VALUES(?,?,?,?)", -1, &o.event, NULL) !=
            SQLITE_OK ||
        sqlite3_prepare_v2(o.db, "INSERT INTO w(rowid,m) VALUES(last_insert_rowid(),?)", -1,
                           &o.words, NULL) != SQLITE_OK) {
        printf("SQLite FTS5: not here (%s)\n", sqlite3_errmsg(o.db));
        sqlite3_close(o.db);
        return 0;
    }
    uint64_t start = cn_clock_ns();
    while (m.n < events)
        if (emit(&m, &o.sink) < 0)
            return 1;
    sqlite3_exec(o.db, "COMMIT; CREATE INDEX et ON e(t); PRAGMA wal_checkpoint(TRUNCATE)", NULL,
                 NULL, NULL);
    double seconds = (double) (cn_clock_ns() - start) / 1e9;
    start = cn_clock_ns();
    sqlite3_exec(o.db, ask, NULL, NULL, NULL);
    double ms = (double) (cn_clock_ns() - start) / 1e6;
    struct stat st = {0};
    stat(path, &st);
    printf("SQLite FTS5 beside it: %llu events, %.0f k events/s, %.0f B/event; frequent word, the "
           "same four: %.0f ms\n",
           (unsigned long long) events, (double) events / seconds / 1e3,
           (double) st.st_size / (double) events, ms);
    sqlite3_finalize(o.event);
    sqlite3_finalize(o.words);
    sqlite3_close(o.db);
    return 0;
}

static void remove_all(const char *folder)
{
    static const char *const names[] = {"fts5.db", "fts5.db-wal", "fts5.db-shm"};
    char path[256];
    for (unsigned p = 0; p < 64; p++)
        for (unsigned i = 0;; i++) {
            snprintf(path, sizeof path, "%s/%u-%03u.seg", folder, p, i);
            if (unlink(path) < 0)
                break;
        }
    for (size_t i = 0; i < CN_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
    unsigned processes = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 1;
    uint64_t sqlite_events = argc > 3 ? strtoull(argv[3], NULL, 10) : 200000;
    const char *below = getenv("TMPDIR");
    char folder[200];
    setlinebuf(stdout);
    if (events == 0 || processes == 0 || processes > 64) {
        cn_log_error("usage: bench_store [EVENTS [PROCESSES [SQLITE_EVENTS]]]");
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/cairn-bench-XXXXXX", below ? below : "/tmp");
    if (!mkdtemp(folder))
        return 3;
    cn_store *store = NULL;
    int rc = write_all(folder, events, processes);
    rc = rc || open_all(folder, processes, &store) || search_all(store);
    cn_store_free(store);
    rc = rc || (sqlite_events && beside_sqlite(folder, sqlite_events));
    remove_all(folder);
    return rc ? 3 : 0;
}
