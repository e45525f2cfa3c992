/* Made by tools/gen_api.py from src/http/openapi.yaml: change that, then run it. */
/* clang-format off */
#include "http/api_generated.h"

static const cn_api_member get_timeline_params_members[] = {
    {.name = "id", .kind = CN_API_INT, .at = offsetof(cn_api_get_timeline_params, id), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 2147483647, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_get_timeline_params = {
    "getTimelineParams", sizeof(cn_api_get_timeline_params), get_timeline_params_members, CN_LEN(get_timeline_params_members)};
static const cn_api_member list_warnings_params_members[] = {
    {.name = "id", .kind = CN_API_INT, .at = offsetof(cn_api_list_warnings_params, id), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 2147483647, .in = CN_API_PATH},
    {.name = "limit", .kind = CN_API_INT, .at = offsetof(cn_api_list_warnings_params, limit), .has_at = SIZE_MAX, .min = 1, .max = 1000, .fallback = 100, .in = CN_API_QUERY},
    {.name = "cursor", .kind = CN_API_TEXT, .at = offsetof(cn_api_list_warnings_params, cursor), .has_at = SIZE_MAX, .max = 64, .in = CN_API_QUERY},
};
const cn_api_shape cn_api_shape_list_warnings_params = {
    "listWarningsParams", sizeof(cn_api_list_warnings_params), list_warnings_params_members, CN_LEN(list_warnings_params_members)};
static const cn_api_member chip_members[] = {
    {.name = "field", .kind = CN_API_TEXT, .at = offsetof(cn_api_chip, field), .has_at = SIZE_MAX, .min = 1, .max = 128},
    {.name = "value", .kind = CN_API_VALUE, .at = offsetof(cn_api_chip, value), .has_at = SIZE_MAX, .max = 32768},
    {.name = "from", .kind = CN_API_TEXT, .at = offsetof(cn_api_chip, from), .has_at = SIZE_MAX, .max = 64},
    {.name = "until", .kind = CN_API_TEXT, .at = offsetof(cn_api_chip, until), .has_at = SIZE_MAX, .max = 64},
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_chip, query), .has_at = SIZE_MAX, .max = 16384},
    {.name = "exclude", .kind = CN_API_BOOL, .at = offsetof(cn_api_chip, exclude), .has_at = SIZE_MAX},
    {.name = "active", .kind = CN_API_BOOL, .at = offsetof(cn_api_chip, active), .has_at = SIZE_MAX, .fallback = 1},
};
const cn_api_shape cn_api_shape_chip = {
    "Chip", sizeof(cn_api_chip), chip_members, CN_LEN(chip_members)};
static const cn_api_member selection_members[] = {
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_selection, query), .has_at = SIZE_MAX, .max = 16384, .text = ""},
    {.name = "timelines", .kind = CN_API_INTS, .at = offsetof(cn_api_selection, timelines), .has_at = offsetof(cn_api_selection, has_timelines), .max = 1000, .item_min = 1, .item_max = 2147483647},
    {.name = "from", .kind = CN_API_TEXT, .at = offsetof(cn_api_selection, from), .has_at = SIZE_MAX, .max = 64},
    {.name = "until", .kind = CN_API_TEXT, .at = offsetof(cn_api_selection, until), .has_at = SIZE_MAX, .max = 64},
    {.name = "chips", .kind = CN_API_OBJECTS, .at = offsetof(cn_api_selection, chips), .has_at = offsetof(cn_api_selection, has_chips), .max = 100, .shape = &cn_api_shape_chip},
};
const cn_api_shape cn_api_shape_selection = {
    "Selection", sizeof(cn_api_selection), selection_members, CN_LEN(selection_members)};
static const cn_api_member search_request_members[] = {
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_search_request, selection.query), .has_at = SIZE_MAX, .max = 16384, .text = ""},
    {.name = "timelines", .kind = CN_API_INTS, .at = offsetof(cn_api_search_request, selection.timelines), .has_at = offsetof(cn_api_search_request, selection.has_timelines), .max = 1000, .item_min = 1, .item_max = 2147483647},
    {.name = "from", .kind = CN_API_TEXT, .at = offsetof(cn_api_search_request, selection.from), .has_at = SIZE_MAX, .max = 64},
    {.name = "until", .kind = CN_API_TEXT, .at = offsetof(cn_api_search_request, selection.until), .has_at = SIZE_MAX, .max = 64},
    {.name = "chips", .kind = CN_API_OBJECTS, .at = offsetof(cn_api_search_request, selection.chips), .has_at = offsetof(cn_api_search_request, selection.has_chips), .max = 100, .shape = &cn_api_shape_chip},
    {.name = "order", .kind = CN_API_CHOICE, .at = offsetof(cn_api_search_request, order), .has_at = SIZE_MAX, .choices = (const char *const[]){"asc", "desc", NULL}, .fallback = CN_API_SEARCH_REQUEST_ORDER_ASC},
    {.name = "limit", .kind = CN_API_INT, .at = offsetof(cn_api_search_request, limit), .has_at = SIZE_MAX, .min = 0, .max = 1000, .fallback = 100},
    {.name = "cursor", .kind = CN_API_TEXT, .at = offsetof(cn_api_search_request, cursor), .has_at = SIZE_MAX, .max = 128},
    {.name = "offset", .kind = CN_API_INT, .at = offsetof(cn_api_search_request, offset), .has_at = offsetof(cn_api_search_request, has_offset), .min = 0, .max = 9007199254740991},
    {.name = "around", .kind = CN_API_TEXT, .at = offsetof(cn_api_search_request, around), .has_at = SIZE_MAX, .max = 64},
    {.name = "fields", .kind = CN_API_TEXTS, .at = offsetof(cn_api_search_request, fields), .has_at = offsetof(cn_api_search_request, has_fields), .max = 200, .item_min = 0, .item_max = 128},
};
const cn_api_shape cn_api_shape_search_request = {
    "SearchRequest", sizeof(cn_api_search_request), search_request_members, CN_LEN(search_request_members)};
static const cn_api_member histogram_request_members[] = {
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, selection.query), .has_at = SIZE_MAX, .max = 16384, .text = ""},
    {.name = "timelines", .kind = CN_API_INTS, .at = offsetof(cn_api_histogram_request, selection.timelines), .has_at = offsetof(cn_api_histogram_request, selection.has_timelines), .max = 1000, .item_min = 1, .item_max = 2147483647},
    {.name = "from", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, selection.from), .has_at = SIZE_MAX, .max = 64},
    {.name = "until", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, selection.until), .has_at = SIZE_MAX, .max = 64},
    {.name = "chips", .kind = CN_API_OBJECTS, .at = offsetof(cn_api_histogram_request, selection.chips), .has_at = offsetof(cn_api_histogram_request, selection.has_chips), .max = 100, .shape = &cn_api_shape_chip},
    {.name = "buckets", .kind = CN_API_INT, .at = offsetof(cn_api_histogram_request, buckets), .has_at = SIZE_MAX, .min = 1, .max = 4000, .fallback = 200},
    {.name = "interval", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, interval), .has_at = SIZE_MAX, .max = 32},
    {.name = "first", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, first), .has_at = SIZE_MAX, .max = 64},
    {.name = "last", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, last), .has_at = SIZE_MAX, .max = 64},
    {.name = "split", .kind = CN_API_TEXT, .at = offsetof(cn_api_histogram_request, split), .has_at = SIZE_MAX, .max = 128},
    {.name = "series", .kind = CN_API_INT, .at = offsetof(cn_api_histogram_request, series), .has_at = SIZE_MAX, .min = 1, .max = 50, .fallback = 8},
};
const cn_api_shape cn_api_shape_histogram_request = {
    "HistogramRequest", sizeof(cn_api_histogram_request), histogram_request_members, CN_LEN(histogram_request_members)};
