/* The data folder opened for reading: the catalog, and the segments of its timelines in one store,
 * kept up with what other processes add. Threads may share it. */
#pragma once

#include "base/buf.h"
#include "db/catalog.h"
#include "store/store.h"

typedef struct cn_library cn_library;

/* mode: CN_DB_READ for looking only, CN_DB_WRITE where people annotate, CN_DB_CREATE to make the
 * folder where it is not there. No segment is open yet. Owned; closed after all that uses its
 * store. */
int cn_library_open(const char *folder, cn_db_mode mode, cn_library **out, cn_err *err) CN_MUST_USE;
cn_library *cn_library_close(cn_library *library);
CN_DEFINE_CLEANUP(cn_library, cn_library_close)
const char *cn_library_folder(const cn_library *library);
cn_store *cn_library_store(cn_library *library);

/* What changed in a refresh; for the event stream. Called with nothing locked. */
typedef struct cn_library_watch {
    void (*timeline)(void *context, const cn_timeline *timeline);
    void (*gone)(void *context, int64_t timeline);
    void (*segment)(void *context, const cn_segment_row *segment);
    void *context;
} cn_library_watch;
/* Takes in what the catalog has got since the last time: opens new segments, lets go of removed
 * timelines. Cheap where nothing has changed. only: ids of timelines, the others' segments stay
 * closed; n_only 0: those of all. A segment that cannot be opened is no error: it is remembered for
 * cn_library_unreadable(). watch may be NULL. One call at a time. */
int cn_library_refresh(cn_library *library, const int64_t *only, size_t n_only,
                       const cn_library_watch *watch, cn_err *err) CN_MUST_USE;
/* Changes with what can be found: segments, and the names and visibility of timelines. */
uint64_t cn_library_generation(cn_library *library);
/* Changes with whatever is in the catalog, as a refresh has seen it or cn_library_touch() said. */
uint64_t cn_library_notes_generation(cn_library *library);
/* Something of ours was written: annotations. */
void cn_library_touch(cn_library *library);

/* Segments left out because they are damaged or missing: visits each, whole words. */
void cn_library_unreadable(cn_library *library,
                           void (*visit)(void *context, int64_t timeline, const char *text),
                           void *context);

/* The catalog for one thread at a time: give it back soon. */
cn_catalog *cn_library_take(cn_library *library);
void cn_library_give(cn_library *library);

/* For cn_search.annotations, with the library as its context. */
int cn_library_annotations(void *context, const cn_query_node *leaf, cn_id_list *list, cn_err *err);

/* All events that a search finds, in order, each once. A segment that turns out damaged on the way
 * is left out (cn_library_unreadable() then names it) and the others go on. As cn_hits_each(). */
int cn_library_each(cn_library *library, const cn_search *search, cn_order order,
                    int (*visit)(void *context, const cn_stored_event *event), void *context,
                    cn_err *err) CN_MUST_USE;
