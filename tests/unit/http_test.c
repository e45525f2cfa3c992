/* The edges of the server that take a stranger's bytes: decoding, routes, token and origin. */
#include "http/api_generated.h"
#include "http/auth.h"
#include "http/decode_request.h"
#include "http/page.h"
#include "http/route.h"
#include "http/selection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

typedef struct fixture {
    cn_arena arena;
    cn_decode_fault fault;
    cn_api_search_request search;
} fixture;

static bool decode(fixture *f, const char *json)
{
    cn_arena_free(&f->arena);
    *f = (fixture){.arena = cn_arena_of(CN_MIB(8))};
    return cn_decode_body(&cn_api_shape_search_request, cn_span_str(json), &f->arena, &f->search,
                          &f->fault);
}

static void body_defaults(void **state)
{
    (void) state;
    fixture f = {.arena = cn_arena_of(0)};
    assert_true(decode(&f, "{}"));
    assert_int_equal(f.search.limit, 100);
    assert_int_equal(f.search.order, CN_API_SEARCH_REQUEST_ORDER_ASC);
    assert_true(f.search.selection.query.p && f.search.selection.query.len == 0);
    assert_false(f.search.selection.has_timelines);
    assert_null(f.search.around.p);
    cn_arena_free(&f.arena);
}

static void body_values(void **state)
{
    (void) state;
    fixture f = {.arena = cn_arena_of(0)};
    assert_true(decode(
        &f, "{\"query\":\"a \\\"b\\\"\",\"timelines\":[3,1],\"order\":\"desc\",\"limit\":0,"
            "\"offset\":7,\"fields\":[\"pid\"],\"chips\":[{\"field\":\"pid\",\"value\":null},"
            "{\"field\":\"x\",\"value\":12,\"exclude\":true,\"active\":false}]}"));
    assert_true(cn_span_is(f.search.selection.query, "a \"b\""));
    assert_int_equal(f.search.selection.timelines.n, 2);
    assert_int_equal(f.search.selection.timelines.p[1], 1);
    assert_int_equal(f.search.order, CN_API_SEARCH_REQUEST_ORDER_DESC);
    assert_int_equal(f.search.limit, 0);
    assert_true(f.search.has_offset);
    assert_int_equal(f.search.offset, 7);
    assert_int_equal(f.search.selection.chips.n, 2);
    const cn_api_chip *chips = f.search.selection.chips.p;
    assert_int_equal(chips[0].value.type, CN_API_NULL);
    assert_true(chips[0].active && !chips[0].exclude);
    assert_int_equal(chips[1].value.type, CN_API_NUMBER);
    assert_int_equal(chips[1].value.num, 12);
    assert_true(!chips[1].active && chips[1].exclude);
    cn_arena_free(&f.arena);
}

static void body_refused(void **state)
{
    (void) state;
    static const struct {
        const char *json, *field;
    } cases[] = {
        {"", ""},
        {"[]", ""},
        {"{\"query\":1}", "query"},
        {"{\"query\":\"a\",\"query\":\"b\"}", ""},
        {"{\"nonsense\":1}", "nonsense"},
        {"{\"limit\":1001}", "limit"},
        {"{\"limit\":-1}", "limit"},
        {"{\"limit\":1.5}", "limit"},
        {"{\"limit\":99999999999999999999}", ""},
        {"{\"order\":\"up\"}", "order"},
        {"{\"timelines\":[0]}", "timelines"},
        {"{\"timelines\":[\"1\"]}", "timelines"},
        {"{\"timelines\":{}}", "timelines"},
        {"{\"chips\":[{},{\"from\":5}]}", "chips[1].from"},
        {"{\"chips\":[5]}", "chips"},
        {"{\"chips\":[{\"value\":[]}]}", "chips[0].value"},
        {"{\"chips\":[{\"field\":\"\"}]}", "chips[0].field"},
        {"{\"query\":\"\\u0000\"}", ""},
        {"{\"query\":\"\xff\"}", ""},
    };
    fixture f = {.arena = cn_arena_of(0)};
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        assert_false(decode(&f, cases[i].json));
        assert_string_equal(f.fault.field, cases[i].field);
        assert_true(strlen(f.fault.text) > 5);
    }
    cn_arena_free(&f.arena);
}

static void deep_json(void **state)
{
    (void) state;
    fixture f = {.arena = cn_arena_of(0)};
    enum { DEPTH = 100000 };
    CN_CLEANUP(cn_buf_free) cn_buf json = cn_buf_of(CN_MIB(1));
    cn_buf_str(&json, "{\"chips\":");
    for (int i = 0; i < DEPTH; i++)
        cn_buf_char(&json, '[');
    assert_false(decode(&f, cn_buf_cstr(&json)));
    cn_arena_free(&f.arena);
}

