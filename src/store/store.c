/* The set of open segments, and searching it. */
#include "store/store.h"

#include "store/hit_set.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct cn_timeline_name {
    uint64_t id;
    char *name, *system;
    size_t name_len, system_len;
} timeline_name;

struct cn_store {
    pthread_mutex_t lock; /* of all below */
    cn_segment **segments;
    size_t n, capacity;
    timeline_name *timelines;
    size_t n_timelines, cap_timelines;
};

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the event store");
}

int cn_store_new(cn_store **out, cn_err *err)
{
    cn_store *s = calloc(1, sizeof *s);
    if (!s)
        return no_memory(err);
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        free(s);
        return no_memory(err);
    }
    *out = s;
    return CN_OK;
}

cn_store *cn_store_free(cn_store *s)
{
    if (!s)
        return NULL;
    for (size_t i = 0; i < s->n; i++)
        cn_segment_release(s->segments[i]);
    for (size_t i = 0; i < s->n_timelines; i++) {
        free(s->timelines[i].name);
        free(s->timelines[i].system);
    }
    free(s->segments);
    free(s->timelines);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return NULL;
}

static bool reserve(void **p, size_t *capacity, size_t n, size_t item)
{
    if (n <= *capacity)
        return true;
    size_t more = *capacity * 2 + 16;
    void *grown = realloc(*p, more * item);
    if (!grown)
        return false;
    *p = grown;
    *capacity = more;
    return true;
}

/* Puts it where its id belongs. */
static int insert(cn_store *s, cn_segment *segment, cn_err *err)
{
    if (!reserve((void **) &s->segments, &s->capacity, s->n + 1, sizeof(cn_segment *)))
        return no_memory(err);
    size_t at = s->n;
    while (at && s->segments[at - 1]->segment_id >= segment->segment_id)
        at--;
    if (at < s->n && s->segments[at]->segment_id == segment->segment_id)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "%s: segment %llu is open already",
                       segment->path, (unsigned long long) segment->segment_id);
    memmove(s->segments + at + 1, s->segments + at, (s->n - at) * sizeof *s->segments);
    s->segments[at] = segment;
    s->n++;
    return CN_OK;
}

int cn_store_add(cn_store *s, const cn_store_segment *what, cn_err *err)
{
    cn_segment *segment;
    int rc = cn_segment_open(what->path, &segment, err);
    if (rc < 0)
        return rc;
    segment->segment_id = what->segment_id;
    segment->timeline_id = what->timeline_id;
    if (what->checksum && what->checksum != segment->checksum) {
        rc = cn_segment_bad(segment, err, "is not the segment that was committed");
        cn_segment_release(segment);
        return rc;
    }
    pthread_mutex_lock(&s->lock);
    rc = insert(s, segment, err);
    pthread_mutex_unlock(&s->lock);
    if (rc < 0)
        cn_segment_release(segment);
    return rc;
}

static char *copy(cn_span text)
{
    char *p = malloc(text.len + 1);
    if (p) {
        if (text.len)
            memcpy(p, text.p, text.len);
        p[text.len] = 0;
    }
    return p;
}

int cn_store_timeline(cn_store *s, uint64_t id, cn_span name, cn_span system, cn_err *err)
{
    timeline_name t = {id, copy(name), copy(system), name.len, system.len};
    int rc = t.name && t.system ? CN_OK : no_memory(err);
    pthread_mutex_lock(&s->lock);
    size_t i = 0;
    while (i < s->n_timelines && s->timelines[i].id != id)
        i++;
    if (rc == CN_OK && i == s->n_timelines) {
        if (reserve((void **) &s->timelines, &s->cap_timelines, i + 1, sizeof *s->timelines))
            s->timelines[s->n_timelines++] = (timeline_name){.id = id};
        else
            rc = no_memory(err);
    }
    if (rc == CN_OK) {
        timeline_name old = s->timelines[i];
        s->timelines[i] = t;
        t = old;
    }
    pthread_mutex_unlock(&s->lock);
    free(t.name);
    free(t.system);
    return rc;
}

