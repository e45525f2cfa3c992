/* Searching a library: annotations in queries, and all events of a search. */
#include "job/library.h"

#include "query/match.h"

#define NOTES_MAX CN_MIB(256) /* rows of annotations: some hundred bytes each */

static bool kind_of(cn_query_field field, cn_annotation_kind *out)
{
    *out = field == CN_QF_tag       ? CN_NOTE_TAG
           : field == CN_QF_label   ? CN_NOTE_LABEL
           : field == CN_QF_comment ? CN_NOTE_COMMENT
                                    : CN_NOTE_STAR;
    return field == CN_QF_tag || field == CN_QF_label || field == CN_QF_comment ||
           field == CN_QF_starred;
}

/* Whether an annotation is one that the leaf means: 0, 1 or negative. */
static int is_meant(const cn_query_node *leaf, const cn_annotation *note, cn_err *err)
{
    if (leaf->kind == CN_Q_EXISTS)
        return 1;
    if (leaf->field == CN_QF_starred)
        return !cn_span_is(leaf->folded, "false") && !cn_span_is(leaf->folded, "0");
    return cn_query_matches_text(leaf, cn_span_str(note->text), err);
}

int cn_library_annotations(void *context, const cn_query_node *leaf, cn_id_list *list, cn_err *err)
{
    cn_library *l = context;
    cn_annotation_kind kind;
    cn_annotation *notes = NULL;
    size_t n = 0;
    if (!kind_of(leaf->field, &kind))
        return CN_OK;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(NOTES_MAX);
    cn_catalog *catalog = cn_library_take(l);
    int rc = cn_catalog_annotated(catalog, false, kind, &arena, &notes, &n, err);
    cn_library_give(l);
    for (size_t i = 0; i < n && rc >= 0; i++) {
        cn_event_id id;
        rc = is_meant(leaf, &notes[i], err);
        if (rc > 0 && cn_event_id_parse(cn_span_str(notes[i].event_id), &id))
            rc = cn_id_list_add(list, 0, id);
    }
    return rc < 0 ? rc : CN_OK;
}

/* ---- all events of a search ---- */

#define DAMAGED_MAX 10000 /* rounds; each leaves out at least one segment more */

typedef struct each_visit {
    int (*visit)(void *context, const cn_stored_event *event);
    void *context;
    cn_order order;
    bool has_last, resumed;
    cn_place last;
} each_visit;

/* Whether a stands before b, oldest first. */
static bool is_older(const cn_place *a, const cn_place *b)
{
    if (a->has_time != b->has_time)
        return !a->has_time;
    if (a->has_time && a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns;
    if (a->segment_id != b->segment_id)
        return a->segment_id < b->segment_id;
    return a->row < b->row;
}

static int visit_one(void *context, const cn_stored_event *event)
{
    each_visit *v = context;
    if (v->resumed && !(v->order == CN_OLDEST_FIRST ? is_older(&v->last, &event->place)
                                                    : is_older(&event->place, &v->last)))
        return CN_OK;
    v->resumed = false;
    int rc = v->visit(v->context, event);
    v->has_last = true;
    v->last = event->place;
    return rc;
}

int cn_library_each(cn_library *library, const cn_search *search, cn_order order,
                    int (*visit)(void *context, const cn_stored_event *event), void *context,
                    cn_err *err)
{
    each_visit v = {.visit = visit, .context = context, .order = order};
    int rc = CN_E_CORRUPT;
    for (int i = 0; i < DAMAGED_MAX && rc == CN_E_CORRUPT; i++) {
        CN_CLEANUP(cn_hits_free_p) cn_hits *hits = NULL;
        rc = cn_store_search(cn_library_store(library), search, &hits, err);
        if (rc)
            continue;
        v.resumed = v.has_last;
        rc = cn_hits_each(hits, order, visit_one, &v, err);
    }
    return rc;
}
