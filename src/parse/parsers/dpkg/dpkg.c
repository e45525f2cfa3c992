/* dpkg.log (dpkg(1), section "--log"), one action a line:
 *
 *   yyyy-mm-dd hh:mm:ss startup TYPE COMMAND
 *   yyyy-mm-dd hh:mm:ss status STATE PACKAGE VERSION
 *   yyyy-mm-dd hh:mm:ss ACTION PACKAGE OLD NEW     install upgrade configure trigproc disappear remove
 *                                                  purge; "<none>" is no version
 *   yyyy-mm-dd hh:mm:ss conffile FILE DECISION
 *
 * The time is local. The message is the line without its time. */
#include "base/text.h"
#include "parse/textlog.h"

static bool is_word(cn_span s, const char *const *words)
{
    for (; *words; words++)
        if (cn_span_is(s, *words))
            return true;
    return false;
}

static cn_span version(cn_span v) { return cn_span_is(v, "<none>") ? (cn_span){NULL, 0} : v; }

static cn_match dpkg_line(cn_textlog *log, cn_span text, cn_record *r)
{
    static const char *const actions[] = {"install",   "upgrade", "configure", "trigproc",
                                          "disappear", "remove",  "purge",     NULL};
    cn_linetime t;
    cn_span s = text;
    if (!cn_textlog_time(log, &s, &t) || t.kind != CN_TIME_ISO || !t.blank || s.len < 2 ||
        *s.p != ' ')
        return CN_LINE_NONE;
    cn_span time_text = cn_span_sub(text, 0, t.length);
    s = cn_span_sub(s, 1, s.len);
    cn_span message = s, word = cn_text_until(&s, ' '), one = cn_text_until(&s, ' '),
            two = cn_text_until(&s, ' '), three = cn_text_until(&s, ' ');
    if (one.len == 0 || two.len == 0)
        return CN_LINE_NONE;
    if (is_word(word, actions)) {
        if (three.len == 0)
            return CN_LINE_NONE;
        cn_record_text(r, CN_F_action, word);
        cn_record_text(r, CN_F_package, one);
        cn_record_text(r, CN_F_package_version_old, version(two));
        cn_record_text(r, CN_F_package_version, version(three));
    } else if (cn_span_is(word, "status")) {
        cn_record_text(r, CN_F_action, cn_span_of(word.p, word.len + 1 + one.len));
        cn_record_text(r, CN_F_package, two);
        cn_record_text(r, CN_F_package_version, version(three));
    } else if (cn_span_is(word, "startup")) {
        cn_record_text(r, CN_F_action, cn_span_of(word.p, message.len));
    } else if (cn_span_is(word, "conffile")) {
        cn_record_text(r, CN_F_action, word);
        cn_record_named(r, CN_SPAN_LIT("conffile"), one);
        cn_record_named(r, CN_SPAN_LIT("decision"), two);
    } else {
        return CN_LINE_NONE;
    }
    r->event.data_type = "linux:dpkg_log:entry";
    r->event.desc = CN_DESC_ADDED;
    r->event.message = message;
    cn_textlog_set_time(log, &t, time_text, r);
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(log));
    return CN_LINE_SURE;
}

static const cn_textlog_format format = {
    .line = dpkg_line, .sure_percent = 100, .bits = 32, .needs_clock = true};

static unsigned probe(const cn_probe *p) { return cn_textlog_probe(p, &format, NULL); }
static int parse(cn_parse_job *job) { return cn_textlog_run(job, &format, NULL); }

const cn_parser cn_parser_dpkg = {
    .name = "dpkg",
    .title = "dpkg.log",
    .probe = probe,
    .parse = parse,
};