void cn_store_remove_timeline(cn_store *s, uint64_t timeline_id)
{
    pthread_mutex_lock(&s->lock);
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->segments[i]->timeline_id == timeline_id)
            cn_segment_release(s->segments[i]);
        else
            s->segments[kept++] = s->segments[i];
    }
    s->n = kept;
    kept = 0;
    for (size_t i = 0; i < s->n_timelines; i++) {
        if (s->timelines[i].id == timeline_id) {
            free(s->timelines[i].name);
            free(s->timelines[i].system);
        } else {
            s->timelines[kept++] = s->timelines[i];
        }
    }
    s->n_timelines = kept;
    pthread_mutex_unlock(&s->lock);
}

static bool is_damaged(const cn_segment *s)
{
    return __atomic_load_n(&s->damaged, __ATOMIC_ACQUIRE) != 0;
}

uint64_t cn_store_events(cn_store *s)
{
    uint64_t n = 0;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n; i++)
        n += is_damaged(s->segments[i]) ? 0 : s->segments[i]->footer.n_rows;
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool cn_store_has_segment(cn_store *s, uint64_t segment_id)
{
    bool has = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n && !has; i++)
        has = s->segments[i]->segment_id == segment_id;
    pthread_mutex_unlock(&s->lock);
    return has;
}

void cn_store_damaged(cn_store *s,
                      void (*visit)(void *context, const char *path, uint64_t timeline_id,
                                    const char *what),
                      void *context)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n; i++)
        if (is_damaged(s->segments[i]))
            visit(context, s->segments[i]->path, s->segments[i]->timeline_id,
                  "the segment is damaged and left out of searches");
    pthread_mutex_unlock(&s->lock);
}

/* ---- the snapshot that a search works on ----------------------------------------------------- */

static bool is_chosen(const uint64_t *timelines, size_t n, uint64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (timelines[i] == id)
            return true;
    return n == 0;
}

static int copy_names(const cn_store *s, cn_hits *hits)
{
    hits->timelines = cn_arena_alloc(&hits->arena, (s->n_timelines + 1) * sizeof *hits->timelines);
    if (!hits->timelines)
        return CN_E_NO_MEMORY;
    for (size_t i = 0; i < s->n_timelines; i++) {
        const timeline_name *t = &s->timelines[i];
        const char *name = cn_arena_copy(&hits->arena, cn_span_of(t->name, t->name_len));
        const char *system = cn_arena_copy(&hits->arena, cn_span_of(t->system, t->system_len));
        if (!name || !system)
            return CN_E_NO_MEMORY;
        hits->timelines[hits->n_timelines++] = (struct cn_hit_timeline){
            t->id, cn_span_of(name, t->name_len), cn_span_of(system, t->system_len)};
    }
    return CN_OK;
}

/* All segments of the chosen timelines, retained, without rows. */
static int snapshot(cn_store *s, const uint64_t *timelines, size_t n, cn_hits **out, cn_err *err)
{
    pthread_mutex_lock(&s->lock);
    cn_hits *hits = cn_hits_new(s->n);
    int rc = hits ? copy_names(s, hits) : CN_E_NO_MEMORY;
    for (size_t i = 0; rc == CN_OK && i < s->n; i++) {
        cn_segment *segment = s->segments[i];
        if (!is_damaged(segment) && is_chosen(timelines, n, segment->timeline_id))
            hits->segments[hits->n++] = (cn_hit_segment){.segment = cn_segment_retain(segment),
                                                         .reader = {.segment = segment}};
    }
    pthread_mutex_unlock(&s->lock);
    if (rc < 0) {
        cn_hits_free(hits);
        return no_memory(err);
    }
    *out = hits;
    return CN_OK;
}

/* ---- searching ------------------------------------------------------------------------------- */

typedef struct cn_search_run {
    const cn_search *search;
    const cn_query_node *root; /* NULL: everything */
    cn_hits *hits;
    cn_leaf_ids *annotations;
    size_t n_annotations;
    size_t next;          /* atomic: segment to be searched */
    int code;             /* atomic: the first failure that ends the search */
    pthread_mutex_t lock; /* of err */
    cn_err err;
} search_run;

