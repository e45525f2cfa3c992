/* The store against the plain scan: generated events in several segments, thousands of generated
 * queries, hit by hit and in order; aggregations and pages against naive ones; damaged segments. */
#include "base/text.h"
#include "query/match.h"
#include "store/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
enum { QUERIES = 400 };
#else
enum { QUERIES = 4000 };
#endif
enum { EVENTS = 3000, SEGMENTS = 5 };

/* ---- chance ---------------------------------------------------------------------------------- */

static uint64_t seed_state = 4747;
static uint32_t chance(uint32_t n)
{
    seed_state = seed_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t) ((seed_state >> 33) % n);
}
#define PICK(array) (array)[chance(CN_LEN(array))]

/* ---- the world: what was emitted, in the order that a search has ------------------------------ */

typedef struct known {
    cn_spooled s;
    uint32_t segment, sequence;
    uint64_t timeline;
} known;

typedef struct world {
    const char *folder;
    cn_arena arena;
    known *events;
    size_t n;
    cn_store *store;
    char paths[SEGMENTS][96];
} world;

static cn_span keep(world *w, cn_span s) { return cn_span_of(cn_arena_copy(&w->arena, s), s.len); }

static const char *const words[] = {
    "sshd",
    "Failed",
    "password",
    "for",
    "root",
    "invalid",
    "user",
    "from",
    "port",
    "ssh2",
    "Accepted",
    "publickey",
    "GET",
    "POST",
    "admin",
    "kernel",
    "a",
    "b",
    "UFW",
    "BLOCK",
    "x_1",
    "_",
    "0",
    "session",
    "\xc3\x84rger",
    "stra\xc3\x9f"
    "e",
    "\xd0\x9c\xd0\xb8\xd1\x80",
    "\xe2\x84\xaa"
    "elvin",
    "na\xc3\xafve",
};
static const char *const chains[] = {
    "10.0.0.1",          "10.0.0.2",
    "203.0.113.77",      "203.0.113.77:443",
    "web01.example.com", "root@web01.example.com",
    "00:1a:2b:3c:4d:5e", "fe80::1",
    "/var/log/auth.log", "C:\\Windows\\System32",
    "key=value",         "{a}",
    "\xff\xfe",          "x--y",
    "v1.2-rc3",          "2026-11-18T01:12:19.660431+00:00",
};

static void put_words(cn_buf *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (i)
            cn_buf_str(b, chance(9) ? " " : chance(2) ? ", " : ".");
        switch (chance(6)) {
        case 0:
            cn_buf_str(b, PICK(chains));
            break;
        case 1:
            cn_buf_printf(b, "%u", chance(3) ? chance(50) : chance(1000000));
            break;
        default:
            cn_buf_str(b, PICK(words));
        }
    }
}

static cn_span message(world *w)
{
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(1 << 20);
    if (chance(300) == 0)
        for (unsigned i = 0; i < 300 + chance(3); i++)
            cn_buf_char(&b, 'z');
    if (chance(50))
        put_words(&b, 1 + chance(12));
    return keep(w, cn_buf_span(&b));
}

static int64_t any_time(void)
{
    static const int64_t odd[] = {CN_TIME_MIN, CN_TIME_MIN + 1,
                                  CN_TIME_MAX, CN_TIME_MAX - 1,
                                  0,           -1,
                                  -1000,       INT64_C(-11644473600000000)};
    const int64_t base = INT64_C(1794960000000000000);
    switch (chance(12)) {
    case 0:
        return PICK(odd);
    case 1:
        return base + chance(10) * CN_NS_PER_S;
    case 2:
        return base + (int64_t) chance(UINT32_MAX) * 1000 + chance(1000);
    case 3:
        return -(int64_t) chance(UINT32_MAX) * CN_NS_PER_S;
    default:
        return base + (int64_t) chance(30 * 86400) * CN_NS_PER_S;
    }
}

static size_t make_fields(world *w, cn_field *f, unsigned type)
{
    static const char *const users[] = {"root", "Root", "deploy", "www-data", "j.doe@corp", ""};
    static const char *const addresses[] = {"10.0.0.1",     "10.0.0.2", "10.1.2.3",
                                            "203.0.113.77", "fe80::1",  "::ffff:10.0.0.9",
                                            "2001:DB8::5",  "unknown"};
    size_t n = 0;
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(4096);
    if (type != 3)
        f[n++] = cn_field_text(CN_F_hostname, CN_SPAN_LIT("web01"));
    if (chance(2))
        f[n++] = cn_field_text(CN_F_username, cn_span_str(PICK(users)));
    if (type < 2)
        f[n++] = cn_field_text(CN_F_source_ip, cn_span_str(PICK(addresses)));
    if (chance(3))
        f[n++] = cn_field_int(CN_F_pid, chance(5) ? chance(70000) : -(int64_t) chance(100000));
    if (chance(4) == 0)
        f[n++] = cn_field_int(CN_F_uid, chance(3) ? 0 : 1000 + chance(3));
    if (type == 2) {
        cn_buf_printf(&b, "/page/%u?x=%s", chance(4000), PICK(words));
        f[n++] = cn_field_text(CN_F_url, keep(w, cn_buf_span(&b)));
        f[n++] = cn_field_int(CN_F_http_response_bytes, (int64_t) chance(UINT32_MAX) * chance(9));
    }
    if (type == 3) {
        f[n++] = (cn_field){.id = CN_F_is_allocated, .type = CN_BOOL, .num = chance(2)};
        f[n++] = cn_field_int(CN_F_file_size, chance(100) ? chance(10) : INT64_MAX - chance(3));
    }
    if (chance(5) == 0)
        f[n++] = cn_field_named(CN_SPAN_LIT("k1"), cn_span_str(PICK(words)));
    if (chance(9) == 0)
        f[n++] = cn_field_named(CN_SPAN_LIT("k1"), cn_span_str(PICK(chains)));
    if (chance(9) == 0)
        f[n++] = (cn_field){.type = CN_INT, .name = CN_SPAN_LIT("k1"), .num = chance(4)};
    if (chance(200) == 0)
        f[n++] = cn_field_named(CN_SPAN_LIT("rare"), cn_span_str(PICK(chains)));
    if (chance(30) == 0)
        f[n++] = cn_field_text(CN_F_command, message(w));
    return n;
}

