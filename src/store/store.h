/* The event store: immutable segment files, opened together and searched
 * (docs/formats/segment.md). Sections of this header: writing a segment; the set of open segments;
 * search, and what can be asked of its hits. */
#pragma once

#include "base/arena.h"
#include "event/spool.h"
#include "query/query.h"

/* ---- writing -------------------------------------------------------------------------------- */

/* The working memory of writing, kept between segments: one per worker. */
typedef struct cn_segment_writer cn_segment_writer;

/* Make it before the sandbox closes (it reads random bytes for its hash tables). */
int cn_segment_writer_new(cn_segment_writer **out, cn_err *err) CN_MUST_USE;
cn_segment_writer *cn_segment_writer_free(cn_segment_writer *writer);
CN_DEFINE_CLEANUP(cn_segment_writer, cn_segment_writer_free)
/* Distinct tokens that a segment's index takes, 3,000,000 unless told; what has more is found by
 * reading. For tests. */
void cn_segment_writer_limit(cn_segment_writer *writer, size_t max_tokens);

typedef struct cn_segment_summary {
    uint64_t events, untimed;  /* untimed: of the events, those without a time */
    int64_t first_ns, last_ns; /* of those with a time; both 0 where there is none */
    uint64_t bytes;            /* of the file */
    uint64_t checksum;         /* of its footer, which holds the checksums of all the rest */
} cn_segment_summary;

/* Sorts what is in the spool by time and writes it as one segment to fd (empty, open for writing,
 * at its start; only write(2) is used). The spool keeps its events: the caller clears it. An empty
 * spool gives a segment of no events. Limits: at most UINT32_MAX events, and memory of about
 * twice the spool's bytes over the spool, 420 MiB at most. */
int cn_segment_write(cn_segment_writer *writer, cn_spool *spool, int fd, cn_segment_summary *out,
                     cn_err *err) CN_MUST_USE;

/* Reads the summary out of a segment that another process wrote, and checks every byte of it
 * against its checksums. CN_E_CORRUPT says what differs. fd is only read and stays open. */
int cn_segment_check(int fd, cn_segment_summary *out, cn_err *err) CN_MUST_USE;

/* ---- the open store ------------------------------------------------------------------------- */

/* Threads may share a store: segments can be added while others search; a search sees the segments
 * that were there when it began. */
typedef struct cn_store cn_store;

int cn_store_new(cn_store **out, cn_err *err) CN_MUST_USE;
cn_store *cn_store_free(cn_store *store);
CN_DEFINE_CLEANUP(cn_store, cn_store_free)

typedef struct cn_store_segment {
    const char *path;
    uint64_t
        segment_id; /* the catalog's; unique in the store; earlier segments have smaller ones */
    uint64_t timeline_id; /* set with cn_store_timeline(), before or after */
    uint64_t checksum;    /* the catalog's, compared with the footer's; 0: not known */
} cn_store_segment;

/* Opens and maps one segment. It is not read through: its footer is checked now, each block when it
 * is first touched. On failure (CN_E_CORRUPT, CN_E_IO ...) err names the file, and the store is as
 * before. */
int cn_store_add(cn_store *store, const cn_store_segment *segment, cn_err *err) CN_MUST_USE;
/* Name and system of a timeline, for `timeline:` and `system:` (equal to either the whole value or
 * a word of it) and for facets. Copied. May be called again when they change. */
int cn_store_timeline(cn_store *store, uint64_t timeline_id, cn_span name, cn_span system,
                      cn_err *err) CN_MUST_USE;
void cn_store_remove_timeline(cn_store *store, uint64_t timeline_id);
uint64_t cn_store_events(cn_store *store);
bool cn_store_has_segment(cn_store *store, uint64_t segment_id);

/* Segments that turned out damaged while they were searched: they are left out from then on. Visits
 * each once per call. */
void cn_store_damaged(cn_store *store,
                      void (*visit)(void *context, const char *path, uint64_t timeline_id,
                                    const char *what),
                      void *context);