static bool out_of_range(const cn_search *q, const cn_footer *f)
{
    return f->n_rows == 0 || (q->has_from && f->last_ns < q->from_ns) ||
           (q->has_until && f->first_ns > q->until_ns);
}

static int search_rows(const search_run *run, cn_hit_segment *h, cn_eval *e)
{
    const cn_search *q = run->search;
    const cn_footer *f = &h->segment->footer;
    if (out_of_range(q, f))
        return CN_OK;
    uint64_t *within = cn_eval_bits(e, f->n_rows);
    h->rows = cn_eval_bits(e, f->n_rows);
    int rc = within && h->rows ? CN_OK : CN_E_NO_MEMORY;
    if (rc == CN_OK && !q->has_from && !q->has_until)
        cn_bits_fill(within, 0, f->n_rows);
    else if (rc == CN_OK)
        rc = cn_eval_times(e, q->has_from ? q->from_ns : CN_TIME_MIN,
                           q->has_until ? q->until_ns : CN_TIME_MAX, within);
    if (rc == CN_OK && run->root)
        rc = cn_eval_node(e, run->root, within, h->rows);
    else if (rc == CN_OK)
        memcpy(h->rows, within, cn_bit_words(f->n_rows) * sizeof *within);
    free(within);
    if (rc == CN_OK) {
        h->count = cn_bits_count(h->rows, 0, f->n_rows);
        h->untimed = cn_bits_count(h->rows, 0, f->n_untimed);
    }
    return rc;
}

