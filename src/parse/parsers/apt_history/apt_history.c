/* apt's history.log (apt's History.cc), blocks of KEY: VALUE:
 *
 *   Start-Date: yyyy-mm-dd  hh:mm:ss
 *   Commandline: ...
 *   Requested-By: USER (UID)
 *   Install|Upgrade|Downgrade|Reinstall|Remove|Purge: PACKAGE (VERSION[, VERSION|automatic]), ...
 *   Error: ...
 *   End-Date: ...
 *
 * A block gives one event for its start, one for each package, and one for its end; all know the
 * command and who asked for it. Times are local. */
#include "base/text.h"
#include "parse/textlog.h"

typedef struct block {
    cn_textlog log;
    cn_record *r;
    bool started, told; /* the start's event has been emitted */
    int64_t start_ns;
    bool has_start;
    uint64_t offset, length; /* of the start's line */
    cn_buf command, user, note, message;
    cn_span uid;
} block;

static const char *const actions[] = {"Install", "Upgrade", "Downgrade", "Reinstall",
                                      "Remove",  "Purge",   NULL};

static void begin_event(block *b, uint64_t offset, uint64_t length, cn_desc desc)
{
    cn_record_begin(b->r, offset, length);
    b->r->event.data_type = "linux:apt_history_log:entry";
    b->r->event.desc = desc;
}

static int emit(block *b, cn_span message)
{
    cn_record *r = b->r;
    r->event.message = message;
    cn_record_text(r, CN_F_command, cn_buf_span(&b->command));
    cn_span user = cn_buf_span(&b->user), name = cn_text_until(&user, ' ');
    cn_record_text(r, CN_F_username, name);
    if (user.len > 2)
        cn_record_digits(r, CN_F_uid, cn_span_sub(user, 1, user.len - 2));
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(&b->log));
    return cn_textlog_emit(&b->log, r);
}

/* Puts the block's start on the event in the making. */
static void use_start(block *b)
{
    b->r->event.has_time = b->has_start;
    b->r->event.time_ns = b->start_ns;
    cn_record_text(b->r, CN_F_time_note, cn_buf_span(&b->note));
}

/* The start's own event, when the lines that tell of the command have been read. */
static int tell_start(block *b)
{
    if (!b->started || b->told)
        return CN_OK;
    b->told = true;
    begin_event(b, b->offset, b->length, CN_DESC_START);
    use_start(b);
    cn_span command = cn_buf_span(&b->command);
    return emit(b, command.len ? command : CN_SPAN_LIT("apt started"));
}

static void read_time(block *b, cn_span value)
{
    cn_linetime t;
    cn_span s = value;
    if (cn_textlog_time(&b->log, &s, &t) && t.kind == CN_TIME_ISO)
        cn_textlog_set_time(&b->log, &t, value, b->r);
}

static void read_start(block *b, cn_span value, const cn_line *line)
{
    b->started = true;
    b->told = false;
    b->offset = line->offset;
    b->length = line->length;
    cn_buf_clear(&b->command);
    cn_buf_clear(&b->user);
    cn_buf_clear(&b->note);
    begin_event(b, line->offset, line->length, CN_DESC_START);
    read_time(b, value);
    b->has_start = b->r->event.has_time;
    b->start_ns = b->r->event.time_ns;
    if (b->r->event.n_fields)
        cn_buf_bytes(&b->note, b->r->fields[0].text);
}

/* "NAME:ARCH (1.0, 1.1)", "NAME:ARCH (1.0, automatic)" */
static int emit_package(block *b, cn_span action, cn_span item, uint64_t offset)
{
    cn_span rest = item, name = cn_text_until(&rest, ' ');
    cn_span inside = rest.len > 2 ? cn_span_sub(rest, 1, rest.len - 2) : (cn_span){NULL, 0};
    cn_span first = cn_text_until(&inside, ','), second = cn_text_trim(inside);
    begin_event(b, offset, item.len, CN_DESC_START);
    use_start(b);
    bool automatic = cn_span_is(second, "automatic");
    bool old_only = cn_span_is(action, "Remove") || cn_span_is(action, "Purge");
    cn_record_text(b->r, CN_F_action, action);
    cn_record_text(b->r, CN_F_package, name);
    if (second.len && !automatic) {
        cn_record_text(b->r, CN_F_package_version_old, first);
        cn_record_text(b->r, CN_F_package_version, second);
    } else {
        cn_record_text(b->r, old_only ? CN_F_package_version_old : CN_F_package_version, first);
    }
    if (automatic)
        cn_record_named(b->r, CN_SPAN_LIT("automatic"), CN_SPAN_LIT("yes"));
    cn_buf_clear(&b->message);
    cn_buf_bytes(&b->message, action);
    cn_buf_char(&b->message, ' ');
    cn_buf_bytes(&b->message, item);
    return emit(b, cn_buf_span(&b->message));
}