static cn_origin make_origin(void)
{
    static const char *const paths[] = {"/var/log/auth.log",
                                        "/var/log/auth.log.2.gz",
                                        "/lost+found",
                                        "/home/J\xc3\x96rg/evil.sh",
                                        "/var/www/shell.php",
                                        ("/root/\xff"
                                         "bad")};
    static const char *const volumes[] = {"", "p1", "lvm/vg0/root"};
    static const char *const streams[] = {"", "", "gzip"};
    static const char *const parsers[] = {"syslog", "filestat", "nginx_access"};
    return (cn_origin){.image = CN_SPAN_LIT("web01.raw"),
                       .image_id = 99,
                       .path = cn_span_str(PICK(paths)),
                       .volume = cn_span_str(PICK(volumes)),
                       .stream = cn_span_str(PICK(streams)),
                       .parser = cn_span_str(PICK(parsers)),
                       .inode = chance(4) ? 11 + chance(30) : 0};
}

static int remember(void *context, const cn_spooled *e)
{
    world *w = context;
    known *k = &w->events[w->n++];
    cn_origin *o = cn_arena_alloc(&w->arena, sizeof *o);
    cn_field *f = cn_arena_alloc(&w->arena, (e->event.n_fields + 1) * sizeof *f);
    *o = *e->origin;
    o->path = keep(w, o->path), o->volume = keep(w, o->volume), o->image = keep(w, o->image);
    o->stream = keep(w, o->stream), o->parser = keep(w, o->parser);
    for (size_t i = 0; i < e->event.n_fields; i++) {
        f[i] = e->event.fields[i];
        f[i].text = keep(w, f[i].text);
        f[i].name = keep(w, f[i].name);
    }
    k->s = *e;
    k->s.origin = o;
    k->s.event.fields = f;
    k->s.event.message = keep(w, e->event.message);
    k->s.event.data_type = cn_arena_copy(&w->arena, cn_span_str(e->event.data_type));
    return 0;
}

static int compare_known(const void *x, const void *y)
{
    const known *a = x, *b = y;
    if (a->s.event.has_time != b->s.event.has_time)
        return a->s.event.has_time ? 1 : -1;
    int64_t s = a->s.event.has_time ? a->s.event.time_ns : 0;
    int64_t t = b->s.event.has_time ? b->s.event.time_ns : 0;
    if (s != t)
        return s < t ? -1 : 1;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->sequence < b->sequence ? -1 : 1;
}

static void emit_some(world *w, cn_spool *spool, unsigned n)
{
    static const char *const types[] = {"syslog:line", "syslog:ssh:login", "apache:access:line",
                                        "fs:stat"};
    static const cn_desc descs[] = {CN_DESC_RECORDED, CN_DESC_MODIFICATION, CN_DESC_CREATION};
    cn_sink *sink = cn_spool_sink(spool);
    uint64_t offset = 0;
    for (unsigned i = 0; i < n; i++) {
        if (i % 40 == 0) {
            cn_origin o = make_origin();
            assert_int_equal(sink->origin(sink, &o), CN_OK);
            offset = 0;
        }
        cn_field fields[32];
        unsigned type = chance(4);
        uint64_t length = chance(300);
        cn_event e = {.time_ns = any_time(),
                      .has_time = chance(25) != 0,
                      .desc = PICK(descs),
                      .data_type = types[type],
                      .message = message(w),
                      .offset = offset,
                      .length = length,
                      .fields = fields};
        e.n_fields = make_fields(w, fields, type);
        if (chance(3))
            offset += length + 1;
        else if (chance(20) == 0)
            offset = chance(1u << 30) * UINT64_C(77);
        assert_int_equal(sink->emit(sink, &e), CN_OK);
    }
}