/* All fields that events of these timelines have (0 timelines: all), built-in ones first. */
typedef struct cn_store_field {
    cn_span name;
    cn_type type;
    uint64_t events; /* that have it */
} cn_store_field;
/* *out lives in the arena. */
int cn_store_fields(cn_store *store, const uint64_t *timelines, size_t n_timelines, cn_arena *arena,
                    const cn_store_field **out, size_t *out_n, cn_err *err) CN_MUST_USE;

/* ---- search --------------------------------------------------------------------------------- */

typedef struct cn_id_list cn_id_list;
/* timeline_id 0: in any timeline. */
int cn_id_list_add(cn_id_list *list, uint64_t timeline_id, cn_event_id id) CN_MUST_USE;

typedef struct cn_search {
    const cn_query *query; /* NULL: everything; borrowed for the call */
    bool has_from,
        has_until; /* beside the query; events without a time are out when either is set */
    int64_t from_ns, until_ns; /* both inclusive */
    const uint64_t *timelines; /* only these; n_timelines 0: all */
    size_t n_timelines;
    /* Puts into list the ids of the events that a leaf over tag, label, starred or comment means
     * (kind, text ... as in query.h; cn_query_matches_text() of query/match.h tells whether a tag's
     * text is meant). NULL: such leaves match nothing. Called on the thread that searches. */
    int (*annotations)(void *context, const cn_query_node *leaf, cn_id_list *list, cn_err *err);
    void *context;
    bool (*cancelled)(void *context); /* may be NULL; CN_E_CANCELLED; called from several threads */
    unsigned threads;                 /* 0: as many as there are processors */
} cn_search;

/* The events that match. Holds its segments, so it outlives changes of the store (but not the
 * store). One thread at a time. */
typedef struct cn_hits cn_hits;
int cn_store_search(cn_store *store, const cn_search *search, cn_hits **out,
                    cn_err *err) CN_MUST_USE;
cn_hits *cn_hits_free(cn_hits *hits);
CN_DEFINE_CLEANUP(cn_hits, cn_hits_free)

uint64_t cn_hits_count(const cn_hits *hits);
uint64_t cn_hits_untimed(const cn_hits *hits);
/* First and last time; false where no hit has one. */
CN_MUST_USE bool cn_hits_span(cn_hits *hits, int64_t *out_first_ns, int64_t *out_last_ns);
/* Hits of each timeline: writes at most max, returns how many there are. */
typedef struct cn_timeline_count {
    uint64_t timeline_id, count;
} cn_timeline_count;
size_t cn_hits_timelines(const cn_hits *hits, cn_timeline_count *out, size_t max);

/* ---- aggregations: exact, over all hits ------------------------------------------------------ */

typedef struct cn_histogram_ask {
    bool has_from, has_until; /* otherwise from the first, until the last hit */
    int64_t from_ns, until_ns;
    int64_t interval_ns;  /* 0: chosen, so that there are at most max_buckets */
    int64_t align_ns;     /* buckets begin at align_ns + n * interval_ns; 0: at UTC midnights */
    uint32_t max_buckets; /* for the choice; 0: 200 */
    cn_span split;        /* field to split by, empty: none; "timeline" splits by timeline */
    uint32_t max_series;  /* of the split, the rest is summed as "other"; 0: 10 */
} cn_histogram_ask;
typedef struct cn_histogram_bucket {
    int64_t start_ns;
    uint64_t count;
    const uint64_t *series; /* n_series of them; NULL without a split */
} cn_histogram_bucket;
typedef struct cn_histogram {
    int64_t interval_ns;
    const cn_histogram_bucket *buckets; /* ascending; empty ones are left out */
    size_t n_buckets;
    const cn_span *series; /* values by count; then, where needed, other and missing (see flags) */
    size_t n_series;
    bool has_other, has_missing; /* the last series are: [other] [missing] */
    uint64_t total, untimed;     /* in the buckets; without a time */
} cn_histogram;
#define CN_HISTOGRAM_BUCKETS_MAX 1000000u /* filled ones; more are CN_E_LIMIT */
/* The answer lives in the arena. */
int cn_hits_histogram(cn_hits *hits, const cn_histogram_ask *ask, cn_arena *arena,
                      cn_histogram *out, cn_err *err) CN_MUST_USE;

