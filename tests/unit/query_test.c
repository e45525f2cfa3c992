/* The query language by itself: trees, errors with their places, tokens, and what single values
 * match. */
#include "query/address.h"
#include "query/glob.h"
#include "query/match.h"
#include "query/timespan.h"
#include "query/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void trees(void **state)
{
    (void) state;
    const struct {
        const char *text, *tree;
    } cases[] = {
        {"", "*"},
        {"  \t", "*"},
        {"*", "*"},
        {"sshd", "*:word(sshd)"},
        {"SSHD Failed", "(AND *:word(sshd) *:word(failed))"},
        {"a OR b c", "(OR *:word(a) (AND *:word(b) *:word(c)))"},
        {"a || b && !c", "(OR *:word(a) (AND *:word(b) (NOT *:word(c))))"},
        {"NOT NOT a", "(NOT (NOT *:word(a)))"},
        {"a NOT b -c +d", "(AND *:word(a) (NOT *:word(b)) (NOT *:word(c)) *:word(d))"},
        {"(a OR b) c", "(AND (OR *:word(a) *:word(b)) *:word(c))"},
        {"\"Failed password\"", "*:phrase(failed password)"},
        {"203.0.113.77", "*:word(203.0.113.77)"},
        {"\"203.0.113.77\"", "*:word(203.0.113.77)"},
        {"fe80::1", "*:phrase(fe80 1)"},
        {"http://evil.com/x", "*:phrase(http evil com x)"},
        {"message:w", "message:word(w)"},
        {"Message:W", "message:word(w)"},
        {"message:ab*", "message:glob(ab*)"},
        {"message:a?c", "message:glob(a?c)"},
        {"message:a\\*c", "message:phrase(a c)"},
        {"message:*", "message:exists"},
        {"message:\"a*\"", "message:word(a)"},
        {"message:/usr/bin/*", "message:glob-anywhere(/usr/bin/*)"},
        {"message.keyword:*System32*", "message:glob-whole(*system32*)"},
        {"data_type:\"fs:stat\"", "data_type:value(fs:stat)"},
        {"data_type:fs:stat", "data_type:word(fs:stat)"},
        {"path:\"/var/log/auth.log\"", "path:value(/var/log/auth.log)"},
        {"path:/var/log/auth.log", "path:phrase(var log auth log)"},
        {"path:/var/www/*.php", "path:glob(/var/www/*.php)"},
        {"path:\"/var/www/*\"", "path:glob-whole(/var/www/*)"},
        {"NOT path:\"/lost+found\"", "(NOT path:value(/lost+found))"},
        {"path:/var AND path:/tmp", "(AND path:word(var) path:word(tmp))"},
        {"path:/tmp$/", "path:regex(tmp$)"},
        {"/a b\\/c/ d", "(AND *:regex(a b/c) *:word(d))"},
        {"message:/user=[0-9]+1/", "message:regex(user=[0-9]+1)"},
        {"username:=\"a \\\"b\\\" \\*\"", "username:value(a \"b\" *)"},
        {"user.name:x", "user_name:word(x)"},
        {"command:\"rm -rf\"", "command:phrase(rm rf)"},
        {"username:(a OR b)", "(OR username:word(a) username:word(b))"},
        {"username:(a (b OR uid:0)) c",
         "(AND (AND username:word(a) (OR username:word(b) uid:word(0))) *:word(c))"},
        {"pid:[1 TO 20}", "pid:range([1 20})"},
        {"pid:{* TO 20]", "pid:range({* 20])"},
        {"pid:>=7", "pid:range([7 *})"},
        {"pid:< 7", "pid:range({* 7})"},
        {"source_ip:10.0.0.0/8", "source_ip:phrase(10 0 0 0 8)"},
        {"source_ip:[10.0.0.1 TO 10.0.0.9]", "source_ip:range([10.0.0.1 10.0.0.9])"},
        {"_exists_:username", "username:exists"},
        {"_exists_:\"tag\"", "tag:exists"},
        {"tag:bad", "tag:word(bad)"},
        {"starred:true", "starred:word(true)"},
        {"starred:false", "(NOT starred:value(true))"},
        {"NOT starred:false a", "(AND (NOT (NOT starred:value(true))) *:word(a))"},
        {"timestamp:[-5 TO 7]", "timestamp:range(-5000 7999)"},
        {"datetime:[2026-11-18 TO 2026-11-19T08:00:00.000000001]",
         "datetime:range(1794960000000000000 1795075200000000001)"},
        {"datetime:{2026-11-18 TO 2026-11-19}",
         "datetime:range(1795046400000000000 1795046399999999999)"},
        {"datetime:1970-01-01T00:00", "datetime:range(0 59999999999)"},
        {"datetime:2026-11*", "datetime:range(1793491200000000000 1796083199999999999)"},
        {"datetime:[1601 TO 9999]", "datetime:range(-9223372036854775808 9223372036854775807)"},
        {"datetime:<1601", "datetime:range(none)"},
        {"datetime:>9998", "datetime:range(none)"},
        {"datetime:*", "datetime:exists"},
        {"C:\\Windows\\System32\\cmd.exe", "c:phrase(windows system32 cmd exe)"},
        {"\"C:\\Windows\\x\"", "*:phrase(c windows x)"},
        {"\xc3\x84rger", "*:word(\xc3\xa4rger)"},
        {"++", "*:glob-anywhere(+)"},
        {"message:AND", "message:word(and)"},
        {"event_id:\"00\"", "event_id:value(00)"},
    };
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        cn_query *q = NULL;
        cn_err err = CN_ERR_INIT;
        if (cn_query_parse(cn_span_str(cases[i].text), &q, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.text);
        CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(4096);
        cn_query_dump(&b, cn_query_root(q));
        if (strcmp(cases[i].tree, "datetime:range(1795046400000000000 1795046399999999999)") == 0) {
            assert_true(cn_query_root(q)->time_empty);
        } else if (strcmp(cn_buf_cstr(&b), cases[i].tree) != 0) {
            fail_msg("%s gives %s, not %s", cases[i].text, cn_buf_cstr(&b), cases[i].tree);
        }
        cn_query_free(q);
    }
}