static void add_segment(world *w, cn_segment_writer *writer, cn_spool *spool, uint32_t number)
{
    size_t from = w->n;
    cn_spool_begin_item(spool, number, 0);
    emit_some(w, spool, EVENTS / SEGMENTS);
    assert_int_equal(cn_spool_each(spool, remember, w), CN_OK);
    for (size_t i = from; i < w->n; i++) {
        w->events[i].segment = number;
        w->events[i].sequence = (uint32_t) i;
        w->events[i].timeline = 1 + number % 2;
    }
    snprintf(w->paths[number], sizeof w->paths[0], "%s/%u.seg", w->folder, number);
    int fd = open(w->paths[number], O_CREAT | O_RDWR | O_TRUNC, 0600);
    cn_err err = CN_ERR_INIT;
    cn_segment_summary made, read;
    assert_true(fd >= 0);
    if (cn_segment_write(writer, spool, fd, &made, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(cn_segment_check(fd, &read, &err), CN_OK);
    assert_memory_equal(&made, &read, sizeof made);
    assert_true(made.bytes == (uint64_t) lseek(fd, 0, SEEK_END));
    close(fd);
    cn_store_segment segment = {w->paths[number], 100 + number, 1 + number % 2, made.checksum};
    if (cn_store_add(w->store, &segment, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(cn_store_add(w->store, &segment, &err), CN_E_ARG);
    cn_spool_clear(spool);
}

static void make_world(world *w)
{
    memset(w, 0, sizeof *w);
    w->arena = cn_arena_of(1 << 30);
    w->folder = mkdtemp(cn_arena_printf(&w->arena, "/tmp/cairn-store-test-XXXXXX"));
    assert_non_null(w->folder);
    w->events = calloc(EVENTS, sizeof *w->events);
    void *memory = malloc(16 << 20);
    cn_spool *spool = NULL;
    cn_segment_writer *writer = NULL;
    assert_int_equal(cn_store_new(&w->store, NULL), CN_OK);
    assert_int_equal(
        cn_store_timeline(w->store, 1, CN_SPAN_LIT("First Disk"), CN_SPAN_LIT("web01"), NULL),
        CN_OK);
    assert_int_equal(
        cn_store_timeline(w->store, 2, CN_SPAN_LIT("second"), CN_SPAN_LIT("db02"), NULL), CN_OK);
    assert_int_equal(cn_spool_create(memory, 16 << 20, &spool, NULL), CN_OK);
    assert_int_equal(cn_segment_writer_new(&writer, NULL), CN_OK);
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        /* One segment has more words than its index takes, one not even all of its messages'. */
        cn_segment_writer_limit(writer, i == 2 ? 1800 : i == 3 ? 500 : 3000000);
        add_segment(w, writer, spool, i);
    }
    qsort(w->events, w->n, sizeof *w->events, compare_known);
    cn_segment_writer_free(writer);
    cn_spool_free(spool);
    free(memory);
    assert_int_equal(w->n, EVENTS);
}

static int setup(void **state)
{
    world *w = malloc(sizeof *w);
    make_world(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    for (size_t i = 0; i < SEGMENTS; i++)
        unlink(w->paths[i]);
    rmdir(w->folder);
    cn_store_free(w->store);
    cn_arena_free(&w->arena);
    free(w->events);
    free(w);
    return 0;
}

/* ---- queries --------------------------------------------------------------------------------- */

static void put_quoted(cn_buf *b, cn_span s)
{
    cn_buf_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            cn_buf_char(b, '\\');
        cn_buf_char(b, (char) s.p[i]);
    }
    cn_buf_char(b, '"');
}

/* Some bytes of a text, for words, patterns and expressions. */
static void put_piece(cn_buf *b, cn_span s, unsigned max)
{
    if (!s.len) {
        cn_buf_char(b, 'q');
        return;
    }
    size_t from = chance((uint32_t) s.len), n = 1 + chance(max);
    for (size_t i = from; i < s.len && i < from + n; i++)
        if (s.p[i] >= 0x80 || cn_is_alpha(s.p[i]) || cn_is_digit(s.p[i]) || s.p[i] == '.' ||
            s.p[i] == '-')
            cn_buf_char(b, (char) s.p[i]);
        else
            cn_buf_char(b, 'e');
}

static const known *any_event(const world *w) { return &w->events[chance((uint32_t) w->n)]; }

static void put_value(cn_buf *b, cn_span text)
{
    switch (chance(8)) {
    case 0:
        put_quoted(b, text.len ? text : CN_SPAN_LIT("x"));
        break;
    case 1:
        cn_buf_char(b, '/');
        put_piece(b, text, 5);
        cn_buf_str(b, chance(2) ? ".*[0-9a]" : "");
        cn_buf_char(b, '/');
        break;
    case 2:
        put_piece(b, text, 3);
        cn_buf_char(b, '*');
        break;
    case 3:
        cn_buf_char(b, chance(2) ? '*' : '?');
        put_piece(b, text, 3);
        if (chance(2))
            cn_buf_char(b, '*');
        break;
    case 4: {
        size_t from = text.len ? chance((uint32_t) text.len) : 0;
        cn_span part = cn_span_sub(text, from, 5 + chance(30));
        put_quoted(b, part.len ? part : CN_SPAN_LIT("root"));
        break;
    }
    case 5:
        cn_buf_str(b, PICK(chains)[0] == '{' ? "root" : "sshd");
        break;
    default:
        cn_buf_str(b, chance(3) ? PICK(words) : "203.0.113.77");
    }
}

static void put_time_range(cn_buf *b, const world *w)
{
    int64_t low = any_event(w)->s.event.time_ns, high = any_event(w)->s.event.time_ns;
    if (low > high && chance(5)) {
        int64_t t = low;
        low = high;
        high = t;
    }
    if (chance(2)) {
        cn_buf_printf(b, "timestamp:%c%lld TO %lld%c", "[{"[chance(2)], (long long) (low / 1000),
                      (long long) (high / 1000), "]}"[chance(2)]);
        return;
    }
    static const char *const odd[] = {"1601", "1677", "1969-12-31T23:59:59", "2026-11-18", "2262",
                                      "9999", "*"};
    static const int digits[] = {0, 3, 6, 9};
    cn_buf_str(b, chance(2) ? "datetime:[" : "datetime:{");
    if (chance(3))
        cn_time_format(b, low, PICK(digits));
    else
        cn_buf_str(b, PICK(odd));
    cn_buf_str(b, " TO ");
    if (chance(3))
        cn_time_format(b, high, PICK(digits));
    else
        cn_buf_str(b, PICK(odd));
    cn_buf_str(b, chance(2) ? "]" : "}");
}

static void put_leaf(cn_buf *b, const world *w)
{
    const known *k = any_event(w);
    const cn_event *e = &k->s.event;
    char id[CN_EVENT_ID_TEXT];
    switch (chance(17)) {
    case 0:
    case 1:
        cn_buf_str(b, "message:");
        put_value(b, e->message);
        return;
    case 2:
    case 3:
        put_value(b, e->message);
        return;
    case 4:
    case 5:
    case 6:
    case 7: {
        if (!e->n_fields)
            break;
        const cn_field *f = &e->fields[chance((uint32_t) e->n_fields)];
        cn_span name = f->id ? cn_span_str(cn_vocabulary[f->id].name) : f->name;
        if (chance(12) == 0) {
            cn_buf_str(b, "_exists_:");
            cn_buf_bytes(b, name);
            return;
        }
        if (chance(4) == 0 && (f->type == CN_TEXT || f->type == CN_ADDR)) {
            cn_query_put_filter(b, name, f->text);
            return;
        }
        cn_buf_bytes(b, name);
        cn_buf_char(b, ':');
        if (f->type == CN_INT || f->type == CN_BOOL) {
            static const char *const compares[] = {"", ">", ">=", "<", "<="};
            cn_buf_printf(b, "%s%lld", PICK(compares), (long long) f->num);
            return;
        }
        if (chance(6) == 0) {
            static const char *const ranges[] = {"[10.0.0.1 TO 10.0.0.9]",
                                                 "{a TO root]",
                                                 "[* TO m}",
                                                 "10.0.0.0/8",
                                                 "fe80::/10",
                                                 "2001:db8::5",
                                                 "[1 TO 9]"};
            cn_buf_str(b, PICK(ranges));
            return;
        }
        put_value(b, f->text);
        return;
    }
    case 8:
        cn_buf_printf(b, "data_type:\"%s\"", e->data_type);
        return;
    case 9:
        cn_buf_str(b, "path:");
        if (chance(2))
            put_quoted(b, k->s.origin->path);
        else
            put_value(b, k->s.origin->path);
        return;
    case 10:
        put_time_range(b, w);
        return;
    case 11:
        cn_buf_printf(b, chance(2) ? "inode:%llu" : "inode:>%llu",
                      (unsigned long long) k->s.origin->inode);
        return;
    case 12:
        cn_event_id_format(k->s.id, id);
        if (chance(3))
            cn_buf_printf(b, chance(2) ? "event_id:%s" : "event_id:\"%s\"", id);
        else
            cn_buf_printf(b, "event_id:%.18s*", id);
        return;
    case 13: {
        static const char *const all[] = {"*",
                                          "parser:syslog",
                                          "stream:gzip",
                                          "volume:p1",
                                          "image:web01*",
                                          "_exists_:stream",
                                          "_exists_:inode",
                                          "_exists_:datetime",
                                          "k1:1",
                                          "timestamp_desc:\"Creation Time\"",
                                          "timestamp_desc:creation",
                                          "timeline:first",
                                          "timeline:\"First Disk\"",
                                          "system:db*",
                                          "is_allocated:true",
                                          "pid:*1",
                                          "pid:/^-/",
                                          "nosuch:x",
                                          "_exists_:nosuch",
                                          "message:--",
                                          "message:/usr*",
                                          "message.keyword:*root*",
                                          "offset:<500",
                                          "length:[10 TO 100}",
                                          "volume:lvm*",
                                          "file_size:9223372036854775805"};
        cn_buf_str(b, PICK(all));
        return;
    }
    case 14:
        cn_buf_printf(b, "%s:%s", chance(2) ? "tag" : "starred", chance(2) ? "bad" : "true");
        return;
    default:
        break;
    }
    cn_buf_str(b, PICK(words));
}

static void put_query(cn_buf *b, const world *w, unsigned depth)
{
    unsigned shape = depth ? chance(8) : 0;
    if (shape < 4) {
        put_leaf(b, w);
    } else if (shape == 4) {
        cn_buf_str(b, "NOT ");
        cn_buf_char(b, '(');
        put_query(b, w, depth - 1);
        cn_buf_char(b, ')');
    } else {
        static const char *const joins[] = {" AND ", " OR ", " ", " AND NOT "};
        cn_buf_char(b, '(');
        put_query(b, w, depth - 1);
        cn_buf_str(b, PICK(joins));
        put_query(b, w, depth - 1);
        cn_buf_char(b, ')');
    }
}

/* ---- the oracle ------------------------------------------------------------------------------ */

/* Events whose ordinal of id is even and offset divisible by 3 have the tag "bad", and some a star. */
static bool has_annotation(const cn_query_node *leaf, cn_event_id id)
{
    if (leaf->field == CN_QF_starred)
        return id.offset % 5 == 0 && cn_query_matches_text(leaf, CN_SPAN_LIT("true"), NULL);
    return leaf->field == CN_QF_tag && id.offset % 3 == 0 &&
           cn_query_matches_text(leaf, CN_SPAN_LIT("bad"), NULL);
}

static int find_annotations(void *context, const cn_query_node *leaf, cn_id_list *list, cn_err *err)
{
    (void) err;
    const world *w = context;
    for (size_t i = 0; i < w->n; i++)
        if (has_annotation(leaf, w->events[i].s.id)) {
            int rc = cn_id_list_add(list, chance(2) ? 0 : w->events[i].timeline, w->events[i].s.id);
            if (rc < 0)
                return rc;
        }
    /* some that are nowhere */
    return cn_id_list_add(list, 0, (cn_event_id){1, 2, 3});
}

static int scan_other(void *context, const cn_query_node *leaf, const cn_spooled *e, cn_err *err)
{
    uint64_t timeline = *(const uint64_t *) context;
    if (leaf->field == CN_QF_timeline)
        return cn_query_matches_text(
            leaf, timeline == 1 ? CN_SPAN_LIT("First Disk") : CN_SPAN_LIT("second"), err);
    if (leaf->field == CN_QF_system)
        return cn_query_matches_text(
            leaf, timeline == 1 ? CN_SPAN_LIT("web01") : CN_SPAN_LIT("db02"), err);
    return has_annotation(leaf, e->id);
}

typedef struct expected {
    const known *hits[EVENTS];
    size_t n, at;
} expected;

static void scan(const world *w, const cn_query *q, expected *out)
{
    out->n = out->at = 0;
    for (size_t i = 0; i < w->n; i++) {
        uint64_t timeline = w->events[i].timeline;
        const cn_scan s = {scan_other, &timeline};
        cn_err err = CN_ERR_INIT;
        int rc = cn_scan_matches(&s, cn_query_root(q), &w->events[i].s, &err);
        assert_true(rc >= 0);
        if (rc)
            out->hits[out->n++] = &w->events[i];
    }
}

static bool same_id(cn_event_id a, cn_event_id b)
{
    return a.origin_key == b.origin_key && a.offset == b.offset && a.ordinal == b.ordinal;
}

static int visit_hit(void *context, const cn_stored_event *e)
{
    expected *x = context;
    if (x->at >= x->n || e->number != x->at)
        return CN_E_CORRUPT;
    const known *k = x->hits[x->at++];
    return same_id(k->s.id, e->s.id) && e->place.segment_id == 100 + k->segment ? 0 : CN_E_CORRUPT;
}

static cn_hits *search(world *w, const cn_query *q)
{
    cn_hits *hits = NULL;
    cn_err err = CN_ERR_INIT;
    cn_search ask = {
        .query = q, .annotations = find_annotations, .context = w, .threads = 1 + chance(3)};
    if (cn_store_search(w->store, &ask, &hits, &err) < 0)
        fail_msg("%s", err.text);
    return hits;
}

static void queries_agree_with_the_scan(void **state)
{
    world *w = *state;
    expected *x = malloc(sizeof *x);
    size_t refused = 0, empty = 0, all = 0;
    for (unsigned i = 0; i < QUERIES; i++) {
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(1 << 20);
        put_query(&text, w, i % 4);
        cn_query *q = NULL;
        cn_err err = CN_ERR_INIT;
        if (cn_query_parse(cn_buf_span(&text), &q, &err) < 0) {
            refused++;
            continue;
        }
        scan(w, q, x);
        cn_hits *hits = search(w, q);
        empty += x->n == 0;
        all += x->n == w->n;
        if (cn_hits_count(hits) != x->n ||
            cn_hits_each(hits, CN_OLDEST_FIRST, visit_hit, x, &err) < 0 || x->at != x->n) {
            CN_CLEANUP(cn_buf_free) cn_buf tree = cn_buf_of(1 << 20);
            cn_query_dump(&tree, cn_query_root(q));
            fail_msg("query %u: %s\n%s\ngives %llu hits, the scan %zu, agreeing up to %zu %s", i,
                     cn_buf_cstr(&text), cn_buf_cstr(&tree),
                     (unsigned long long) cn_hits_count(hits), x->n, x->at, err.text);
        }
        cn_hits_free(hits);
        cn_query_free(q);
    }
    free(x);
    print_message("%u queries: %zu refused, %zu with no hit, %zu with all\n", QUERIES, refused,
                  empty, all);
    assert_true(refused < QUERIES / 5 && empty < QUERIES / 2);
}

/* ---- events, pages --------------------------------------------------------------------------- */

static size_t value_count(const cn_event *e, const cn_field *f)
{
    size_t n = 0;
    for (size_t i = 0; i < e->n_fields; i++)
        n += e->fields[i].id == f->id && e->fields[i].type == f->type &&
             cn_span_eq(e->fields[i].name, f->name) && cn_span_eq(e->fields[i].text, f->text) &&
             e->fields[i].num == f->num;
    return n;
}

static int check_whole(void *context, const cn_stored_event *e)
{
    expected *x = context;
    const cn_spooled *k = &x->hits[x->at++]->s;
    assert_true(same_id(k->id, e->s.id));
    assert_true(k->event.has_time == e->s.event.has_time);
    if (k->event.has_time)
        assert_true(k->event.time_ns == e->s.event.time_ns);
    assert_true(k->event.offset == e->s.event.offset && k->event.length == e->s.event.length);
    assert_string_equal(k->event.data_type, e->s.event.data_type);
    assert_int_equal(k->event.desc, e->s.event.desc);
    assert_true(cn_span_eq(k->event.message, e->s.event.message));
    assert_true(cn_span_eq(k->origin->path, e->s.origin->path) &&
                cn_span_eq(k->origin->volume, e->s.origin->volume) &&
                cn_span_eq(k->origin->image, e->s.origin->image) &&
                cn_span_eq(k->origin->stream, e->s.origin->stream) &&
                cn_span_eq(k->origin->parser, e->s.origin->parser));
    assert_true(k->origin->inode == e->s.origin->inode &&
                k->origin->image_id == e->s.origin->image_id);
    assert_int_equal(k->event.n_fields, e->s.event.n_fields);
    for (size_t i = 0; i < k->event.n_fields; i++)
        assert_int_equal(value_count(&k->event, &k->event.fields[i]),
                         value_count(&e->s.event, &k->event.fields[i]));
    return 0;
}

static void events_come_back_whole(void **state)
{
    world *w = *state;
    expected *x = malloc(sizeof *x);
    x->n = w->n;
    x->at = 0;
    for (size_t i = 0; i < w->n; i++)
        x->hits[i] = &w->events[i];
    cn_hits *hits = search(w, NULL);
    assert_int_equal(cn_hits_count(hits), w->n);
    assert_int_equal(cn_hits_each(hits, CN_OLDEST_FIRST, check_whole, x, NULL), CN_OK);
    cn_hits_free(hits);
    for (unsigned i = 0; i < 200; i++) {
        const known *k = any_event(w);
        CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 24);
        cn_stored_event e;
        assert_int_equal(cn_store_event(w->store, k->timeline, k->s.id, &arena, &e, NULL), CN_OK);
        x->hits[0] = k;
        x->at = 0;
        check_whole(x, &e);
        assert_int_equal(
            cn_store_event(w->store, 3 - k->timeline, (cn_event_id){7, 8, 9}, &arena, &e, NULL),
            CN_E_NOT_FOUND);
    }
    free(x);
}

static void check_page(cn_hits *hits, const expected *x, cn_page_ask ask, uint64_t want_from,
                       uint64_t want_n)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 28);
    cn_page page;
    cn_err err = CN_ERR_INIT;
    if (cn_hits_page(hits, &ask, &arena, &page, &err) < 0)
        fail_msg("%s", err.text);
    if (page.first_number != want_from || page.n_events != want_n)
        fail_msg("order %d from %d: %llu + %zu, not %llu + %llu of %zu", ask.order, ask.from,
                 (unsigned long long) page.first_number, page.n_events,
                 (unsigned long long) want_from, (unsigned long long) want_n, x->n);
    for (size_t i = 0; i < page.n_events; i++) {
        size_t number = (size_t) page.first_number + i;
        const known *k = x->hits[ask.order == CN_OLDEST_FIRST ? number : x->n - 1 - number];
        assert_int_equal(page.events[i].number, number);
        assert_true(same_id(k->s.id, page.events[i].s.id));
    }
}