typedef struct cn_top_ask {
    cn_span field; /* any but message, datetime, timestamp, offset, length, event_id, annotations */
    uint32_t n;    /* how many values */
    bool rare;     /* the fewest first */
    cn_span prefix; /* only values that begin so (case-folded), for completion; empty: all */
} cn_top_ask;
typedef struct cn_value_count {
    cn_span value; /* integers as decimal text, booleans as "true" and "false" */
    uint64_t count;
} cn_value_count;
typedef struct cn_top {
    const cn_value_count *values; /* by count, then by value */
    size_t n_values;
    uint64_t distinct, present, missing; /* values; events with and without the field */
    cn_type type;
} cn_top;
/* CN_E_UNSUPPORTED for a field that has no top values. A field that no event has gives no values.
 */
int cn_hits_top(cn_hits *hits, const cn_top_ask *ask, cn_arena *arena, cn_top *out,
                cn_err *err) CN_MUST_USE;

typedef struct cn_field_stats {
    uint64_t count; /* integers; 0: the rest is absent */
    int64_t min, max;
    double sum, mean;
} cn_field_stats;
int cn_hits_stats(cn_hits *hits, cn_span field, cn_field_stats *out, cn_err *err) CN_MUST_USE;

/* ---- the events themselves ------------------------------------------------------------------- */

/* Order: by time, then by segment, then by row; events without a time are the oldest. The place of
 * an event in it is the same whatever the query. */
typedef struct cn_place {
    bool has_time;
    int64_t time_ns;
    uint64_t segment_id;
    uint32_t row;
} cn_place;
#define CN_PLACE_TEXT 64
/* Opaque text for links and cursors. */
void cn_place_format(cn_place place, char out[CN_PLACE_TEXT]);
CN_MUST_USE bool cn_place_parse(cn_span text, cn_place *out);

typedef struct cn_stored_event {
    cn_spooled s; /* as the encoders take it; origin_index is the segment's */
    uint64_t timeline_id;
    cn_place place;
    uint64_t number; /* of the hit in the order asked for, from 0 */
    cn_span desc; /* s.event.desc as text; differs from the enum's where a newer program wrote it */
} cn_stored_event;

typedef enum cn_order { CN_NEWEST_FIRST, CN_OLDEST_FIRST } cn_order;
typedef enum cn_page_from {
    CN_FROM_START,
    CN_FROM_NUMBER, /* the hit of this number is the first */
    CN_FROM_AFTER,  /* what follows `place` in the order; `place` need not be a hit */
    CN_FROM_BEFORE, /* the n hits that precede `place`, in the order */
    CN_FROM_TIME,   /* the first hit at or past time_ns in the order */
} cn_page_from;
typedef struct cn_page_ask {
    cn_order order;
    cn_page_from from;
    uint64_t number;
    cn_place place;
    int64_t time_ns;
    uint32_t n;
} cn_page_ask;
typedef struct cn_page {
    const cn_stored_event *events;
    size_t n_events;
    uint64_t first_number; /* of the first event, or where it would be */
} cn_page;
#define CN_PAGE_MAX 10000u
/* The answer and all its texts live in the arena. A block found damaged: its segment is left out
 * from then on, and CN_E_CORRUPT names it; search again for what is there without it. */
int cn_hits_page(cn_hits *hits, const cn_page_ask *ask, cn_arena *arena, cn_page *out,
                 cn_err *err) CN_MUST_USE;
/* The number that a place has, or would have, among the hits. */
int cn_hits_number(cn_hits *hits, cn_order order, cn_place place, uint64_t *out,
                   cn_err *err) CN_MUST_USE;
/* All hits in order, for export; the event lives until visit returns. Negative from visit stops and
 * is returned. */
int cn_hits_each(cn_hits *hits, cn_order order,
                 int (*visit)(void *context, const cn_stored_event *event), void *context,
                 cn_err *err) CN_MUST_USE;
/* One event by its id. CN_E_NOT_FOUND. timeline_id 0: any. Lives in the arena. */
int cn_store_event(cn_store *store, uint64_t timeline_id, cn_event_id id, cn_arena *arena,
                   cn_stored_event *out, cn_err *err) CN_MUST_USE;