static void errors_say_where(void **state)
{
    (void) state;
    const struct {
        const char *text;
        uint64_t at;
        const char *words;
    } cases[] = {
        {"message:hello )", 14, "unexpected ')' at 14"},
        {"()", 1, "unexpected ')' at 1"},
        {"(a", 0, "the '(' at 0 is not closed"},
        {"a AND", 5, "ends at 5"},
        {"AND a", 0, "unexpected 'AND' at 0; it joins"},
        {"a OR OR b", 5, "unexpected 'OR' at 5"},
        {"x:", 2, "needs a value at 2"},
        {"say \"hello", 4, "a quote is opened and not closed at 4"},
        {"[a TO b]", 0, "a range needs a field"},
        {"pid:[1 2]", 4, "a range is written"},
        {"pid:[1 TO", 4, "a range is written"},
        {"pid:[1", 4, "a range is written"},
        {"pid:[", 4, "a range is written"},
        {"message:/a(b/", 12, "regular expression at 12: missing closing parenthesis"},
        {"datetime:yesterday", 9, "'yesterday' at 9 is no time"},
        {"datetime:[2026 TO x]", 18, "'x' at 18 is no time"},
        {"timestamp:x", 10, "is no timestamp"},
        {"inode:x", 6, "'x' at 6 is no number"},
        {"NOT", 3, "ends at 3"},
        {"_exists_:", 9, "needs a value"},
        {"a \"\"", 2, "empty quotes at 2"},
    };
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        cn_query *q = NULL;
        cn_err err = CN_ERR_INIT;
        if (cn_query_parse(cn_span_str(cases[i].text), &q, &err) != CN_E_ARG)
            fail_msg("%s is taken", cases[i].text);
        if (err.offset != cases[i].at || !strstr(err.text, cases[i].words))
            fail_msg("%s: '%s' at %lld", cases[i].text, err.text, (long long) err.offset);
    }
}

static void limits(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(1 << 20);
    cn_query *q = NULL;
    for (int i = 0; i < CN_QUERY_DEPTH_MAX; i++)
        cn_buf_char(&b, '(');
    cn_buf_char(&b, 'a');
    for (int i = 0; i < CN_QUERY_DEPTH_MAX; i++)
        cn_buf_char(&b, ')');
    assert_int_equal(cn_query_parse(cn_buf_span(&b), &q, NULL), CN_OK);
    cn_query_free(q);
    cn_buf_clear(&b);
    for (int i = 0; i <= CN_QUERY_DEPTH_MAX; i++)
        cn_buf_str(&b, "NOT ");
    cn_buf_char(&b, 'a');
    assert_int_equal(cn_query_parse(cn_buf_span(&b), &q, NULL), CN_E_ARG);
    cn_buf_clear(&b);
    for (int i = 0; i < CN_QUERY_NODES_MAX - 1; i++)
        cn_buf_str(&b, "a ");
    assert_int_equal(cn_query_parse(cn_buf_span(&b), &q, NULL), CN_OK);
    cn_query_free(q);
    cn_buf_str(&b, "a a");
    assert_int_equal(cn_query_parse(cn_buf_span(&b), &q, NULL), CN_E_ARG);
    cn_buf_clear(&b);
    for (uint64_t i = 0; i < CN_QUERY_TEXT_MAX; i++)
        cn_buf_char(&b, '+');
    assert_int_equal(cn_query_parse(cn_buf_span(&b), &q, NULL), CN_OK);
    cn_query_free(q);
    cn_buf_char(&b, '+');
    assert_int_equal(cn_query_parse(cn_buf_span(&b), &q, NULL), CN_E_ARG);
}