static void event_ids(void **state)
{
    (void) state;
    cn_arena arena = cn_arena_of(CN_MIB(1));
    cn_api_annotate_request body;
    cn_decode_fault fault;
    assert_true(cn_decode_body(
        &cn_api_shape_annotate_request,
        CN_SPAN_LIT("{\"events\":[\"0123456789abcdef0123456789abcdef01234567\"],\"star\":false}"),
        &arena, &body, &fault));
    assert_true(body.has_star && !body.star);
    assert_false(
        cn_decode_body(&cn_api_shape_annotate_request,
                       CN_SPAN_LIT("{\"events\":[\"0123456789ABCDEF0123456789abcdef01234567\"]}"),
                       &arena, &body, &fault));
    assert_false(cn_decode_body(&cn_api_shape_annotate_request, CN_SPAN_LIT("{\"events\":[]}"),
                                &arena, &body, &fault));
    cn_arena_free(&arena);
}

static void percent(void **state)
{
    (void) state;
    static const struct {
        const char *text, *expect; /* NULL: refused */
        bool plus;
    } cases[] = {{"a%2Fb+c", "a/b+c", false}, {"a+b", "a b", true}, {"%c3%A9", "\xc3\xa9", false},
                 {"%", NULL, false},          {"%4", NULL, false},  {"%zz", NULL, false},
                 {"%00", NULL, false},        {"%ff", NULL, false}, {"", "", false},
                 {"%41", "A", false}};
    cn_arena arena = cn_arena_of(CN_MIB(1));
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        cn_span out;
        bool good = cn_decode_percent(cn_span_str(cases[i].text), cases[i].plus, &arena, &out);
        assert_int_equal(good, cases[i].expect != NULL);
        if (good)
            assert_true(cn_span_is(out, cases[i].expect));
    }
    cn_arena_free(&arena);
}

static void routes(void **state)
{
    (void) state;
    static const struct {
        const char *method, *target, *name, *allow; /* name NULL: no route */
    } cases[] = {
        {"GET", "/api/v1/timelines", "listTimelines", "GET, HEAD"},
        {"HEAD", "/api/v1/timelines", "listTimelines", "GET, HEAD"},
        {"GET", "/api/v1/timelines/", NULL, ""},
        {"GET", "/api/v1/timelines/7", "getTimeline", "GET, HEAD"},
        {"GET", "/api/v1/timelines/7/warnings?limit=5", "listWarnings", "GET, HEAD"},
        {"GET", "/api/v1/events/stream", "stream", "GET, HEAD"},
        {"PUT", "/api/v1/events/stream", NULL, "GET, HEAD"},
        {"GET", "/api/v1/events/abc", "getEvent", "GET, HEAD"},
        {"DELETE", "/api/v1/events/abc/tags/x%2Fy", "untagEvent", "PUT, DELETE"},
        {"POST", "/api/v1/events/abc/star", NULL, "PUT, DELETE"},
        {"GET", "/api/v1/search", NULL, "POST"},
        {"GET", "/api/v1", NULL, ""},
        {"GET", "/api/v1/", NULL, ""},
        {"GET", "/api/v1//timelines", NULL, ""},
        {"GET", "/api/v1/events//bytes", NULL, ""},
        {"GET", "/api/v2/timelines", NULL, ""},
        {"BREW", "/api/v1/about", NULL, "GET, HEAD"},
    };
    cn_arena arena = cn_arena_of(CN_MIB(1));
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        cn_route_match m;
        assert_true(cn_route_find(cases[i].method, cn_span_str(cases[i].target), &arena, &m));
        assert_int_equal(m.route != NULL, cases[i].name != NULL);
        if (m.route)
            assert_string_equal(m.route->name, cases[i].name);
        if (strcmp(m.allow, "PUT, DELETE") && strcmp(m.allow, "DELETE, PUT"))
            assert_string_equal(m.allow, cases[i].allow);
        else
            assert_string_equal(cases[i].allow, "PUT, DELETE");
    }
    cn_route_match m;
    assert_true(cn_route_find("DELETE", CN_SPAN_LIT("/api/v1/events/abc/tags/x%2Fy"), &arena, &m));
    assert_int_equal(m.n_params, 2);
    assert_true(cn_span_is(m.params[1].name, "tag") && cn_span_is(m.params[1].value, "x/y"));
    assert_false(cn_route_find("GET", CN_SPAN_LIT("/api/v1/events/%zz"), &arena, &m));
    cn_arena_free(&arena);
}

static bool decode_warnings(const char *target, cn_api_list_warnings_params *out)
{
    cn_arena arena = cn_arena_of(CN_MIB(1));
    cn_route_match m;
    cn_decode_fault fault;
    bool good = cn_route_find("GET", cn_span_str(target), &arena, &m) && m.route &&
                cn_decode_params(m.route->params, m.params, m.n_params, &arena, out, &fault);
    cn_arena_free(&arena);
    return good;
}