static const cn_api_member top_request_members[] = {
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_top_request, selection.query), .has_at = SIZE_MAX, .max = 16384, .text = ""},
    {.name = "timelines", .kind = CN_API_INTS, .at = offsetof(cn_api_top_request, selection.timelines), .has_at = offsetof(cn_api_top_request, selection.has_timelines), .max = 1000, .item_min = 1, .item_max = 2147483647},
    {.name = "from", .kind = CN_API_TEXT, .at = offsetof(cn_api_top_request, selection.from), .has_at = SIZE_MAX, .max = 64},
    {.name = "until", .kind = CN_API_TEXT, .at = offsetof(cn_api_top_request, selection.until), .has_at = SIZE_MAX, .max = 64},
    {.name = "chips", .kind = CN_API_OBJECTS, .at = offsetof(cn_api_top_request, selection.chips), .has_at = offsetof(cn_api_top_request, selection.has_chips), .max = 100, .shape = &cn_api_shape_chip},
    {.name = "field", .kind = CN_API_TEXT, .at = offsetof(cn_api_top_request, field), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 128},
    {.name = "n", .kind = CN_API_INT, .at = offsetof(cn_api_top_request, n), .has_at = SIZE_MAX, .min = 1, .max = 10000, .fallback = 10},
    {.name = "rare", .kind = CN_API_BOOL, .at = offsetof(cn_api_top_request, rare), .has_at = SIZE_MAX},
};
const cn_api_shape cn_api_shape_top_request = {
    "TopRequest", sizeof(cn_api_top_request), top_request_members, CN_LEN(top_request_members)};
static const cn_api_member check_request_members[] = {
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_check_request, query), .has_at = SIZE_MAX, .required = true, .max = 16384},
};
const cn_api_shape cn_api_shape_check_request = {
    "CheckRequest", sizeof(cn_api_check_request), check_request_members, CN_LEN(check_request_members)};
static const cn_api_member list_field_values_params_members[] = {
    {.name = "name", .kind = CN_API_TEXT, .at = offsetof(cn_api_list_field_values_params, name), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 128, .in = CN_API_PATH},
    {.name = "prefix", .kind = CN_API_TEXT, .at = offsetof(cn_api_list_field_values_params, prefix), .has_at = SIZE_MAX, .max = 1024, .text = "", .in = CN_API_QUERY},
    {.name = "limit", .kind = CN_API_INT, .at = offsetof(cn_api_list_field_values_params, limit), .has_at = SIZE_MAX, .min = 1, .max = 1000, .fallback = 20, .in = CN_API_QUERY},
    {.name = "timelines", .kind = CN_API_TEXT, .at = offsetof(cn_api_list_field_values_params, timelines), .has_at = SIZE_MAX, .max = 4096, .in = CN_API_QUERY},
};
const cn_api_shape cn_api_shape_list_field_values_params = {
    "listFieldValuesParams", sizeof(cn_api_list_field_values_params), list_field_values_params_members, CN_LEN(list_field_values_params_members)};
static const cn_api_member stream_params_members[] = {
    {.name = "Last-Event-ID", .kind = CN_API_TEXT, .at = offsetof(cn_api_stream_params, last_event_id), .has_at = SIZE_MAX, .max = 64, .in = CN_API_HEADER},
};
const cn_api_shape cn_api_shape_stream_params = {
    "streamParams", sizeof(cn_api_stream_params), stream_params_members, CN_LEN(stream_params_members)};
static const cn_api_member get_event_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_get_event_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
    {.name = "timeline", .kind = CN_API_INT, .at = offsetof(cn_api_get_event_params, timeline), .has_at = offsetof(cn_api_get_event_params, has_timeline), .min = 1, .max = 2147483647, .in = CN_API_QUERY},
};
const cn_api_shape cn_api_shape_get_event_params = {
    "getEventParams", sizeof(cn_api_get_event_params), get_event_params_members, CN_LEN(get_event_params_members)};
static const cn_api_member get_event_bytes_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_get_event_bytes_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
    {.name = "timeline", .kind = CN_API_INT, .at = offsetof(cn_api_get_event_bytes_params, timeline), .has_at = offsetof(cn_api_get_event_bytes_params, has_timeline), .min = 1, .max = 2147483647, .in = CN_API_QUERY},
    {.name = "before", .kind = CN_API_INT, .at = offsetof(cn_api_get_event_bytes_params, before), .has_at = SIZE_MAX, .min = 0, .max = 65536, .fallback = 256, .in = CN_API_QUERY},
    {.name = "after", .kind = CN_API_INT, .at = offsetof(cn_api_get_event_bytes_params, after), .has_at = SIZE_MAX, .min = 0, .max = 65536, .fallback = 256, .in = CN_API_QUERY},
};
const cn_api_shape cn_api_shape_get_event_bytes_params = {
    "getEventBytesParams", sizeof(cn_api_get_event_bytes_params), get_event_bytes_params_members, CN_LEN(get_event_bytes_params_members)};
static const cn_api_member star_event_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_star_event_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_star_event_params = {
    "starEventParams", sizeof(cn_api_star_event_params), star_event_params_members, CN_LEN(star_event_params_members)};
static const cn_api_member unstar_event_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_unstar_event_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_unstar_event_params = {
    "unstarEventParams", sizeof(cn_api_unstar_event_params), unstar_event_params_members, CN_LEN(unstar_event_params_members)};