static void tokens_are_cut(void **state)
{
    (void) state;
    const struct {
        const char *text, *tokens;
    } cases[] = {
        {"", ""},
        {"Failed password", "failed password "},
        {"a.b", "a b =a.b "},
        {"a..b a.", "a b a "},
        {"10.0.0.1:22", "10 0 0 1 22 =10.0.0.1:22 ~10.0.0.1 "},
        {"user@host.example.com",
         "user host example com =user@host.example.com ~host.example.com "},
        {"::ffff:1.2.3.4", "ffff 1 2 3 4 =ffff:1.2.3.4 ~1.2.3.4 "},
        {"aa:bb:cc", "aa bb cc =aa:bb:cc "},
        {"x_1-y", "x_1 y =x_1-y "},
        {"\xc3\x84rger \xe2\x80\x99s \xff\x80z", "\xc3\xa4rger s z "},
        {"\xe2\x84\xaa", "k "},
        {"a\xc2\xa0"
         "b",
         "a b "},
    };
    CN_CLEANUP(cn_tokens_free) cn_tokens t = {0};
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        /* at every alignment, so that what lies on both sides of 64 bytes is cut the same */
        for (size_t pad = 0; pad < 130; pad++) {
            CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(4096);
            CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(4096);
            for (size_t k = 0; k < pad; k++)
                cn_buf_char(&text, ' ');
            cn_buf_str(&text, cases[i].text);
            assert_true(cn_tokens_cut(&t, cn_buf_span(&text)));
            for (size_t k = 0; k < t.n; k++) {
                cn_buf_str(&got, t.tokens[k].kind == CN_TOKEN_CHAIN   ? "="
                                 : t.tokens[k].kind == CN_TOKEN_PIECE ? "~"
                                                                      : "");
                cn_buf_bytes(&got, cn_tokens_span(&t, k));
                cn_buf_char(&got, ' ');
            }
            assert_string_equal(cn_buf_cstr(&got), cases[i].tokens);
        }
    }
    /* Long ones: told apart by what lies behind the limit. */
    uint8_t one[1000], two[1000];
    memset(one, 'x', sizeof one);
    memset(two, 'x', sizeof two);
    two[999] = 'y';
    uint8_t short_form[CN_TOKEN_MAX];
    assert_true(cn_tokens_cut(&t, cn_span_of(one, sizeof one)));
    assert_int_equal(t.n, 1);
    assert_int_equal(t.tokens[0].len, CN_TOKEN_MAX);
    memcpy(short_form, cn_tokens_span(&t, 0).p, CN_TOKEN_MAX);
    assert_true(cn_tokens_cut(&t, cn_span_of(two, sizeof two)));
    assert_memory_not_equal(short_form, cn_tokens_span(&t, 0).p, CN_TOKEN_MAX);
    assert_memory_equal(short_form, cn_tokens_span(&t, 0).p, CN_TOKEN_MAX - 16);
}

static int matches(const char *query, const char *value)
{
    cn_query *q = NULL;
    cn_err err = CN_ERR_INIT;
    if (cn_query_parse(cn_span_str(query), &q, &err) < 0)
        fail_msg("%s: %s", query, err.text);
    int rc = cn_query_matches_text(cn_query_root(q), cn_span_str(value), &err);
    cn_query_free(q);
    return rc;
}