static int read_packages(block *b, cn_span action, cn_span value, const cn_line *line)
{
    int code = tell_start(b);
    while (code == CN_OK && value.len) {
        size_t n = cn_text_find(value, "), ");
        cn_span item = n == SIZE_MAX ? value : cn_span_sub(value, 0, n + 1);
        code = emit_package(b, action, item, line->offset + (size_t) (item.p - line->text.p));
        value = n == SIZE_MAX ? (cn_span){NULL, 0} : cn_span_sub(value, n + 3, value.len);
    }
    return code;
}

static int take(block *b, const cn_line *line)
{
    cn_span value = line->text, key = cn_text_until(&value, ':');
    value = cn_text_trim(value);
    if (cn_span_is(key, "Start-Date")) {
        int code = tell_start(b);
        read_start(b, value, line);
        return code;
    }
    if (cn_span_is(key, "Commandline")) {
        cn_buf_bytes(&b->command, value);
        return CN_OK;
    }
    if (cn_span_is(key, "Requested-By")) {
        cn_buf_bytes(&b->user, value);
        return CN_OK;
    }
    for (size_t i = 0; actions[i]; i++)
        if (cn_span_is(key, actions[i]))
            return read_packages(b, key, value, line);
    if (cn_span_is(key, "End-Date") || cn_span_is(key, "Error")) {
        int code = tell_start(b);
        if (code < 0)
            return code;
        bool end = cn_span_is(key, "End-Date");
        begin_event(b, line->offset, line->length, end ? CN_DESC_END : CN_DESC_START);
        if (end) {
            read_time(b, value);
            cn_buf_clear(&b->message);
            cn_buf_str(&b->message, "finished: ");
            cn_buf_bytes(&b->message, cn_buf_span(&b->command));
            return emit(b, cn_buf_span(&b->message));
        }
        use_start(b);
        cn_record_text(b->r, CN_F_outcome, CN_SPAN_LIT("failure"));
        return emit(b, line->text);
    }
    if (b->log.unmatched++ == 0)
        b->log.first_unmatched = line->offset;
    begin_event(b, line->offset, line->length, CN_DESC_NOT_A_TIME);
    return emit(b, line->text);
}

static int parse(cn_parse_job *job)
{
    block b = {.command = cn_buf_of(CN_LINE_MAX),
               .user = cn_buf_of(CN_KIB(4)),
               .note = cn_buf_of(CN_KIB(4)),
               .message = cn_buf_of(CN_LINE_MAX + 64)};
    cn_line line;
    int got = cn_textlog_begin(&b.log, job), code = got;
    if (code == CN_OK) {
        b.r = &b.log.records[0];
        while (code == CN_OK && (got = cn_lines_next(&b.log.lines, &line, job->err)) > 0) {
            if (line.text.len)
                code = take(&b, &line);
            if (code == CN_OK)
                code = job->step(job);
        }
        if (code == CN_OK)
            code = tell_start(&b);
        cn_textlog_report(&b.log);
    }
    cn_buf_free(&b.command);
    cn_buf_free(&b.user);
    cn_buf_free(&b.note);
    cn_buf_free(&b.message);
    cn_textlog_end(&b.log);
    return code < 0 ? code : got;
}

static unsigned probe(const cn_probe *p)
{
    cn_line line;
    bool found = false;
    if (!(cn_probe_look(p) & CN_LOOK_TEXT))
        return 0;
    cn_lines l = cn_lines_of_memory(p->head);
    for (int i = 0; i < 20 && !found && cn_lines_next(&l, &line, NULL) > 0; i++)
        found =
            cn_span_starts(line.text, "Start-Date: 2") || cn_span_starts(line.text, "End-Date: 2");
    cn_lines_free(&l);
    return found ? 40 : 0;
}

const cn_parser cn_parser_apt_history = {
    .name = "apt_history",
    .title = "apt history",
    .probe = probe,
    .parse = parse,
};