static void pages_are_the_list(void **state)
{
    world *w = *state;
    expected *x = malloc(sizeof *x);
    for (unsigned round = 0; round < 60; round++) {
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(1 << 20);
        do {
            cn_buf_clear(&text);
            put_query(&text, w, 2);
            cn_query *probe = NULL;
            if (cn_query_parse(cn_buf_span(&text), &probe, NULL) == CN_OK) {
                cn_query_free(probe);
                break;
            }
        } while (true);
        if (round < 3)
            cn_buf_clear(&text);
        cn_query *q = NULL;
        assert_int_equal(cn_query_parse(cn_buf_span(&text), &q, NULL), CN_OK);
        scan(w, q, x);
        cn_hits *hits = search(w, q);
        for (unsigned i = 0; i < 30; i++) {
            cn_page_ask ask = {.order = chance(2) ? CN_OLDEST_FIRST : CN_NEWEST_FIRST,
                               .n = chance(60)};
            uint64_t n = ask.n, total = x->n;
            check_page(hits, x, ask, 0, CN_MIN(n, total));
            ask.from = CN_FROM_NUMBER;
            ask.number = chance((uint32_t) total + 5);
            uint64_t from = CN_MIN(ask.number, total);
            check_page(hits, x, ask, from, CN_MIN(n, total - from));
            /* From any event, hit or not. */
            const known *k = any_event(w);
            uint64_t before = 0, after = 0, earlier = 0, later = 0;
            for (size_t h = 0; h < x->n; h++) {
                before += x->hits[h] < k;
                after += x->hits[h] > k;
                bool timed = x->hits[h]->s.event.has_time;
                earlier += !timed || x->hits[h]->s.event.time_ns < k->s.event.time_ns;
                later += timed && x->hits[h]->s.event.time_ns > k->s.event.time_ns;
            }
            bool old = ask.order == CN_OLDEST_FIRST;
            CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 24);
            cn_stored_event e;
            assert_int_equal(cn_store_event(w->store, k->timeline, k->s.id, &arena, &e, NULL),
                             CN_OK);
            /* Made-up events return to an origin and offset by chance, and then share an id. */
            if (e.s.event.time_ns != k->s.event.time_ns ||
                !cn_span_eq(e.s.event.message, k->s.event.message))
                continue;
            char place[CN_PLACE_TEXT];
            cn_place_format(e.place, place);
            assert_true(cn_place_parse(cn_span_str(place), &ask.place));
            ask.from = CN_FROM_AFTER;
            uint64_t rest = old ? after : before;
            check_page(hits, x, ask, total - rest, CN_MIN(n, rest));
            ask.from = CN_FROM_BEFORE;
            uint64_t preceding = old ? before : after, start = preceding - CN_MIN(preceding, n);
            check_page(hits, x, ask, start, preceding - start);
            if (k->s.event.has_time) {
                ask.from = CN_FROM_TIME;
                ask.time_ns = k->s.event.time_ns;
                start = old ? earlier : later;
                check_page(hits, x, ask, start, CN_MIN(n, total - start));
            }
        }
        cn_hits_free(hits);
        cn_query_free(q);
    }
    free(x);
}