static void search_segment(search_run *run, cn_hit_segment *h)
{
    cn_err err = CN_ERR_INIT;
    const cn_search *q = run->search;
    const struct cn_hit_timeline *t = cn_hits_timeline(run->hits, h->segment->timeline_id);
    cn_eval e = {.segment = h->segment,
                 .timeline = t ? t->name : (cn_span){NULL, 0},
                 .system = t ? t->system : (cn_span){NULL, 0},
                 .annotations = run->annotations,
                 .n_annotations = run->n_annotations,
                 .cancelled = q->cancelled,
                 .context = q->context,
                 .err = &err};
    int rc = search_rows(run, h, &e);
    cn_eval_free(&e);
    if (rc == CN_OK)
        return;
    free(h->rows);
    h->rows = NULL;
    h->count = h->untimed = 0;
    if (rc == CN_E_CORRUPT)
        return; /* it is marked, named by cn_store_damaged(), and left out */
    pthread_mutex_lock(&run->lock);
    if (run->code == CN_OK) {
        run->err = err;
        __atomic_store_n(&run->code, rc, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&run->lock);
}

static void *search_some(void *context)
{
    search_run *run = context;
    for (;;) {
        size_t i = __atomic_fetch_add(&run->next, 1, __ATOMIC_RELAXED);
        if (i >= run->hits->n || __atomic_load_n(&run->code, __ATOMIC_ACQUIRE))
            return NULL;
        if (run->search->cancelled && run->search->cancelled(run->search->context)) {
            pthread_mutex_lock(&run->lock);
            if (run->code == CN_OK)
                run->code =
                    cn_fail(&run->err, CN_E_CANCELLED, CN_NO_OFFSET, "the search was cancelled");
            pthread_mutex_unlock(&run->lock);
            return NULL;
        }
        search_segment(run, &run->hits->segments[i]);
    }
}

/* More than one thread only where there is enough to do for the making of it. */
static unsigned threads_for(const search_run *run)
{
    enum { THREADS_MAX = 64, ROWS_EACH = 1 << 19 };
    uint64_t rows = 0;
    for (size_t i = 0; i < run->hits->n; i++)
        rows += run->hits->segments[i].segment->footer.n_rows;
    unsigned cost = run->root ? cn_eval_cost(run->root) : 0;
    uint64_t useful = cost == 0 ? 1 : cost >= 2 ? run->hits->n : rows / ROWS_EACH;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t wanted = run->search->threads ? run->search->threads : cpus > 0 ? (uint64_t) cpus : 1;
    uint64_t n = CN_MIN(CN_MIN(wanted, useful), (uint64_t) run->hits->n);
    return (unsigned) CN_MIN(CN_MAX(n, 1u), (uint64_t) THREADS_MAX);
}

static void search_all(search_run *run)
{
    pthread_t threads[64];
    unsigned n = threads_for(run), started = 0;
    while (started + 1 < n && pthread_create(&threads[started], NULL, search_some, run) == 0)
        started++;
    search_some(run);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

static size_t count_annotations(const cn_query_node *n)
{
    size_t count = !n->n_children && n->field >= CN_QF_tag && n->field <= CN_QF_comment;
    for (size_t i = 0; i < n->n_children; i++)
        count += count_annotations(n->children[i]);
    return count;
}

static int ask_annotations(search_run *run, const cn_query_node *n, cn_err *err)
{
    if (!n->n_children && n->field >= CN_QF_tag && n->field <= CN_QF_comment) {
        cn_leaf_ids *ids = &run->annotations[run->n_annotations++];
        ids->leaf = n;
        int rc = run->search->annotations(run->search->context, n, &ids->list, err);
        cn_id_list_sort(&ids->list);
        return rc < 0 ? rc : CN_OK;
    }
    for (size_t i = 0; i < n->n_children; i++) {
        int rc = ask_annotations(run, n->children[i], err);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

/* Keeps the segments that have hits. */
static void settle(cn_hits *hits)
{
    size_t kept = 0;
    for (size_t i = 0; i < hits->n; i++) {
        cn_hit_segment *h = &hits->segments[i];
        if (h->count == 0) {
            free(h->rows);
            cn_segment_release(h->segment);
            continue;
        }
        hits->count += h->count;
        hits->untimed += h->untimed;
        hits->segments[kept++] = *h;
    }
    hits->n = kept;
}

int cn_store_search(cn_store *s, const cn_search *search, cn_hits **out, cn_err *err)
{
    CN_CLEANUP(cn_hits_free_p) cn_hits *hits = NULL;
    int rc = snapshot(s, search->timelines, search->n_timelines, &hits, err);
    if (rc < 0)
        return rc;
    search_run run = {.search = search, .hits = hits, .err = CN_ERR_INIT};
    run.root = search->query ? cn_query_root(search->query) : NULL;
    size_t annotations = run.root && search->annotations && cn_query_has_annotations(search->query)
                             ? count_annotations(run.root)
                             : 0;
    if (annotations) {
        run.annotations = calloc(annotations, sizeof *run.annotations);
        rc = run.annotations ? ask_annotations(&run, run.root, err) : no_memory(err);
    }
    if (rc == CN_OK && pthread_mutex_init(&run.lock, NULL) != 0)
        rc = no_memory(err);
    if (rc == CN_OK) {
        search_all(&run);
        pthread_mutex_destroy(&run.lock);
        rc = run.code;
        if (rc < 0 && err)
            *err = run.err;
    }
    for (size_t i = 0; i < run.n_annotations; i++)
        free(run.annotations[i].list.ids);
    free(run.annotations);
    if (rc < 0)
        return rc;
    settle(hits);
    *out = CN_TAKE(hits);
    return CN_OK;
}

int cn_store_event(cn_store *s, uint64_t timeline_id, cn_event_id id, cn_arena *arena,
                   cn_stored_event *out, cn_err *err)
{
    CN_CLEANUP(cn_hits_free_p) cn_hits *hits = NULL;
    int rc = snapshot(s, &timeline_id, timeline_id ? 1 : 0, &hits, err);
    struct cn_listed_id one = {timeline_id, id};
    const cn_id_list list = {&one, 1, 1};
    for (size_t i = 0; rc == CN_OK && i < hits->n; i++) {
        cn_hit_segment *h = &hits->segments[i];
        uint32_t n = h->segment->footer.n_rows;
        cn_eval e = {.segment = h->segment, .err = err};
        h->rows = cn_eval_bits(&e, n);
        rc = h->rows ? cn_eval_ids(&e, &list, h->rows) : CN_E_NO_MEMORY;
        cn_eval_free(&e);
        size_t row = rc == CN_OK ? cn_bits_next(h->rows, 0, n) : SIZE_MAX;
        if (row != SIZE_MAX)
            return cn_reader_event(&h->reader, (uint32_t) row, arena, out, err);
        if (rc == CN_E_CORRUPT)
            rc = CN_OK; /* left out */
    }
    if (rc < 0)
        return rc;
    char text[CN_EVENT_ID_TEXT];
    cn_event_id_format(id, text);
    return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no event %s", text);
}

/* ---- fields ---------------------------------------------------------------------------------- */

typedef struct cn_field_list {
    cn_store_field *fields;
    size_t n, capacity;
} field_list;

static int add_field(field_list *list, cn_arena *arena, const cn_column *c, uint64_t events)
{
    for (size_t i = 0; i < list->n; i++)
        if (cn_span_eq(list->fields[i].name, c->name)) {
            list->fields[i].events += events;
            return CN_OK;
        }
    if (!reserve((void **) &list->fields, &list->capacity, list->n + 1, sizeof *list->fields))
        return CN_E_NO_MEMORY;
    const char *name = cn_arena_copy(arena, c->name);
    if (!name)
        return CN_E_NO_MEMORY;
    list->fields[list->n++] = (cn_store_field){cn_span_of(name, c->name.len), c->type, events};
    return CN_OK;
}

static int compare_fields(const void *x, const void *y)
{
    const cn_store_field *a = x, *b = y;
    bool a_own = cn_query_field_by_name(a->name) != CN_QF_RECORD;
    bool b_own = cn_query_field_by_name(b->name) != CN_QF_RECORD;
    if (a_own != b_own)
        return a_own ? -1 : 1;
    int c = memcmp(a->name.p, b->name.p, CN_MIN(a->name.len, b->name.len));
    return c ? c : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

static bool is_inner(const cn_segment *s, const cn_column *c)
{
    return c == s->origin || c == s->image_id;
}

int cn_store_fields(cn_store *s, const uint64_t *timelines, size_t n_timelines, cn_arena *arena,
                    const cn_store_field **out, size_t *out_n, cn_err *err)
{
    static const struct {
        const char *name;
        cn_type type;
    } others[] = {{"message", CN_TEXT},  {"datetime", CN_INT}, {"timestamp", CN_INT},
                  {"offset", CN_INT},    {"length", CN_INT},   {"event_id", CN_TEXT},
                  {"timeline", CN_TEXT}, {"system", CN_TEXT},  {"tag", CN_TEXT},
                  {"label", CN_TEXT},    {"starred", CN_BOOL}, {"comment", CN_TEXT}};
    CN_CLEANUP(cn_hits_free_p) cn_hits *hits = NULL;
    int rc = snapshot(s, timelines, n_timelines, &hits, err);
    if (rc < 0)
        return rc;
    field_list list = {0};
    uint64_t events = 0;
    for (size_t k = 0; k < hits->n && rc == CN_OK; k++) {
        const cn_footer *f = &hits->segments[k].segment->footer;
        events += f->n_rows;
        for (uint32_t i = 0; i < f->n_columns && rc == CN_OK; i++) {
            const cn_column *c = &f->columns[i];
            /* Of origins, it is not known without looking how many events are theirs. */
            if (!is_inner(hits->segments[k].segment, c) && c->n_present)
                rc = add_field(&list, arena, c, c->domain == CN_OF_ROWS ? c->n_present : f->n_rows);
        }
    }
    for (size_t i = 0; i < CN_LEN(others) && rc == CN_OK && events; i++)
        rc = add_field(&list, arena,
                       &(cn_column){.name = cn_span_str(others[i].name), .type = others[i].type},
                       i < 6 ? events : 0);
    cn_store_field *fields =
        rc == CN_OK ? cn_arena_alloc(arena, (list.n + 1) * sizeof *fields) : NULL;
    if (fields && list.n) {
        qsort(list.fields, list.n, sizeof *list.fields, compare_fields);
        memcpy(fields, list.fields, list.n * sizeof *fields);
    }
    *out = fields;
    *out_n = list.n;
    free(list.fields);
    return fields ? CN_OK : no_memory(err);
}