static const cn_api_member tag_event_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_tag_event_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
    {.name = "tag", .kind = CN_API_TEXT, .at = offsetof(cn_api_tag_event_params, tag), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 100, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_tag_event_params = {
    "tagEventParams", sizeof(cn_api_tag_event_params), tag_event_params_members, CN_LEN(tag_event_params_members)};
static const cn_api_member untag_event_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_untag_event_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
    {.name = "tag", .kind = CN_API_TEXT, .at = offsetof(cn_api_untag_event_params, tag), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 100, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_untag_event_params = {
    "untagEventParams", sizeof(cn_api_untag_event_params), untag_event_params_members, CN_LEN(untag_event_params_members)};
static const cn_api_member add_comment_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_add_comment_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_add_comment_params = {
    "addCommentParams", sizeof(cn_api_add_comment_params), add_comment_params_members, CN_LEN(add_comment_params_members)};
static const cn_api_member comment_request_members[] = {
    {.name = "text", .kind = CN_API_TEXT, .at = offsetof(cn_api_comment_request, text), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 65536},
};
const cn_api_shape cn_api_shape_comment_request = {
    "CommentRequest", sizeof(cn_api_comment_request), comment_request_members, CN_LEN(comment_request_members)};
static const cn_api_member change_comment_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_change_comment_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
    {.name = "comment", .kind = CN_API_INT, .at = offsetof(cn_api_change_comment_params, comment), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 9007199254740991, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_change_comment_params = {
    "changeCommentParams", sizeof(cn_api_change_comment_params), change_comment_params_members, CN_LEN(change_comment_params_members)};
static const cn_api_member delete_comment_params_members[] = {
    {.name = "event_id", .kind = CN_API_TEXT, .at = offsetof(cn_api_delete_comment_params, event_id), .has_at = SIZE_MAX, .required = true, .min = 40, .max = 40, .hex = true, .in = CN_API_PATH},
    {.name = "comment", .kind = CN_API_INT, .at = offsetof(cn_api_delete_comment_params, comment), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 9007199254740991, .in = CN_API_PATH},
};
const cn_api_shape cn_api_shape_delete_comment_params = {
    "deleteCommentParams", sizeof(cn_api_delete_comment_params), delete_comment_params_members, CN_LEN(delete_comment_params_members)};
static const cn_api_member annotate_request_members[] = {
    {.name = "events", .kind = CN_API_TEXTS, .at = offsetof(cn_api_annotate_request, events), .has_at = SIZE_MAX, .required = true, .min = 1, .max = 10000, .item_min = 40, .item_max = 40, .hex = true},
    {.name = "star", .kind = CN_API_BOOL, .at = offsetof(cn_api_annotate_request, star), .has_at = offsetof(cn_api_annotate_request, has_star)},
    {.name = "add_tags", .kind = CN_API_TEXTS, .at = offsetof(cn_api_annotate_request, add_tags), .has_at = offsetof(cn_api_annotate_request, has_add_tags), .max = 100, .item_min = 1, .item_max = 100},
    {.name = "remove_tags", .kind = CN_API_TEXTS, .at = offsetof(cn_api_annotate_request, remove_tags), .has_at = offsetof(cn_api_annotate_request, has_remove_tags), .max = 100, .item_min = 1, .item_max = 100},
};
const cn_api_shape cn_api_shape_annotate_request = {
    "AnnotateRequest", sizeof(cn_api_annotate_request), annotate_request_members, CN_LEN(annotate_request_members)};
static const cn_api_member export_events_params_members[] = {
    {.name = "format", .kind = CN_API_CHOICE, .at = offsetof(cn_api_export_events_params, format), .has_at = SIZE_MAX, .choices = (const char *const[]){"jsonl", "csv", "l2tcsv", "bodyfile", NULL}, .fallback = CN_API_EXPORT_EVENTS_PARAMS_FORMAT_JSONL, .in = CN_API_QUERY},
    {.name = "query", .kind = CN_API_TEXT, .at = offsetof(cn_api_export_events_params, query), .has_at = SIZE_MAX, .max = 16384, .text = "", .in = CN_API_QUERY},
    {.name = "timelines", .kind = CN_API_TEXT, .at = offsetof(cn_api_export_events_params, timelines), .has_at = SIZE_MAX, .max = 4096, .in = CN_API_QUERY},
    {.name = "from", .kind = CN_API_TEXT, .at = offsetof(cn_api_export_events_params, from), .has_at = SIZE_MAX, .max = 64, .in = CN_API_QUERY},
    {.name = "until", .kind = CN_API_TEXT, .at = offsetof(cn_api_export_events_params, until), .has_at = SIZE_MAX, .max = 64, .in = CN_API_QUERY},
    {.name = "order", .kind = CN_API_CHOICE, .at = offsetof(cn_api_export_events_params, order), .has_at = SIZE_MAX, .choices = (const char *const[]){"asc", "desc", NULL}, .fallback = CN_API_EXPORT_EVENTS_PARAMS_ORDER_ASC, .in = CN_API_QUERY},
    {.name = "limit", .kind = CN_API_INT, .at = offsetof(cn_api_export_events_params, limit), .has_at = offsetof(cn_api_export_events_params, has_limit), .min = 1, .max = 4294967295, .in = CN_API_QUERY},
    {.name = "chips", .kind = CN_API_OBJECTS, .at = offsetof(cn_api_export_events_params, chips), .has_at = offsetof(cn_api_export_events_params, has_chips), .max = 100, .shape = &cn_api_shape_chip, .in = CN_API_QUERY, .json = true},
};
const cn_api_shape cn_api_shape_export_events_params = {
    "exportEventsParams", sizeof(cn_api_export_events_params), export_events_params_members, CN_LEN(export_events_params_members)};

static int run_about(cn_call *call, const void *params, const void *body)
{
    (void) params;
    (void) body;
    return cn_http_about(call);
}
static int run_get_openapi(cn_call *call, const void *params, const void *body)
{
    (void) params;
    (void) body;
    return cn_http_get_openapi(call);
}
static int run_list_timelines(cn_call *call, const void *params, const void *body)
{
    (void) params;
    (void) body;
    return cn_http_list_timelines(call);
}
static int run_get_timeline(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_get_timeline(call, params);
}
static int run_list_warnings(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_list_warnings(call, params);
}
static int run_search(cn_call *call, const void *params, const void *body)
{
    (void) params;
    return cn_http_search(call, body);
}
static int run_histogram(cn_call *call, const void *params, const void *body)
{
    (void) params;
    return cn_http_histogram(call, body);
}
static int run_top(cn_call *call, const void *params, const void *body)
{
    (void) params;
    return cn_http_top(call, body);
}
static int run_check_query(cn_call *call, const void *params, const void *body)
{
    (void) params;
    return cn_http_check_query(call, body);
}
static int run_list_fields(cn_call *call, const void *params, const void *body)
{
    (void) params;
    (void) body;
    return cn_http_list_fields(call);
}
static int run_list_field_values(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_list_field_values(call, params);
}
static int run_stream(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_stream(call, params);
}
static int run_get_event(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_get_event(call, params);
}
static int run_get_event_bytes(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_get_event_bytes(call, params);
}
static int run_star_event(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_star_event(call, params);
}
static int run_unstar_event(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_unstar_event(call, params);
}
static int run_tag_event(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_tag_event(call, params);
}
static int run_untag_event(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_untag_event(call, params);
}
static int run_add_comment(cn_call *call, const void *params, const void *body)
{
    return cn_http_add_comment(call, params, body);
}
static int run_change_comment(cn_call *call, const void *params, const void *body)
{
    return cn_http_change_comment(call, params, body);
}
static int run_delete_comment(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_delete_comment(call, params);
}
static int run_annotate(cn_call *call, const void *params, const void *body)
{
    (void) params;
    return cn_http_annotate(call, body);
}
static int run_list_tags(cn_call *call, const void *params, const void *body)
{
    (void) params;
    (void) body;
    return cn_http_list_tags(call);
}
static int run_export_events(cn_call *call, const void *params, const void *body)
{
    (void) body;
    return cn_http_export_events(call, params);
}

const cn_api_route cn_api_routes[] = {
    {"about", "GET", "/about", NULL, NULL, run_about},
    {"annotate", "POST", "/annotations", NULL, &cn_api_shape_annotate_request, run_annotate},
    {"stream", "GET", "/events/stream", &cn_api_shape_stream_params, NULL, run_stream},
    {"getEvent", "GET", "/events/{event_id}", &cn_api_shape_get_event_params, NULL, run_get_event},
    {"getEventBytes", "GET", "/events/{event_id}/bytes", &cn_api_shape_get_event_bytes_params, NULL, run_get_event_bytes},
    {"addComment", "POST", "/events/{event_id}/comments", &cn_api_shape_add_comment_params, &cn_api_shape_comment_request, run_add_comment},
    {"changeComment", "PUT", "/events/{event_id}/comments/{comment}", &cn_api_shape_change_comment_params, &cn_api_shape_comment_request, run_change_comment},
    {"deleteComment", "DELETE", "/events/{event_id}/comments/{comment}", &cn_api_shape_delete_comment_params, NULL, run_delete_comment},
    {"starEvent", "PUT", "/events/{event_id}/star", &cn_api_shape_star_event_params, NULL, run_star_event},
    {"unstarEvent", "DELETE", "/events/{event_id}/star", &cn_api_shape_unstar_event_params, NULL, run_unstar_event},
    {"tagEvent", "PUT", "/events/{event_id}/tags/{tag}", &cn_api_shape_tag_event_params, NULL, run_tag_event},
    {"untagEvent", "DELETE", "/events/{event_id}/tags/{tag}", &cn_api_shape_untag_event_params, NULL, run_untag_event},
    {"exportEvents", "GET", "/export", &cn_api_shape_export_events_params, NULL, run_export_events},
    {"listFields", "GET", "/fields", NULL, NULL, run_list_fields},
    {"listFieldValues", "GET", "/fields/{name}/values", &cn_api_shape_list_field_values_params, NULL, run_list_field_values},
    {"getOpenapi", "GET", "/openapi.json", NULL, NULL, run_get_openapi},
    {"checkQuery", "POST", "/query/check", NULL, &cn_api_shape_check_request, run_check_query},
    {"search", "POST", "/search", NULL, &cn_api_shape_search_request, run_search},
    {"histogram", "POST", "/search/histogram", NULL, &cn_api_shape_histogram_request, run_histogram},
    {"top", "POST", "/search/top", NULL, &cn_api_shape_top_request, run_top},
    {"listTags", "GET", "/tags", NULL, NULL, run_list_tags},
    {"listTimelines", "GET", "/timelines", NULL, NULL, run_list_timelines},
    {"getTimeline", "GET", "/timelines/{id}", &cn_api_shape_get_timeline_params, NULL, run_get_timeline},
    {"listWarnings", "GET", "/timelines/{id}/warnings", &cn_api_shape_list_warnings_params, NULL, run_list_warnings},
};
const size_t cn_api_routes_count = CN_LEN(cn_api_routes);

const char cn_api_openapi[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Cairn\",\"version\":\"1\",\"license\":{\"name\":\"Apache-2.0\",\"identifier\""
    ":\"Apache-2.0\"},\"description\":\"Search and annotate timelines. Every call needs the token that `cairn "
    "serve` prints, as `Authorization: Bearer TOKEN`\\nor as the cookie that the page gets. Errors are `ap"
    "plication/problem+json`.\\n\\nTimes: a text is ISO 8601 in UTC. In answers it has nanoseconds where th"
    "ey matter, else microseconds. In requests it\\nmay have any precision, and then means all that it cov"
    "ers: `until: 2026-11-18` includes that whole day. A number\\ncalled `..._us` is microseconds since 19"
    "70-01-01 UTC.\\n\"},\"servers\":[{\"url\":\"/api/v1\"}],\"security\":[{\"token\":[]},{\"cookie\":[]}],\"paths\":{\"/a"
    "bout\":{\"get\":{\"operationId\":\"about\",\"summary\":\"Version of the server and what it serves\",\"responses\""
    ":{\"200\":{\"description\":\"About\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas"
    "/About\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/openapi.json\":{\"get\":{\"operatio"
    "nId\":\"getOpenapi\",\"summary\":\"This description, as JSON\",\"responses\":{\"200\":{\"description\":\"OpenAPI\","
    "\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\"}}}},\"default\":{\"$ref\":\"#/components/respons"
    "es/Problem\"}}}},\"/timelines\":{\"get\":{\"operationId\":\"listTimelines\",\"summary\":\"All timelines, in the "
    "order they were made\",\"responses\":{\"200\":{\"description\":\"Timelines\",\"content\":{\"application/json\":{\""
    "schema\":{\"$ref\":\"#/components/schemas/TimelineList\"}}}},\"default\":{\"$ref\":\"#/components/responses/Pr"
    "oblem\"}}}},\"/timelines/{id}\":{\"get\":{\"operationId\":\"getTimeline\",\"summary\":\"One timeline with the fa"
    "cts about its machine\",\"parameters\":[{\"$ref\":\"#/components/parameters/timelineId\"}],\"responses\":{\"20"
    "0\":{\"description\":\"Timeline\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/T"
    "imeline\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/timelines/{id}/warnings\":{\"get"
    "\":{\"operationId\":\"listWarnings\",\"summary\":\"What was odd or unreadable in the evidence of a timeline\""
    ",\"parameters\":[{\"$ref\":\"#/components/parameters/timelineId\"},{\"name\":\"limit\",\"in\":\"query\",\"schema\":{"
    "\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}},{\"name\":\"cursor\",\"in\":\"query\",\"descripti"
    "on\":\"`next` of the page before\",\"schema\":{\"type\":\"string\",\"maxLength\":64}}],\"responses\":{\"200\":{\"des"
    "cription\":\"Warnings\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/WarningLi"
    "st\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/search\":{\"post\":{\"operationId\":\"sea"
    "rch\",\"summary\":\"The events that a query finds, a page of them in order of time\",\"requestBody\":{\"requ"
    "ired\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/SearchRequest\"}}}},"
    "\"responses\":{\"200\":{\"description\":\"Hits\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/componen"
    "ts/schemas/SearchResponse\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/search/histo"
    "gram\":{\"post\":{\"operationId\":\"histogram\",\"summary\":\"How many events a query finds in each interval o"
    "f time\",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components"
    "/schemas/HistogramRequest\"}}}},\"responses\":{\"200\":{\"description\":\"Counts\",\"content\":{\"application/js"
    "on\":{\"schema\":{\"$ref\":\"#/components/schemas/HistogramResponse\"}}}},\"default\":{\"$ref\":\"#/components/r"
    "esponses/Problem\"}}}},\"/search/top\":{\"post\":{\"operationId\":\"top\",\"summary\":\"The most frequent (or ra"
    "rest) values of a field among the events that a query finds\",\"requestBody\":{\"required\":true,\"content"
    "\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/TopRequest\"}}}},\"responses\":{\"200\":{\"d"
    "escription\":\"Values\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/TopRespon"
    "se\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/query/check\":{\"post\":{\"operationId\""
    ":\"checkQuery\",\"summary\":\"Whether a query can be understood, and its parts for colouring\",\"requestBod"
    "y\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/CheckReque"
    "st\"}}}},\"responses\":{\"200\":{\"description\":\"Verdict\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
    "\"#/components/schemas/CheckResponse\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/fi"
    "elds\":{\"get\":{\"operationId\":\"listFields\",\"summary\":\"All fields that queries can name, with what they"
    " mean and which timelines have them\",\"responses\":{\"200\":{\"description\":\"Fields\",\"content\":{\"applicat"
    "ion/json\":{\"schema\":{\"$ref\":\"#/components/schemas/FieldList\"}}}},\"default\":{\"$ref\":\"#/components/res"
    "ponses/Problem\"}}}},\"/fields/{name}/values\":{\"get\":{\"operationId\":\"listFieldValues\",\"summary\":\"Value"
    "s of a field that begin with a prefix, most frequent first\",\"parameters\":[{\"name\":\"name\",\"in\":\"path\""
    ",\"required\":true,\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128}},{\"name\":\"prefix\",\"in\":\"qu"
    "ery\",\"schema\":{\"type\":\"string\",\"maxLength\":1024,\"default\":\"\"}},{\"name\":\"limit\",\"in\":\"query\",\"schema\""
    ":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":20}},{\"name\":\"timelines\",\"in\":\"query\",\"descr"
    "iption\":\"ids, separated by commas; all where absent\",\"schema\":{\"type\":\"string\",\"maxLength\":4096}}],\""
    "responses\":{\"200\":{\"description\":\"Values\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/compone"
    "nts/schemas/ValueList\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/events/stream\":{"
    "\"get\":{\"operationId\":\"stream\",\"summary\":\"Server-sent events on what changes\",\"description\":\"`timelin"
    "e` (data: StreamTimeline) when a timeline appears, progresses, ends or goes; `segment` (data: Stream"
    "Segment) when\\nevents have become searchable; `annotation` (data: StreamAnnotation) when an event wa"
    "s starred, tagged or commented;\\n`hello` (data: About) first; a comment line every 15 s. Each has an"
    " id; with `Last-Event-ID` what was missed comes\\nfirst, or, where that is too long ago, `reset`: loa"
    "d everything anew. A reader that does not read is dropped.\\n\",\"parameters\":[{\"name\":\"Last-Event-ID\","
    "\"in\":\"header\",\"schema\":{\"type\":\"string\",\"maxLength\":64}}],\"responses\":{\"200\":{\"description\":\"Stream\""
    ",\"content\":{\"text/event-stream\":{\"schema\":{\"type\":\"string\"}}}},\"default\":{\"$ref\":\"#/components/respo"
    "nses/Problem\"}}}},\"/events/{event_id}\":{\"get\":{\"operationId\":\"getEvent\",\"summary\":\"One event with al"
    "l its fields\",\"parameters\":[{\"$ref\":\"#/components/parameters/eventId\"},{\"$ref\":\"#/components/paramet"
    "ers/inTimeline\"}],\"responses\":{\"200\":{\"description\":\"Event\",\"content\":{\"application/json\":{\"schema\":"
    "{\"$ref\":\"#/components/schemas/Hit\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/even"
    "ts/{event_id}/bytes\":{\"get\":{\"operationId\":\"getEventBytes\",\"summary\":\"The very bytes of the evidence"
    " that an event was read from\",\"parameters\":[{\"$ref\":\"#/components/parameters/eventId\"},{\"$ref\":\"#/co"
    "mponents/parameters/inTimeline\"},{\"name\":\"before\",\"in\":\"query\",\"description\":\"bytes of context\",\"sch"
    "ema\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":65536,\"default\":256}},{\"name\":\"after\",\"in\":\"query\",\"des"
    "cription\":\"bytes of context\",\"schema\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":65536,\"default\":256}}]"
    ",\"responses\":{\"200\":{\"description\":\"Bytes\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/compon"
    "ents/schemas/EventBytes\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/events/{event_"
    "id}/star\":{\"put\":{\"operationId\":\"starEvent\",\"summary\":\"Star an event\",\"parameters\":[{\"$ref\":\"#/compo"
    "nents/parameters/eventId\"}],\"responses\":{\"200\":{\"description\":\"Its annotations\",\"content\":{\"applicat"
    "ion/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Annotations\"}}}},\"default\":{\"$ref\":\"#/components/r"
    "esponses/Problem\"}}},\"delete\":{\"operationId\":\"unstarEvent\",\"summary\":\"Take the star off an event\",\"p"
    "arameters\":[{\"$ref\":\"#/components/parameters/eventId\"}],\"responses\":{\"200\":{\"description\":\"Its annot"
    "ations\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Annotations\"}}}},\"defa"
    "ult\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/events/{event_id}/tags/{tag}\":{\"put\":{\"operation"
    "Id\":\"tagEvent\",\"summary\":\"Tag an event\",\"parameters\":[{\"$ref\":\"#/components/parameters/eventId\"},{\"$"
    "ref\":\"#/components/parameters/tag\"}],\"responses\":{\"200\":{\"description\":\"Its annotations\",\"content\":{"
    "\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Annotations\"}}}},\"default\":{\"$ref\":\"#/com"
    "ponents/responses/Problem\"}}},\"delete\":{\"operationId\":\"untagEvent\",\"summary\":\"Take a tag off an even"
    "t\",\"parameters\":[{\"$ref\":\"#/components/parameters/eventId\"},{\"$ref\":\"#/components/parameters/tag\"}],"
    "\"responses\":{\"200\":{\"description\":\"Its annotations\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
    "\"#/components/schemas/Annotations\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/even"
    "ts/{event_id}/comments\":{\"post\":{\"operationId\":\"addComment\",\"summary\":\"Comment an event\",\"parameters"
    "\":[{\"$ref\":\"#/components/parameters/eventId\"}],\"requestBody\":{\"required\":true,\"content\":{\"applicatio"
    "n/json\":{\"schema\":{\"$ref\":\"#/components/schemas/CommentRequest\"}}}},\"responses\":{\"200\":{\"description"
    "\":\"Its annotations\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Annotation"
    "s\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/events/{event_id}/comments/{comment}"
    "\":{\"put\":{\"operationId\":\"changeComment\",\"summary\":\"Change a comment's text\",\"parameters\":[{\"$ref\":\"#"
    "/components/parameters/eventId\"},{\"$ref\":\"#/components/parameters/commentId\"}],\"requestBody\":{\"requi"
    "red\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/CommentRequest\"}}}},"
    "\"responses\":{\"200\":{\"description\":\"Its annotations\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
    "\"#/components/schemas/Annotations\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}},\"delete"
    "\":{\"operationId\":\"deleteComment\",\"summary\":\"Delete a comment\",\"parameters\":[{\"$ref\":\"#/components/pa"
    "rameters/eventId\"},{\"$ref\":\"#/components/parameters/commentId\"}],\"responses\":{\"200\":{\"description\":\""
    "Its annotations\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Annotations\"}"
    "}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/annotations\":{\"post\":{\"operationId\":\"an"
    "notate\",\"summary\":\"Star, unstar, tag or untag many events at once; all or nothing\",\"requestBody\":{\"r"
    "equired\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/AnnotateRequest\""
    "}}}},\"responses\":{\"200\":{\"description\":\"Done\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/com"
    "ponents/schemas/AnnotateResponse\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/tags\""
    ":{\"get\":{\"operationId\":\"listTags\",\"summary\":\"All tags in use, most frequent first\",\"responses\":{\"200"
    "\":{\"description\":\"Tags\",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/ValueL"
    "ist\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}},\"/export\":{\"get\":{\"operationId\":\"exp"
    "ortEvents\",\"summary\":\"All events that a query finds, as a file\",\"parameters\":[{\"name\":\"format\",\"in\":"
    "\"query\",\"schema\":{\"type\":\"string\",\"enum\":[\"jsonl\",\"csv\",\"l2tcsv\",\"bodyfile\"],\"default\":\"jsonl\"}},{\"n"
    "ame\":\"query\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"maxLength\":16384,\"default\":\"\"}},{\"name\":\"timeli"
    "nes\",\"in\":\"query\",\"description\":\"ids, separated by commas; all where absent\",\"schema\":{\"type\":\"strin"
    "g\",\"maxLength\":4096}},{\"name\":\"from\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"maxLength\":64}},{\"name\""
    ":\"until\",\"in\":\"query\",\"schema\":{\"type\":\"string\",\"maxLength\":64}},{\"name\":\"order\",\"in\":\"query\",\"schem"
    "a\":{\"type\":\"string\",\"enum\":[\"asc\",\"desc\"],\"default\":\"asc\"}},{\"name\":\"limit\",\"in\":\"query\",\"descriptio"
    "n\":\"all where absent\",\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":4294967295}},{\"name\":\"chips\","
    "\"in\":\"query\",\"content\":{\"application/json\":{\"schema\":{\"type\":\"array\",\"maxItems\":100,\"items\":{\"$ref\":"
    "\"#/components/schemas/Chip\"}}}}}],\"responses\":{\"200\":{\"description\":\"Events\",\"content\":{\"application"
    "/x-ndjson\":{\"schema\":{\"type\":\"string\"}},\"text/csv\":{\"schema\":{\"type\":\"string\"}},\"text/plain\":{\"schem"
    "a\":{\"type\":\"string\"}}}},\"default\":{\"$ref\":\"#/components/responses/Problem\"}}}}},\"components\":{\"secur"
    "itySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name"
    "\":\"cairn_PORT\"}},\"responses\":{\"Problem\":{\"description\":\"What went wrong, and what to do\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}},\"parameters\":{\"time"
    "lineId\":{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":21"
    "47483647}},\"inTimeline\":{\"name\":\"timeline\",\"in\":\"query\",\"description\":\"where to look; everywhere whe"
    "re absent\",\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":2147483647}},\"eventId\":{\"name\":\"event_id"
    "\",\"in\":\"path\",\"required\":true,\"schema\":{\"$ref\":\"#/components/schemas/EventId\"}},\"tag\":{\"name\":\"tag\","
    "\"in\":\"path\",\"required\":true,\"schema\":{\"$ref\":\"#/components/schemas/Tag\"}},\"commentId\":{\"name\":\"comme"
    "nt\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9007199254740991}}}"
    ",\"schemas\":{\"Problem\":{\"description\":\"RFC 9457. `code` is stable and for programs, `detail` and `hin"
    "t` are for people.\",\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"code\",\"detail\"],\"properties"
    "\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"code\":{\"type\":\"st"
    "ring\",\"description\":\"bad_query, bad_request, no_token, not_found, method_not_allowed, too_large, too"
    "_long, busy, failed, ...\"},\"detail\":{\"type\":\"string\"},\"hint\":{\"type\":\"string\",\"description\":\"what to"
    " do\"},\"field\":{\"type\":\"string\",\"description\":\"the part of the request that is wrong, as in `chips[2]"
    ".from`\"},\"position\":{\"type\":\"integer\",\"description\":\"of a bad query, in UTF-16 units as JavaScript c"
    "ounts\"},\"length\":{\"type\":\"integer\"}}},\"About\":{\"type\":\"object\",\"required\":[\"version\",\"started\",\"time"
    "lines\",\"events\"],\"properties\":{\"version\":{\"type\":\"string\"},\"started\":{\"type\":\"string\",\"description\":"
    "\"when the server was started\"},\"timelines\":{\"type\":\"integer\"},\"events\":{\"type\":\"integer\"}}},\"Progres"
    "s\":{\"description\":\"Of a timeline in the making. What is not known yet is absent.\",\"type\":\"object\",\"p"
    "roperties\":{\"stage\":{\"type\":\"string\"},\"bytes\":{\"type\":\"integer\"},\"bytes_total\":{\"type\":\"integer\"},\"f"
    "iles\":{\"type\":\"integer\"},\"files_total\":{\"type\":\"integer\"},\"events\":{\"type\":\"integer\",\"description\":\""
    "made so far, searchable or not\"},\"events_per_second\":{\"type\":\"integer\"},\"seconds_left\":{\"type\":\"inte"
    "ger\"}}},\"Fact\":{\"description\":\"What the disk says about its machine\",\"type\":\"object\",\"required\":[\"na"
    "me\",\"value\"],\"properties\":{\"name\":{\"type\":\"string\",\"description\":\"hostname, machine_id, os, time_zon"
    "e, address, user, kernel, boot, ...\"},\"value\":{\"type\":\"string\"},\"source\":{\"type\":\"string\",\"descripti"
    "on\":\"path of the file that says so\"}}},\"Timeline\":{\"type\":\"object\",\"required\":[\"id\",\"name\",\"status\","
    "\"visible\",\"colour\",\"images\",\"events\",\"segments\",\"bytes\",\"warnings\",\"created\"],\"properties\":{\"id\":{\"t"
    "ype\":\"integer\"},\"name\":{\"type\":\"string\"},\"status\":{\"type\":\"string\",\"enum\":[\"making\",\"ready\",\"failed\""
    ",\"interrupted\"]},\"visible\":{\"type\":\"boolean\",\"description\":\"false while an earlier timeline of the s"
    "ame source still stands for it: searched only when asked for by id\"},\"colour\":{\"type\":\"integer\",\"min"
    "imum\":0,\"description\":\"index into the palette\"},\"images\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\""
    "description\":\"the sources as given\"},\"events\":{\"type\":\"integer\",\"description\":\"searchable ones\"},\"se"
    "gments\":{\"type\":\"integer\"},\"bytes\":{\"type\":\"integer\",\"description\":\"of its segments\"},\"warnings\":{\"t"
    "ype\":\"integer\"},\"first\":{\"type\":\"string\",\"description\":\"time of the first event; absent where there "
    "is none\"},\"last\":{\"type\":\"string\",\"description\":\"time of the last event\"},\"created\":{\"type\":\"string\""
    "},\"hostname\":{\"type\":\"string\"},\"source\":{\"type\":\"string\",\"description\":\"the image as the user named "
    "it\"},\"sha256\":{\"type\":\"string\",\"description\":\"of the whole image, where it was asked for\"},\"options\""
    ":{\"type\":\"string\",\"description\":\"what the run was restricted to\"},\"finished\":{\"type\":\"string\"},\"case"
    "\":{\"type\":\"string\"},\"system\":{\"type\":\"string\"},\"error\":{\"type\":\"string\",\"description\":\"why it failed"
    "\"},\"progress\":{\"$ref\":\"#/components/schemas/Progress\"},\"facts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/co"
    "mponents/schemas/Fact\"},\"description\":\"only where one timeline is asked for\"},\"unreadable\":{\"type\":\""
    "array\",\"items\":{\"type\":\"string\"},\"description\":\"segments that are damaged and left out, and why\"}}},"
    "\"TimelineList\":{\"type\":\"object\",\"required\":[\"timelines\"],\"properties\":{\"timelines\":{\"type\":\"array\",\""
    "items\":{\"$ref\":\"#/components/schemas/Timeline\"}}}},\"Warning\":{\"type\":\"object\",\"required\":[\"kind\",\"te"
    "xt\"],\"properties\":{\"kind\":{\"type\":\"string\",\"description\":\"truncated, corrupt, unsupported, limit, cr"
    "ashed, ...\"},\"text\":{\"type\":\"string\"},\"parser\":{\"type\":\"string\"},\"volume\":{\"type\":\"string\"},\"path\":{"
    "\"type\":\"string\"},\"inode\":{\"type\":\"integer\"},\"offset\":{\"type\":\"integer\"}}},\"WarningList\":{\"type\":\"obj"
    "ect\",\"required\":[\"warnings\",\"total\",\"kinds\"],\"properties\":{\"warnings\":{\"type\":\"array\",\"items\":{\"$ref"
    "\":\"#/components/schemas/Warning\"}},\"total\":{\"type\":\"integer\"},\"kinds\":{\"type\":\"array\",\"items\":{\"$ref"
    "\":\"#/components/schemas/ValueCount\"},\"description\":\"how many of each kind, most first\"},\"next\":{\"typ"
    "e\":\"string\",\"description\":\"cursor of the next page; absent on the last\"}}},\"EventId\":{\"type\":\"string"
    "\",\"pattern\":\"^[0-9a-f]{40}$\",\"minLength\":40,\"maxLength\":40},\"Tag\":{\"type\":\"string\",\"minLength\":1,\"ma"
    "xLength\":100,\"description\":\"no control characters\"},\"FieldValue\":{\"type\":[\"string\",\"number\",\"boolean"
    "\"]},\"Event\":{\"description\":\"As exported: flat. Values are texts, whole numbers or booleans. An unset"
    " field is absent. Where bytes of the evidence\\nare no UTF-8, each bad byte is U+FFFD (the bytes them"
    "selves: `/events/{event_id}/bytes`).\\n\",\"type\":\"object\",\"required\":[\"message\",\"timestamp_desc\",\"data"
    "_type\",\"event_id\"],\"properties\":{\"message\":{\"type\":\"string\"},\"datetime\":{\"type\":\"string\",\"descriptio"
    "n\":\"absent where the record has no valid time\"},\"timestamp\":{\"type\":\"integer\",\"description\":\"microse"
    "conds since 1970\"},\"timestamp_desc\":{\"type\":\"string\"},\"data_type\":{\"type\":\"string\"},\"event_id\":{\"$re"
    "f\":\"#/components/schemas/EventId\"}},\"additionalProperties\":{\"$ref\":\"#/components/schemas/FieldValue\""
    "}},\"Comment\":{\"type\":\"object\",\"required\":[\"id\",\"text\",\"created\"],\"properties\":{\"id\":{\"type\":\"integer"
    "\"},\"text\":{\"type\":\"string\"},\"created\":{\"type\":\"string\"},\"changed\":{\"type\":\"string\"}}},\"Annotations\":"
    "{\"type\":\"object\",\"required\":[\"event_id\",\"starred\",\"tags\",\"comments\"],\"properties\":{\"event_id\":{\"$ref"
    "\":\"#/components/schemas/EventId\"},\"starred\":{\"type\":\"boolean\"},\"tags\":{\"type\":\"array\",\"items\":{\"type"
    "\":\"string\"}},\"comments\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Comment\"}}}},\"Hit\":{\"t"
    "ype\":\"object\",\"required\":[\"id\",\"timeline\",\"starred\",\"tags\",\"comments\",\"event\"],\"properties\":{\"id\":{\""
    "$ref\":\"#/components/schemas/EventId\"},\"timeline\":{\"type\":\"integer\"},\"starred\":{\"type\":\"boolean\"},\"ta"
    "gs\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},\"comments\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/compone"
    "nts/schemas/Comment\"}},\"event\":{\"$ref\":\"#/components/schemas/Event\"}}},\"Chip\":{\"description\":\"A filt"
    "er beside the query. Chips that include different fields all must hold; chips that include values of"
    " one field, or\\ntime ranges, are alternatives; what a chip excludes is out.\\n\",\"type\":\"object\",\"addi"
    "tionalProperties\":false,\"properties\":{\"field\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128,\"descri"
    "ption\":\"of a value filter\"},\"value\":{\"type\":[\"string\",\"number\",\"boolean\",\"null\"],\"maxLength\":32768,\""
    "description\":\"the whole value; null: the field is not set\"},\"from\":{\"type\":\"string\",\"maxLength\":64,\""
    "description\":\"of a time range\"},\"until\":{\"type\":\"string\",\"maxLength\":64},\"query\":{\"type\":\"string\",\"m"
    "axLength\":16384,\"description\":\"a further query\"},\"exclude\":{\"type\":\"boolean\",\"default\":false},\"activ"
    "e\":{\"type\":\"boolean\",\"default\":true,\"description\":\"a chip that is off changes nothing\"}}},\"Selection"
    "\":{\"description\":\"Which events. Everything that is absent does not narrow.\",\"type\":\"object\",\"propert"
    "ies\":{\"query\":{\"type\":\"string\",\"maxLength\":16384,\"default\":\"\"},\"timelines\":{\"type\":\"array\",\"maxItems"
    "\":1000,\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":2147483647},\"description\":\"all visible ones w"
    "here absent; none where empty\"},\"from\":{\"type\":\"string\",\"maxLength\":64},\"until\":{\"type\":\"string\",\"ma"
    "xLength\":64},\"chips\":{\"type\":\"array\",\"maxItems\":100,\"items\":{\"$ref\":\"#/components/schemas/Chip\"}}}},"
    "\"SearchRequest\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Selection\"}],\"type\":\"object\",\"unevaluatedPro"
    "perties\":false,\"description\":\"At most one of cursor, offset and around says where the page begins.\","
    "\"properties\":{\"order\":{\"type\":\"string\",\"enum\":[\"asc\",\"desc\"],\"default\":\"asc\",\"description\":\"of time\""
    "},\"limit\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000,\"default\":100,\"description\":\"0: only the tota"
    "l\"},\"cursor\":{\"type\":\"string\",\"maxLength\":128,\"description\":\"`next` or `previous` of another page of"
    " the same search\"},\"offset\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9007199254740991,\"description\":\""
    "row number in the list of hits\"},\"around\":{\"type\":\"string\",\"maxLength\":64,\"description\":\"a time: the"
    " page has its half before it, its half from it on\"},\"fields\":{\"type\":\"array\",\"maxItems\":200,\"items\":"
    "{\"type\":\"string\",\"maxLength\":128},\"description\":\"of `event`, beside the required ones; all where abs"
    "ent\"}}},\"SearchResponse\":{\"type\":\"object\",\"required\":[\"total\",\"of\",\"took_ms\",\"offset\",\"hits\"],\"prope"
    "rties\":{\"total\":{\"type\":\"integer\",\"description\":\"hits in all; exact\"},\"of\":{\"type\":\"integer\",\"descri"
    "ption\":\"events in the chosen timelines\"},\"took_ms\":{\"type\":\"number\"},\"offset\":{\"type\":\"integer\",\"des"
    "cription\":\"row number of the first hit of this page\"},\"hits\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/comp"
    "onents/schemas/Hit\"}},\"next\":{\"type\":\"string\",\"description\":\"cursor; absent at the end\"},\"previous\":"
    "{\"type\":\"string\",\"description\":\"cursor; absent at the beginning\"}}},\"HistogramRequest\":{\"allOf\":[{\"$"
    "ref\":\"#/components/schemas/Selection\"}],\"type\":\"object\",\"unevaluatedProperties\":false,\"properties\":{"
    "\"buckets\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":4000,\"default\":200,\"description\":\"about how many, "
    "where no interval is given\"},\"interval\":{\"type\":\"string\",\"maxLength\":32,\"description\":\"500us, 10ms, "
    "1s, 5m, 1h, 1d, 1w\"},\"first\":{\"type\":\"string\",\"maxLength\":64,\"description\":\"where the buckets begin;"
    " the first hit where absent. Does not narrow.\"},\"last\":{\"type\":\"string\",\"maxLength\":64,\"description\""
    ":\"where the buckets end; the last hit where absent\"},\"split\":{\"type\":\"string\",\"maxLength\":128,\"descr"
    "iption\":\"a field or `timeline`\"},\"series\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":50,\"default\":8,\"de"
    "scription\":\"most frequent values that get a series; the rest is one without a value\"}}},\"Series\":{\"t"
    "ype\":\"object\",\"required\":[\"total\",\"counts\"],\"properties\":{\"value\":{\"$ref\":\"#/components/schemas/Fiel"
    "dValue\"},\"rest\":{\"type\":\"boolean\",\"description\":\"all other values and events without the field\"},\"to"
    "tal\":{\"type\":\"integer\"},\"counts\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}},\"HistogramResponse\":{"
    "\"description\":\"Bucket i is [starts_us[i], starts_us[i] + interval_us). All buckets are there, the em"
    "pty ones too.\",\"type\":\"object\",\"required\":[\"total\",\"untimed\",\"took_ms\",\"interval\",\"interval_us\",\"sta"
    "rts_us\",\"counts\",\"series\"],\"properties\":{\"total\":{\"type\":\"integer\",\"description\":\"hits with a time i"
    "nside the buckets\"},\"untimed\":{\"type\":\"integer\",\"description\":\"hits that have no time\"},\"took_ms\":{\""
    "type\":\"number\"},\"interval\":{\"type\":\"string\",\"description\":\"for people: 5 minutes\"},\"interval_us\":{\"t"
    "ype\":\"integer\"},\"starts_us\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},\"counts\":{\"type\":\"array\",\"it"
    "ems\":{\"type\":\"integer\"}},\"series\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Series\"},\"de"
    "scription\":\"empty without split\"}}},\"TopRequest\":{\"allOf\":[{\"$ref\":\"#/components/schemas/Selection\"}"
    "],\"type\":\"object\",\"required\":[\"field\"],\"unevaluatedProperties\":false,\"properties\":{\"field\":{\"type\":\""
    "string\",\"minLength\":1,\"maxLength\":128,\"description\":\"a field, `timeline` or `tag`\"},\"n\":{\"type\":\"int"
    "eger\",\"minimum\":1,\"maximum\":10000,\"default\":10},\"rare\":{\"type\":\"boolean\",\"default\":false,\"descriptio"
    "n\":\"rarest first\"}}},\"ValueCount\":{\"type\":\"object\",\"required\":[\"value\",\"count\"],\"properties\":{\"value"
    "\":{\"$ref\":\"#/components/schemas/FieldValue\"},\"count\":{\"type\":\"integer\"}}},\"TopResponse\":{\"type\":\"obj"
    "ect\",\"required\":[\"field\",\"values\",\"distinct\",\"missing\",\"total\",\"took_ms\"],\"properties\":{\"field\":{\"ty"
    "pe\":\"string\"},\"values\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/ValueCount\"}},\"distinct"
    "\":{\"type\":\"integer\",\"description\":\"different values in all\"},\"missing\":{\"type\":\"integer\",\"descriptio"
    "n\":\"hits without the field\"},\"total\":{\"type\":\"integer\",\"description\":\"hits\"},\"took_ms\":{\"type\":\"numb"
    "er\"}}},\"CheckRequest\":{\"type\":\"object\",\"required\":[\"query\"],\"additionalProperties\":false,\"properties"
    "\":{\"query\":{\"type\":\"string\",\"maxLength\":16384}}},\"QueryError\":{\"type\":\"object\",\"required\":[\"position"
    "\",\"length\",\"message\"],\"properties\":{\"position\":{\"type\":\"integer\",\"description\":\"in UTF-16 units as J"
    "avaScript counts\"},\"length\":{\"type\":\"integer\"},\"message\":{\"type\":\"string\"},\"hint\":{\"type\":\"string\"}}"
    "},\"QueryToken\":{\"type\":\"object\",\"required\":[\"position\",\"length\",\"class\"],\"properties\":{\"position\":{\""
    "type\":\"integer\",\"description\":\"in UTF-16 units as JavaScript counts\"},\"length\":{\"type\":\"integer\"},\"c"
    "lass\":{\"type\":\"string\",\"enum\":[\"field\",\"operator\",\"word\",\"phrase\",\"regex\",\"punctuation\",\"error\"]}}},"
    "\"CheckResponse\":{\"type\":\"object\",\"required\":[\"ok\",\"tokens\"],\"properties\":{\"ok\":{\"type\":\"boolean\"},\"e"
    "rror\":{\"$ref\":\"#/components/schemas/QueryError\"},\"tokens\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/compone"
    "nts/schemas/QueryToken\"}}}},\"Field\":{\"type\":\"object\",\"required\":[\"name\",\"type\",\"timelines\",\"events\"]"
    ",\"properties\":{\"name\":{\"type\":\"string\"},\"type\":{\"type\":\"string\",\"enum\":[\"text\",\"int\",\"bool\",\"addr\",\""
    "time\"]},\"meaning\":{\"type\":\"string\",\"description\":\"absent for names that the evidence gave\"},\"timelin"
    "es\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"description\":\"that have it\"},\"events\":{\"type\":\"integ"
    "er\",\"description\":\"that have it\"}}},\"FieldList\":{\"type\":\"object\",\"required\":[\"fields\"],\"properties\":"
    "{\"fields\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Field\"}}}},\"ValueList\":{\"type\":\"obje"
    "ct\",\"required\":[\"values\"],\"properties\":{\"values\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schem"
    "as/ValueCount\"}}}},\"EventBytes\":{\"type\":\"object\",\"required\":[\"image\",\"path\",\"stream\",\"offset\",\"lengt"
    "h\",\"start\",\"hex\",\"text\",\"cut\"],\"properties\":{\"image\":{\"type\":\"string\"},\"volume\":{\"type\":\"string\"},\"p"
    "ath\":{\"type\":\"string\"},\"inode\":{\"type\":\"integer\"},\"stream\":{\"type\":\"string\",\"description\":\"empty for"
    " the file as it is, else gzip, bzip2, xz, zstd: offsets count what is inside\"},\"offset\":{\"type\":\"int"
    "eger\",\"description\":\"of the record\"},\"length\":{\"type\":\"integer\",\"description\":\"of the record\"},\"star"
    "t\":{\"type\":\"integer\",\"description\":\"of the first byte that is shown\"},\"hex\":{\"type\":\"string\",\"descri"
    "ption\":\"the bytes, two digits each\"},\"text\":{\"type\":\"string\",\"description\":\"the bytes as UTF-8, bad "
    "ones as U+FFFD\"},\"cut\":{\"type\":\"boolean\",\"description\":\"the record is longer than what is shown\"}}},"
    "\"CommentRequest\":{\"type\":\"object\",\"required\":[\"text\"],\"additionalProperties\":false,\"properties\":{\"te"
    "xt\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":65536}}},\"AnnotateRequest\":{\"type\":\"object\",\"required"
    "\":[\"events\"],\"additionalProperties\":false,\"properties\":{\"events\":{\"type\":\"array\",\"minItems\":1,\"maxIt"
    "ems\":10000,\"items\":{\"$ref\":\"#/components/schemas/EventId\"}},\"star\":{\"type\":\"boolean\"},\"add_tags\":{\"t"
    "ype\":\"array\",\"maxItems\":100,\"items\":{\"$ref\":\"#/components/schemas/Tag\"}},\"remove_tags\":{\"type\":\"arra"
    "y\",\"maxItems\":100,\"items\":{\"$ref\":\"#/components/schemas/Tag\"}}}},\"AnnotateResponse\":{\"type\":\"object\""
    ",\"required\":[\"events\"],\"properties\":{\"events\":{\"type\":\"integer\"}}},\"StreamTimeline\":{\"type\":\"object\""
    ",\"required\":[\"id\",\"gone\"],\"properties\":{\"id\":{\"type\":\"integer\"},\"gone\":{\"type\":\"boolean\",\"descriptio"
    "n\":\"then there is no timeline any more\"},\"timeline\":{\"$ref\":\"#/components/schemas/Timeline\"}}},\"Stre"
    "amSegment\":{\"type\":\"object\",\"required\":[\"timeline\",\"events\"],\"properties\":{\"timeline\":{\"type\":\"integ"
    "er\"},\"events\":{\"type\":\"integer\",\"description\":\"that became searchable\"},\"first\":{\"type\":\"string\",\"de"
    "scription\":\"time of the first of them\"},\"last\":{\"type\":\"string\"}}},\"StreamAnnotation\":{\"type\":\"objec"
    "t\",\"required\":[\"events\"],\"properties\":{\"events\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schema"
    "s/EventId\"}}}}}}}";
