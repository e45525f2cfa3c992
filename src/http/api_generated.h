/* Made by tools/gen_api.py from src/http/openapi.yaml: change that, then run it. */
/* clang-format off */
#pragma once

#include "http/api.h"

typedef struct cn_api_get_timeline_params {
    int64_t id;
} cn_api_get_timeline_params;
extern const cn_api_shape cn_api_shape_get_timeline_params;
typedef struct cn_api_list_warnings_params {
    int64_t id;
    int64_t limit;
    cn_span cursor;
} cn_api_list_warnings_params;
extern const cn_api_shape cn_api_shape_list_warnings_params;
typedef struct cn_api_chip {
    cn_span field; /* of a value filter */
    cn_api_value value; /* the whole value; null: the field is not set */
    cn_span from; /* of a time range */
    cn_span until;
    cn_span query; /* a further query */
    bool exclude;
    bool active; /* a chip that is off changes nothing */
} cn_api_chip;
extern const cn_api_shape cn_api_shape_chip;
typedef struct cn_api_selection {
    cn_span query;
    struct { const int64_t *p; size_t n; } timelines; /* all visible ones where absent; none where empty */
    bool has_timelines;
    cn_span from;
    cn_span until;
    struct { const cn_api_chip *p; size_t n; } chips;
    bool has_chips;
} cn_api_selection;
extern const cn_api_shape cn_api_shape_selection;
enum { CN_API_SEARCH_REQUEST_ORDER_ASC, CN_API_SEARCH_REQUEST_ORDER_DESC };
typedef struct cn_api_search_request {
    cn_api_selection selection;
    int order; /* of time */
    int64_t limit; /* 0: only the total */
    cn_span cursor; /* `next` or `previous` of another page of the same search */
    int64_t offset; /* row number in the list of hits */
    bool has_offset;
    cn_span around; /* a time: the page has its half before it, its half from it on */
    struct { const cn_span *p; size_t n; } fields; /* of `event`, beside the required ones; all where absent */
    bool has_fields;
} cn_api_search_request;
extern const cn_api_shape cn_api_shape_search_request;
typedef struct cn_api_histogram_request {
    cn_api_selection selection;
    int64_t buckets; /* about how many, where no interval is given */
    cn_span interval; /* 500us, 10ms, 1s, 5m, 1h, 1d, 1w */
    cn_span first; /* where the buckets begin; the first hit where absent. Does not narrow. */
    cn_span last; /* where the buckets end; the last hit where absent */
    cn_span split; /* a field or `timeline` */
    int64_t series; /* most frequent values that get a series; the rest is one without a value */
} cn_api_histogram_request;
extern const cn_api_shape cn_api_shape_histogram_request;
typedef struct cn_api_top_request {
    cn_api_selection selection;
    cn_span field; /* a field, `timeline` or `tag` */
    int64_t n;
    bool rare; /* rarest first */
} cn_api_top_request;
extern const cn_api_shape cn_api_shape_top_request;
typedef struct cn_api_check_request {
    cn_span query;
} cn_api_check_request;
extern const cn_api_shape cn_api_shape_check_request;
typedef struct cn_api_list_field_values_params {
    cn_span name;
    cn_span prefix;
    int64_t limit;
    cn_span timelines;
} cn_api_list_field_values_params;
extern const cn_api_shape cn_api_shape_list_field_values_params;
typedef struct cn_api_stream_params {
    cn_span last_event_id;
} cn_api_stream_params;
extern const cn_api_shape cn_api_shape_stream_params;
typedef struct cn_api_get_event_params {
    cn_span event_id;
    int64_t timeline;
    bool has_timeline;
} cn_api_get_event_params;
extern const cn_api_shape cn_api_shape_get_event_params;
typedef struct cn_api_get_event_bytes_params {
    cn_span event_id;
    int64_t timeline;
    bool has_timeline;
    int64_t before;
    int64_t after;
} cn_api_get_event_bytes_params;
extern const cn_api_shape cn_api_shape_get_event_bytes_params;
typedef struct cn_api_star_event_params {
    cn_span event_id;
} cn_api_star_event_params;
extern const cn_api_shape cn_api_shape_star_event_params;
typedef struct cn_api_unstar_event_params {
    cn_span event_id;
} cn_api_unstar_event_params;
extern const cn_api_shape cn_api_shape_unstar_event_params;
typedef struct cn_api_tag_event_params {
    cn_span event_id;
    cn_span tag; /* no control characters */
} cn_api_tag_event_params;
extern const cn_api_shape cn_api_shape_tag_event_params;
typedef struct cn_api_untag_event_params {
    cn_span event_id;
    cn_span tag; /* no control characters */
} cn_api_untag_event_params;
extern const cn_api_shape cn_api_shape_untag_event_params;
typedef struct cn_api_add_comment_params {
    cn_span event_id;
} cn_api_add_comment_params;
extern const cn_api_shape cn_api_shape_add_comment_params;
typedef struct cn_api_comment_request {
    cn_span text;
} cn_api_comment_request;
extern const cn_api_shape cn_api_shape_comment_request;
typedef struct cn_api_change_comment_params {
    cn_span event_id;
    int64_t comment;
} cn_api_change_comment_params;
extern const cn_api_shape cn_api_shape_change_comment_params;
typedef struct cn_api_delete_comment_params {
    cn_span event_id;
    int64_t comment;
} cn_api_delete_comment_params;
extern const cn_api_shape cn_api_shape_delete_comment_params;
typedef struct cn_api_annotate_request {
    struct { const cn_span *p; size_t n; } events;
    bool star;
    bool has_star;
    struct { const cn_span *p; size_t n; } add_tags;
    bool has_add_tags;
    struct { const cn_span *p; size_t n; } remove_tags;
    bool has_remove_tags;
} cn_api_annotate_request;
extern const cn_api_shape cn_api_shape_annotate_request;
enum { CN_API_EXPORT_EVENTS_PARAMS_FORMAT_JSONL, CN_API_EXPORT_EVENTS_PARAMS_FORMAT_CSV, CN_API_EXPORT_EVENTS_PARAMS_FORMAT_L2TCSV, CN_API_EXPORT_EVENTS_PARAMS_FORMAT_BODYFILE };
enum { CN_API_EXPORT_EVENTS_PARAMS_ORDER_ASC, CN_API_EXPORT_EVENTS_PARAMS_ORDER_DESC };
typedef struct cn_api_export_events_params {
    int format;
    cn_span query;
    cn_span timelines;
    cn_span from;
    cn_span until;
    int order;
    int64_t limit;
    bool has_limit;
    struct { const cn_api_chip *p; size_t n; } chips;
    bool has_chips;
} cn_api_export_events_params;
extern const cn_api_shape cn_api_shape_export_events_params;