static void parameters(void **state)
{
    (void) state;
    cn_api_list_warnings_params p;
    assert_true(decode_warnings("/api/v1/timelines/7/warnings?limit=5", &p));
    assert_int_equal(p.id, 7);
    assert_int_equal(p.limit, 5);
    assert_true(decode_warnings("/api/v1/timelines/7/warnings", &p));
    assert_int_equal(p.limit, 100);
    static const char *const bad[] = {
        "/api/v1/timelines/x/warnings",           "/api/v1/timelines/0/warnings",
        "/api/v1/timelines/99999999999/warnings", "/api/v1/timelines/7/warnings?limit=5&limit=6",
        "/api/v1/timelines/7/warnings?limit=",    "/api/v1/timelines/7/warnings?other=1"};
    for (size_t i = 0; i < CN_LEN(bad); i++)
        assert_false(decode_warnings(bad[i], &p));
}

static void tokens(void **state)
{
    (void) state;
    cn_auth auth = {.token = "0123456789abcdef0123456789abcdef", .cookie_name = "cairn_1"};
    assert_true(cn_auth_allows(&auth, "Bearer 0123456789abcdef0123456789abcdef", NULL));
    assert_false(cn_auth_allows(&auth, "Bearer 0123456789abcdef0123456789abcdee", NULL));
    assert_false(cn_auth_allows(&auth, "Bearer ", NULL));
    assert_false(cn_auth_allows(&auth, "Basic 0123456789abcdef0123456789abcdef", NULL));
    assert_true(cn_auth_allows(&auth, NULL, "a=b; cairn_1=0123456789abcdef0123456789abcdef"));
    assert_false(cn_auth_allows(&auth, NULL, "cairn_2=0123456789abcdef0123456789abcdef"));
    assert_false(cn_auth_allows(&auth, NULL, NULL));
    cn_auth one, two;
    assert_int_equal(cn_auth_init(&one, 1, NULL), CN_OK);
    assert_int_equal(cn_auth_init(&two, 1, NULL), CN_OK);
    assert_int_equal(strlen(one.token), 32);
    assert_string_not_equal(one.token, two.token);
}

static void hosts(void **state)
{
    (void) state;
    static const char *const ours[] = {"127.0.0.1", "127.0.0.1:80", "localhost:9", "[::1]:8471"};
    static const char *const others[] = {"",
                                         "evil.example",
                                         "127.0.0.1.evil.example",
                                         "localhost.x",
                                         "127.0.0.1:80@x",
                                         "127.0.0.1:123456"};
    for (size_t i = 0; i < CN_LEN(ours); i++)
        assert_true(cn_auth_host_is_ours(ours[i]));
    for (size_t i = 0; i < CN_LEN(others); i++)
        assert_false(cn_auth_host_is_ours(others[i]));
    assert_false(cn_auth_host_is_ours(NULL));
    assert_true(cn_auth_origin_is_ours(NULL, NULL, "127.0.0.1:1"));
    assert_true(cn_auth_origin_is_ours("http://127.0.0.1:1", "same-origin", "127.0.0.1:1"));
    assert_false(cn_auth_origin_is_ours("http://127.0.0.1:2", NULL, "127.0.0.1:1"));
    assert_false(cn_auth_origin_is_ours("null", NULL, "127.0.0.1:1"));
    assert_false(cn_auth_origin_is_ours(NULL, "same-site", "127.0.0.1:1"));
}

static void places(void **state)
{
    (void) state;
    cn_span text = CN_SPAN_LIT("a\xc3\xa9\xf0\x9f\x94\xa5z"); /* a, e with acute, a flame, z */
    assert_int_equal(cn_selection_utf16(text, 0), 0);
    assert_int_equal(cn_selection_utf16(text, 1), 1);
    assert_int_equal(cn_selection_utf16(text, 3), 2);
    assert_int_equal(cn_selection_utf16(text, 7), 4);
    assert_int_equal(cn_selection_utf16(text, 99), 5);
    assert_true(cn_page_is_view(CN_SPAN_LIT("/")));
    assert_true(cn_page_is_view(CN_SPAN_LIT("/explore/x")));
    assert_true(cn_page_is_view(CN_SPAN_LIT("/index.html")));
    assert_false(cn_page_is_view(CN_SPAN_LIT("/a.js")));
    assert_false(cn_page_is_view(CN_SPAN_LIT("")));
    assert_true(cn_page_is_api(CN_SPAN_LIT("/api/x")));
    assert_false(cn_page_is_api(CN_SPAN_LIT("/apix")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_defaults), cmocka_unit_test(body_values),
        cmocka_unit_test(body_refused),  cmocka_unit_test(deep_json),
        cmocka_unit_test(event_ids),     cmocka_unit_test(percent),
        cmocka_unit_test(routes),        cmocka_unit_test(parameters),
        cmocka_unit_test(tokens),        cmocka_unit_test(hosts),
        cmocka_unit_test(places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
