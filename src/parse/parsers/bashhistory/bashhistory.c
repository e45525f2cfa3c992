/* Command histories of shells: ~/.bash_history, ~/.sh_history and the like, one command a line.
 *
 *   #SECONDS          where HISTTIMEFORMAT was set: the time of the command that follows, which may
 *   COMMAND           have several lines (bash(1), section HISTORY)
 *   : SECONDS:ELAPSED;COMMAND       zsh's extended history; a line that ends in a backslash goes on
 *
 * zsh writes bytes that are special to it as 0x83 and the byte with bit 5 turned (its "metafied"
 * form). Commands without a time become events without a time. The message is the command; the user is
 * the owner of the home folder that the path names. */
#include "base/text.h"
#include "parse/textlog.h"

enum { STAMP_MIN = 9, STAMP_MAX = 11 /* digits: 1973 to 5138 */ };

/* "#1700000000" */
static bool is_stamp(cn_span s)
{
    if (s.len < STAMP_MIN + 1 || s.len > STAMP_MAX + 1 || *s.p != '#')
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!cn_is_digit(s.p[i]))
            return false;
    return true;
}

/* ": 1700000000:0;" */
static bool take_zsh(cn_span *s, cn_span *out_stamp)
{
    if (!cn_span_starts(*s, ": "))
        return false;
    cn_span rest = cn_span_sub(*s, 2, s->len);
    while (rest.len && *rest.p == ' ')
        rest = cn_span_sub(rest, 1, rest.len);
    cn_span stamp = cn_text_until(&rest, ':'), elapsed = cn_text_until(&rest, ';');
    uint64_t v;
    if (!cn_text_u64(stamp, &v) || !cn_text_u64(elapsed, &v) || stamp.len < STAMP_MIN)
        return false;
    *out_stamp = stamp;
    *s = rest;
    return true;
}

/* /home/NAME/..., /root/... */
static cn_span user_of(cn_span path)
{
    if (cn_span_starts(path, "/root/"))
        return CN_SPAN_LIT("root");
    size_t at = cn_text_find(path, "/home/");
    if (at == SIZE_MAX)
        return (cn_span){NULL, 0};
    cn_span rest = cn_span_sub(path, at + 6, path.len), name = cn_text_until(&rest, '/');
    return rest.len ? name : (cn_span){NULL, 0};
}

typedef struct history {
    cn_textlog log;
    cn_record *r;
    bool waits; /* r holds a time or a command */
    bool timed; /* a time has been read: what follows up to the next is one command */
    bool zsh;
    cn_buf command;
    bool cut;
} history;

static void begin(history *h, const cn_line *line)
{
    cn_record_begin(h->r, line->offset, line->length);
    h->r->event.data_type = h->zsh ? "shell:zsh:history" : "bash:history:entry";
    cn_buf_clear(&h->command);
    h->waits = true;
    h->timed = h->cut = false;
}

static void set_stamp(history *h, cn_span stamp)
{
    int64_t seconds;
    h->timed = true;
    h->r->event.desc = CN_DESC_MODIFICATION;
    if (cn_text_i64(stamp, &seconds))
        cn_textlog_set_utc(&h->log, seconds, 0, stamp, h->r);
}

static void add(history *h, cn_span text)
{
    if (h->command.len)
        cn_buf_char(&h->command, '\n');
    size_t room = CN_EVENT_MESSAGE_MAX - h->command.len;
    h->cut |= text.len > room;
    cn_buf_bytes(&h->command, cn_span_sub(text, 0, room));
}

/* Undoes zsh's metafied bytes, in place. */
static void unmetafy(cn_buf *b)
{
    size_t to = 0;
    for (size_t i = 0; i < b->len; i++) {
        uint8_t c = b->p[i];
        if (c == 0x83 && i + 1 < b->len)
            c = b->p[++i] ^ 0x20;
        b->p[to++] = c;
    }
    b->len = to;
}

static int flush(history *h)
{
    if (!h->waits)
        return CN_OK;
    h->waits = false;
    if (h->zsh)
        unmetafy(&h->command);
    cn_span command = cn_buf_span(&h->command);
    if (command.len == 0) /* a time without a command: nothing was kept of it */
        return CN_OK;
    h->r->event.message = command;
    cn_record_text(h->r, CN_F_command, command);
    cn_record_text(h->r, CN_F_username, user_of(h->log.file->path));
    cn_record_text(h->r, CN_F_hostname, cn_textlog_hostname(&h->log));
    if (h->cut)
        cn_record_text(h->r, CN_F_evidence_note, CN_SPAN_LIT("command longer than 1 MiB, cut"));
    return cn_textlog_emit(&h->log, h->r);
}

static int take(history *h, const cn_line *line)
{
    cn_span text = line->text, stamp;
    bool continues =
        h->zsh && h->waits && h->command.len && h->command.p[h->command.len - 1] == '\\';
    int code;
    if (!continues && is_stamp(text)) {
        code = flush(h);
        begin(h, line);
        set_stamp(h, cn_span_sub(text, 1, text.len));
        return code;
    }
    if (!continues && take_zsh(&text, &stamp)) {
        code = flush(h);
        h->zsh = true;
        begin(h, line);
        set_stamp(h, stamp);
    } else if (continues) {
        h->command.len--;
        code = CN_OK;
    } else {
        if (text.len == 0 && !h->timed)
            return CN_OK;
        code = h->timed && !h->zsh ? CN_OK : flush(h);
        if (!h->waits)
            begin(h, line);
    }
    h->cut |= line->cut;
    add(h, text);
    h->r->event.length = line->offset + line->length - h->r->event.offset;
    return code;
}

static int parse(cn_parse_job *job)
{
    history h = {.command = cn_buf_of(CN_EVENT_MESSAGE_MAX)};
    cn_line line;
    uint64_t lines = 0;
    int got = cn_textlog_begin(&h.log, job), code = got;
    if (code == CN_OK) {
        h.r = &h.log.records[0];
        while (code == CN_OK && (got = cn_lines_next(&h.log.lines, &line, job->err)) > 0) {
            code = take(&h, &line);
            if (code == CN_OK && ++lines % 4096 == 0)
                code = job->step(job);
        }
        if (code == CN_OK)
            code = flush(&h);
    }
    cn_buf_free(&h.command);
    cn_textlog_end(&h.log);
    return code < 0 ? code : got;
}

/* By its times; without any, by its name. */
static unsigned probe(const cn_probe *p)
{
    static const char *const names[] = {".bash_history", ".sh_history",  ".zsh_history",
                                        ".histfile",     ".ash_history", ".history"};
    unsigned stamps = 0, lines = 0;
    cn_line line;
    cn_span stamp;
    if (!(cn_probe_look(p) & CN_LOOK_TEXT))
        return 0;
    cn_lines l = cn_lines_of_memory(p->head);
    while (lines < 200 && cn_lines_next(&l, &line, NULL) > 0) {
        lines++;
        stamps += is_stamp(line.text) || take_zsh(&line.text, &stamp);
    }
    cn_lines_free(&l);
    if (stamps && stamps * 4 >= lines)
        return 30;
    for (size_t i = 0; i < CN_LEN(names); i++)
        if (cn_span_is(p->file->name, names[i]))
            return 20;
    return cn_span_ends(p->file->name, "_history") && stamps ? 20 : 0;
}

const cn_parser cn_parser_bashhistory = {
    .name = "bashhistory",
    .title = "shell command history",
    .probe = probe,
    .parse = parse,
};