/* ---- aggregations ---------------------------------------------------------------------------- */

/* The text of a field as top values show it; number of values of it in the event. */
static size_t values_of(const known *k, const char *field, char out[8][64])
{
    const cn_event *e = &k->s.event;
    size_t n = 0;
    const struct {
        const char *name;
        cn_span value;
    } own[] = {{"path", k->s.origin->path},
               {"volume", k->s.origin->volume},
               {"stream", k->s.origin->stream},
               {"data_type", cn_span_str(e->data_type)},
               {"timestamp_desc", cn_span_str(cn_desc_text(e->desc))},
               {"timeline", k->timeline == 1 ? CN_SPAN_LIT("First Disk") : CN_SPAN_LIT("second")}};
    for (size_t i = 0; i < CN_LEN(own); i++)
        if (strcmp(own[i].name, field) == 0 && own[i].value.len)
            snprintf(out[n++], 64, "%.*s", (int) own[i].value.len, own[i].value.p);
    if (strcmp(field, "inode") == 0 && k->s.origin->inode)
        snprintf(out[n++], 64, "%llu", (unsigned long long) k->s.origin->inode);
    for (size_t i = 0; i < e->n_fields && n < 8; i++) {
        const cn_field *f = &e->fields[i];
        cn_span name = f->id ? cn_span_str(cn_vocabulary[f->id].name) : f->name;
        if (!cn_span_is(name, field))
            continue;
        if (f->type == CN_BOOL)
            snprintf(out[n++], 64, "%s", f->num ? "true" : "false");
        else if (f->type == CN_INT)
            snprintf(out[n++], 64, "%lld", (long long) f->num);
        else
            snprintf(out[n++], 64, "%.*s", (int) f->text.len,
                     f->text.len ? (const char *) f->text.p : "");
    }
    return n;
}