/* The handlers: each decodes nothing, does its work, and answers on the call. */
/* GET /about: Version of the server and what it serves */
int cn_http_about(cn_call *call);
/* GET /openapi.json: This description, as JSON */
int cn_http_get_openapi(cn_call *call);
/* GET /timelines: All timelines, in the order they were made */
int cn_http_list_timelines(cn_call *call);
/* GET /timelines/{id}: One timeline with the facts about its machine */
int cn_http_get_timeline(cn_call *call, const cn_api_get_timeline_params *params);
/* GET /timelines/{id}/warnings: What was odd or unreadable in the evidence of a timeline */
int cn_http_list_warnings(cn_call *call, const cn_api_list_warnings_params *params);
/* POST /search: The events that a query finds, a page of them in order of time */
int cn_http_search(cn_call *call, const cn_api_search_request *body);
/* POST /search/histogram: How many events a query finds in each interval of time */
int cn_http_histogram(cn_call *call, const cn_api_histogram_request *body);
/* POST /search/top: The most frequent (or rarest) values of a field among the events that a query finds */
int cn_http_top(cn_call *call, const cn_api_top_request *body);
/* POST /query/check: Whether a query can be understood, and its parts for colouring */
int cn_http_check_query(cn_call *call, const cn_api_check_request *body);
/* GET /fields: All fields that queries can name, with what they mean and which timelines have them */
int cn_http_list_fields(cn_call *call);
/* GET /fields/{name}/values: Values of a field that begin with a prefix, most frequent first */
int cn_http_list_field_values(cn_call *call, const cn_api_list_field_values_params *params);
/* GET /events/stream: Server-sent events on what changes */
int cn_http_stream(cn_call *call, const cn_api_stream_params *params);
/* GET /events/{event_id}: One event with all its fields */
int cn_http_get_event(cn_call *call, const cn_api_get_event_params *params);
/* GET /events/{event_id}/bytes: The very bytes of the evidence that an event was read from */
int cn_http_get_event_bytes(cn_call *call, const cn_api_get_event_bytes_params *params);
/* PUT /events/{event_id}/star: Star an event */
int cn_http_star_event(cn_call *call, const cn_api_star_event_params *params);
/* DELETE /events/{event_id}/star: Take the star off an event */
int cn_http_unstar_event(cn_call *call, const cn_api_unstar_event_params *params);
/* PUT /events/{event_id}/tags/{tag}: Tag an event */
int cn_http_tag_event(cn_call *call, const cn_api_tag_event_params *params);
/* DELETE /events/{event_id}/tags/{tag}: Take a tag off an event */
int cn_http_untag_event(cn_call *call, const cn_api_untag_event_params *params);
/* POST /events/{event_id}/comments: Comment an event */
int cn_http_add_comment(cn_call *call, const cn_api_add_comment_params *params, const cn_api_comment_request *body);
/* PUT /events/{event_id}/comments/{comment}: Change a comment's text */
int cn_http_change_comment(cn_call *call, const cn_api_change_comment_params *params, const cn_api_comment_request *body);
/* DELETE /events/{event_id}/comments/{comment}: Delete a comment */
int cn_http_delete_comment(cn_call *call, const cn_api_delete_comment_params *params);
/* POST /annotations: Star, unstar, tag or untag many events at once; all or nothing */
int cn_http_annotate(cn_call *call, const cn_api_annotate_request *body);
/* GET /tags: All tags in use, most frequent first */
int cn_http_list_tags(cn_call *call);
/* GET /export: All events that a query finds, as a file */
int cn_http_export_events(cn_call *call, const cn_api_export_events_params *params);