static void values_match(void **state)
{
    (void) state;
    const struct {
        const char *query, *value;
        int want;
    } cases[] = {
        {"message:ROOT", "user=root;", 1},
        {"message:roo", "user=root;", 0},
        {"message:roo*", "user=root;", 1},
        {"message:*ot", "user=root;", 1},
        {"message:r??t", "user=root;", 1},
        {"message:r?t", "user=root;", 0},
        {"message:r?t", "r\xc3\xb6t", 1},
        {"message:\"password for root\"", "Failed Password for  root from", 1},
        {"message:\"password root\"", "Failed Password for root from", 0},
        {"message:10.0.0.1", "from 10.0.0.1 port", 1},
        {"message:10.0.0.1", "from 10.0.0.1:22", 1},
        {"message:10.0.0.1", "from 10.0.0.11", 0},
        {"message:10.0.0.1", "from 110.0.0.1", 0},
        {"path:\"/var/log/auth.log\"", "/var/log/auth.log", 1},
        {"path:\"/var/log/auth.log\"", "/var/log/auth.log.2.gz", 0},
        {"path:/var/log/*.gz", "/var/log/auth.log.2.gz", 1},
        {"path:*.gz", "/var/log/auth.log.2.gz", 1},
        {"message:/usr/bin/*sh", "ran /usr/bin/bash -i", 1},
        {"message:--", "a -- b", 1},
        {"message:--", "a - b", 0},
        {"message:/^a.c$/", "ABC", 1},
        {"message:/^a.c$/", "xABC", 0},
        {"message:/b/", "xABC", 1},
        {"message:/\xc3\xa4/", "\xc3\x84rger \xff", 1},
        {"source_ip:10.0.0.0/8", "10.200.3.4", 1},
        {"source_ip:10.0.0.0/8", "11.200.3.4", 0},
        {"source_ip:10.0.0.0/8", "::ffff:10.1.1.1", 1},
        {"source_ip:fe80::/10", "FE80:0::1", 1},
        {"source_ip:fe80::1", "fe80:0:0:0::1", 1},
        {"source_ip:[10.0.0.9 TO 10.0.0.100]", "10.0.0.20", 1},
        {"source_ip:[10.0.0.9 TO 10.0.0.100}", "10.0.0.100", 0},
        {"x:[5 TO 100]", "20", 1},
        {"x:[5 TO 100]", "abc", 0},
        {"x:[abc TO b]", "ABX", 1},
        {"x:{abc TO b]", "abc", 0},
        {"x:\"\\\"a\\\"\"", "say \"a\"", 1},
        {"x:=a*", "abc def", 1},
        {"x:=abc", "abc def", 0},
    };
    for (size_t i = 0; i < CN_LEN(cases); i++)
        if (matches(cases[i].query, cases[i].value) != cases[i].want)
            fail_msg("%s over '%s' is not %d", cases[i].query, cases[i].value, cases[i].want);
}

/* No pattern takes forever: it is refused, or it is stopped. */
static void patterns_cannot_hang(void **state)
{
    (void) state;
    char value[20001];
    memset(value, 'a', 20000);
    value[20000] = 0;
    assert_int_equal(matches("message:/(a+)+(a+)+[bc]/", value), CN_E_LIMIT);
    assert_int_equal(matches("message.keyword:*a*a*a*a*a*a*a*a*a*a*b", value), 0);
}

static void filters_come_back(void **state)
{
    (void) state;
    const char *values[] = {"plain", "two words", "a\"b",       "C:\\x\\",
                            "50* ?", "",          "\xff bytes", "a\nb"};
    for (size_t i = 0; i < CN_LEN(values); i++) {
        CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(4096);
        cn_query_put_filter(&b, CN_SPAN_LIT("command"), cn_span_str(values[i]));
        if (matches(cn_buf_cstr(&b), values[i]) != 1)
            fail_msg("%s", cn_buf_cstr(&b));
        assert_int_equal(matches(cn_buf_cstr(&b), "other"), 0);
    }
}

static void tokens_for_the_page(void **state)
{
    (void) state;
    const char *text = "user:root AND (NOT \"a b\" pid:[1 TO *] x*) /re/ z:>=5 \"open";
    cn_query_token t[40];
    size_t n = cn_query_tokens(cn_span_str(text), t, CN_LEN(t));
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(4096);
    for (size_t i = 0; i < n; i++)
        cn_buf_printf(&b, "%c%.*s|", "wfcoppr[bwE"[t[i].kind], (int) (t[i].end - t[i].begin),
                      text + t[i].begin);
    assert_string_equal(
        cn_buf_cstr(&b),
        "fuser|c:|wroot|oAND|p(|oNOT|p\"a b\"|fpid|c:|[[|b1|[TO|b*|[]|wx*|p)|r/re/|fz|"
        "c:>=|w5|E\"open|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(limits),
        cmocka_unit_test(tokens_are_cut),
        cmocka_unit_test(values_match),
        cmocka_unit_test(patterns_cannot_hang),
        cmocka_unit_test(filters_come_back),
        cmocka_unit_test(tokens_for_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