static const char *const facets[] = {"path",
                                     "volume",
                                     "stream",
                                     "data_type",
                                     "timestamp_desc",
                                     "timeline",
                                     "inode",
                                     "username",
                                     "source_ip",
                                     "pid",
                                     "uid",
                                     "url",
                                     "is_allocated",
                                     "k1",
                                     "file_size",
                                     "rare",
                                     "hostname",
                                     "http_response_bytes",
                                     "nosuch"};

static int compare_texts(const void *a, const void *b) { return strcmp(a, b); }

static uint64_t count_text(char (*seen)[64], size_t n, const char *text)
{
    const char(*first)[64] = bsearch(text, seen, n, 64, compare_texts);
    uint64_t count = 0;
    if (!first)
        return 0;
    while (first > (const char(*)[64]) seen && strcmp(first[-1], text) == 0)
        first--;
    while (first < (const char(*)[64]) seen + n && strcmp(*first, text) == 0)
        first++, count++;
    return count;
}

static void top_values_are_exact(void **state)
{
    world *w = *state;
    expected *x = malloc(sizeof *x);
    const char *const queries[] = {"*",
                                   "root",
                                   "message:sshd",
                                   "NOT data_type:\"fs:stat\"",
                                   "nosuchword",
                                   "datetime:[2026-11-20 TO 2026-11-22]",
                                   "uid:0 OR k1:*"};
    for (size_t qi = 0; qi < CN_LEN(queries); qi++) {
        cn_query *q = NULL;
        assert_int_equal(cn_query_parse(cn_span_str(queries[qi]), &q, NULL), CN_OK);
        scan(w, q, x);
        cn_hits *hits = search(w, q);
        for (size_t fi = 0; fi < CN_LEN(facets); fi++) {
            CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 24);
            cn_top all, few, rare;
            cn_span field = cn_span_str(facets[fi]);
            assert_int_equal(
                cn_hits_top(hits, &(cn_top_ask){.field = field, .n = 100000}, &arena, &all, NULL),
                CN_OK);
            assert_int_equal(
                cn_hits_top(hits, &(cn_top_ask){.field = field, .n = 3}, &arena, &few, NULL),
                CN_OK);
            assert_int_equal(cn_hits_top(hits, &(cn_top_ask){.field = field, .n = 3, .rare = true},
                                         &arena, &rare, NULL),
                             CN_OK);
            uint64_t present = 0, values = 0, counted = 0;
            char(*seen)[64] = calloc(x->n * 8 + 1, 64);
            for (size_t h = 0; h < x->n; h++) {
                size_t n = values_of(x->hits[h], facets[fi], seen + values);
                present += n > 0;
                values += n;
            }
            qsort(seen, values, 64, compare_texts);
            for (size_t v = 0; v < all.n_values; v++) {
                char text[64];
                snprintf(text, sizeof text, "%.*s", (int) all.values[v].value.len,
                         (const char *) all.values[v].value.p);
                assert_int_equal(count_text(seen, values, text), all.values[v].count);
                counted += all.values[v].count;
                assert_true(v == 0 || all.values[v - 1].count >= all.values[v].count);
            }
            free(seen);
            assert_int_equal(present, all.present);
            assert_int_equal(x->n - present, all.missing);
            assert_int_equal(values, counted);
            assert_int_equal(all.distinct, all.n_values);
            assert_int_equal(few.n_values, CN_MIN(all.n_values, 3u));
            for (size_t v = 0; v < few.n_values; v++)
                assert_true(cn_span_eq(few.values[v].value, all.values[v].value));
            for (size_t v = 0; v < rare.n_values; v++)
                assert_int_equal(rare.values[v].count, all.values[all.n_values - 1 - v].count);
        }
        cn_hits_free(hits);
        cn_query_free(q);
    }
    free(x);
}

static void statistics_are_exact(void **state)
{
    world *w = *state;
    cn_hits *hits = search(w, NULL);
    const char *const fields[] = {"pid", "uid", "inode", "file_size", "k1", "nosuch"};
    for (size_t i = 0; i < CN_LEN(fields); i++) {
        cn_field_stats got, want = {0};
        for (size_t h = 0; h < w->n; h++) {
            const cn_spooled *s = &w->events[h].s;
            for (size_t k = 0; k <= s->event.n_fields; k++) {
                bool is_inode = k == s->event.n_fields;
                int64_t v;
                if (is_inode) {
                    if (strcmp(fields[i], "inode") != 0 || !s->origin->inode)
                        continue;
                    v = (int64_t) s->origin->inode;
                } else {
                    const cn_field *f = &s->event.fields[k];
                    cn_span name = f->id ? cn_span_str(cn_vocabulary[f->id].name) : f->name;
                    if (!cn_span_is(name, fields[i]) || f->type != CN_INT)
                        continue;
                    v = f->num;
                }
                want.min = want.count ? CN_MIN(want.min, v) : v;
                want.max = want.count ? CN_MAX(want.max, v) : v;
                want.sum += (double) v;
                want.count++;
            }
        }
        assert_int_equal(cn_hits_stats(hits, cn_span_str(fields[i]), &got, NULL), CN_OK);
        assert_int_equal(got.count, want.count);
        assert_true(got.min == want.min && got.max == want.max);
        assert_true(got.sum - want.sum <= 1e-6 * (want.sum < 0 ? -want.sum : want.sum) + 1e-6);
    }
    cn_hits_free(hits);
}

static int64_t bucket_start(int64_t t, int64_t interval, int64_t align)
{
    __int128 n = (__int128) t - align;
    __int128 d = n / interval - (n % interval < 0);
    __int128 s = d * interval + align;
    return s < INT64_MIN ? INT64_MIN : (int64_t) s;
}

static void histograms_are_exact(void **state)
{
    world *w = *state;
    expected *x = malloc(sizeof *x);
    const char *const queries[] = {"*", "root", "datetime:[2026-11-20 TO 2026-11-22]", "nosuchword",
                                   "k1:*"};
    const char *const splits[] = {"",         "data_type", "username", "path",
                                  "timeline", "pid",       "inode",    "nosuch"};
    for (unsigned round = 0; round < 150; round++) {
        cn_query *q = NULL;
        assert_int_equal(cn_query_parse(cn_span_str(PICK(queries)), &q, NULL), CN_OK);
        scan(w, q, x);
        cn_hits *hits = search(w, q);
        CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 28);
        static const int64_t intervals[] = {
            0, 1000, CN_NS_PER_S, 3600 * CN_NS_PER_S, 86400 * CN_NS_PER_S, INT64_MAX};
        const char *split = PICK(splits);
        cn_histogram_ask ask = {.interval_ns = PICK(intervals),
                                .align_ns = chance(2) ? 0 : 7200 * CN_NS_PER_S,
                                .split = cn_span_str(split),
                                .max_series = chance(4)};
        if (chance(2)) {
            ask.has_from = ask.has_until = true;
            ask.from_ns = any_event(w)->s.event.time_ns;
            ask.until_ns = any_event(w)->s.event.time_ns;
        }
        cn_histogram got;
        cn_err err = CN_ERR_INIT;
        if (cn_hits_histogram(hits, &ask, &arena, &got, &err) < 0)
            fail_msg("%s", err.text);
        uint64_t total = 0, in_series = 0, untimed = 0, naive = 0;
        for (size_t h = 0; h < x->n; h++) {
            const cn_event *e = &x->hits[h]->s.event;
            untimed += !e->has_time;
            naive += e->has_time && (!ask.has_from || e->time_ns >= ask.from_ns) &&
                     (!ask.has_until || e->time_ns <= ask.until_ns);
        }
        if (ask.interval_ns == 0)
            assert_true(got.n_buckets <= 201);
        size_t h = 0;
        for (size_t b = 0; b < got.n_buckets; b++) {
            const cn_histogram_bucket *k = &got.buckets[b];
            uint64_t count = 0, series[16] = {0};
            assert_true(b == 0 || got.buckets[b - 1].start_ns < k->start_ns);
            /* The hits are in order of time, as the buckets are. */
            for (; h < x->n; h++) {
                const cn_event *e = &x->hits[h]->s.event;
                if (!e->has_time || (ask.has_from && e->time_ns < ask.from_ns) ||
                    (ask.has_until && e->time_ns > ask.until_ns))
                    continue;
                if (bucket_start(e->time_ns, got.interval_ns, ask.align_ns) != k->start_ns)
                    break;
                count++;
                if (!got.n_series)
                    continue;
                char texts[8][64];
                size_t n = values_of(x->hits[h], split, texts), s = 0;
                size_t values = got.n_series - got.has_other - got.has_missing;
                while (s < values && !(n && cn_span_is(got.series[s], texts[0])))
                    s++;
                series[s < values ? s : n ? values : got.n_series - 1]++;
            }
            assert_int_equal(count, k->count);
            for (size_t s = 0; s < got.n_series; s++) {
                assert_int_equal(series[s], k->series[s]);
                in_series += k->series[s];
            }
            total += k->count;
        }
        assert_int_equal(total, naive);
        assert_int_equal(total, got.total);
        assert_int_equal(untimed, got.untimed);
        if (got.n_series)
            assert_int_equal(in_series, total);
        cn_hits_free(hits);
        cn_query_free(q);
    }
    free(x);
}

static void time_filters_and_timelines(void **state)
{
    world *w = *state;
    for (unsigned round = 0; round < 300; round++) {
        uint64_t timeline = 1 + chance(2);
        cn_search ask = {.has_from = chance(2), .has_until = chance(2), .n_timelines = chance(2)};
        ask.from_ns = any_event(w)->s.event.time_ns;
        ask.until_ns = any_event(w)->s.event.time_ns;
        ask.timelines = &timeline;
        uint64_t want = 0;
        for (size_t i = 0; i < w->n; i++) {
            const known *k = &w->events[i];
            bool timed = k->s.event.has_time;
            want += (!ask.has_from || (timed && k->s.event.time_ns >= ask.from_ns)) &&
                    (!ask.has_until || (timed && k->s.event.time_ns <= ask.until_ns)) &&
                    (!ask.n_timelines || k->timeline == timeline);
        }
        cn_hits *hits = NULL;
        assert_int_equal(cn_store_search(w->store, &ask, &hits, NULL), CN_OK);
        assert_int_equal(cn_hits_count(hits), want);
        cn_timeline_count counts[4];
        size_t n = cn_hits_timelines(hits, counts, 4);
        uint64_t sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += counts[i].count;
        assert_int_equal(sum, want);
        cn_hits_free(hits);
    }
}

static void fields_are_listed(void **state)
{
    world *w = *state;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 20);
    const cn_store_field *fields;
    size_t n;
    assert_int_equal(cn_store_fields(w->store, NULL, 0, &arena, &fields, &n, NULL), CN_OK);
    bool url = false, message_seen = false;
    for (size_t i = 0; i < n; i++) {
        url |= cn_span_is(fields[i].name, "url") && fields[i].events > 0;
        message_seen |= cn_span_is(fields[i].name, "message") && fields[i].events == w->n;
        assert_false(cn_span_is(fields[i].name, "origin"));
    }
    assert_true(url && message_seen);
}

/* ---- bad input ------------------------------------------------------------------------------- */

static bool always(void *context)
{
    (void) context;
    return true;
}

static void a_search_can_be_cancelled(void **state)
{
    world *w = *state;
    cn_search ask = {.cancelled = always};
    cn_hits *hits = NULL;
    assert_int_equal(cn_store_search(w->store, &ask, &hits, NULL), CN_E_CANCELLED);
    assert_null(hits);
}

static void copy_file(const char *from, const char *to, size_t cut, size_t flip)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    int c;
    for (size_t at = 0; (c = fgetc(in)) != EOF && at < cut; at++)
        fputc(at == flip ? c ^ 0x10 : c, out);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void see_damaged(void *context, const char *path, uint64_t timeline, const char *what)
{
    (void) timeline;
    (void) what;
    snprintf(context, 200, "%s", path);
}

/* Wherever a segment is damaged it is named, and the others are searched. */
static void damaged_segments_are_left_out(void **state)
{
    world *w = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/damaged.seg", w->folder);
    struct stat st;
    assert_int_equal(stat(w->paths[0], &st), 0);
    size_t size = (size_t) st.st_size, refused = 0, found_later = 0;
    const char *const queries[] = {"*", "root", "/a.*b/", "username:root", "path:*php", "pid:>5"};
    for (size_t i = 0; i < 120; i++) {
        size_t cut = i % 4 == 0 ? chance((uint32_t) size) : SIZE_MAX;
        copy_file(w->paths[0], path, cut, i % 4 == 0 ? SIZE_MAX : chance((uint32_t) size));
        cn_store *store = NULL;
        cn_err err = CN_ERR_INIT;
        assert_int_equal(cn_store_new(&store, NULL), CN_OK);
        assert_int_equal(cn_store_add(store, &(cn_store_segment){w->paths[1], 1, 1, 0}, NULL),
                         CN_OK);
        int rc = cn_store_add(store, &(cn_store_segment){path, 2, 1, 0}, &err);
        if (rc < 0) {
            refused++;
            assert_non_null(strstr(err.text, "damaged.seg"));
        }
        for (size_t k = 0; k < CN_LEN(queries); k++) {
            cn_query *q = NULL;
            cn_hits *hits = NULL;
            assert_int_equal(cn_query_parse(cn_span_str(queries[k]), &q, NULL), CN_OK);
            assert_int_equal(cn_store_search(store, &(cn_search){.query = q}, &hits, NULL), CN_OK);
            CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(1 << 28);
            cn_page page;
            cn_top top;
            cn_histogram histogram;
            rc = cn_hits_page(hits, &(cn_page_ask){.n = 5000}, &arena, &page, &err);
            assert_true(rc == CN_OK || rc == CN_E_CORRUPT);
            rc = cn_hits_top(hits, &(cn_top_ask){.field = CN_SPAN_LIT("username"), .n = 9}, &arena,
                             &top, &err);
            assert_true(rc == CN_OK || rc == CN_E_CORRUPT);
            rc = cn_hits_histogram(hits, &(cn_histogram_ask){0}, &arena, &histogram, &err);
            assert_true(rc == CN_OK || rc == CN_E_CORRUPT);
            cn_hits_free(hits);
            cn_query_free(q);
        }
        char named[200] = "";
        cn_store_damaged(store, see_damaged, named);
        if (*named) {
            found_later++;
            assert_string_equal(named, path);
            assert_int_equal(cn_store_events(store), EVENTS / SEGMENTS);
        }
        cn_store_free(store);
    }
    unlink(path);
    print_message("of 120 damaged segments %zu were refused, %zu found while searching\n", refused,
                  found_later);
    assert_true(refused >= 30 && refused + found_later > 90);
}

static void a_full_disk_is_an_error(void **state)
{
    (void) state;
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        skip();
    void *memory = calloc(1, CN_SPOOL_MIN);
    cn_spool *spool = NULL;
    cn_segment_writer *writer = NULL;
    cn_segment_summary summary;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_spool_create(memory, CN_SPOOL_MIN, &spool, NULL), CN_OK);
    assert_int_equal(cn_segment_writer_new(&writer, NULL), CN_OK);
    assert_int_equal(cn_segment_write(writer, spool, fd, &summary, &err), CN_E_IO);
    assert_non_null(strstr(err.text, "No space left"));
    /* and the writer goes on */
    FILE *file = tmpfile();
    assert_int_equal(cn_segment_write(writer, spool, fileno(file), &summary, &err), CN_OK);
    assert_int_equal(summary.events, 0);
    assert_int_equal(cn_segment_check(fileno(file), &summary, &err), CN_OK);
    fclose(file);
    close(fd);
    cn_segment_writer_free(writer);
    cn_spool_free(spool);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_agree_with_the_scan),
        cmocka_unit_test(events_come_back_whole),
        cmocka_unit_test(pages_are_the_list),
        cmocka_unit_test(top_values_are_exact),
        cmocka_unit_test(statistics_are_exact),
        cmocka_unit_test(histograms_are_exact),
        cmocka_unit_test(time_filters_and_timelines),
        cmocka_unit_test(fields_are_listed),
        cmocka_unit_test(a_search_can_be_cancelled),
        cmocka_unit_test(damaged_segments_are_left_out),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
