#include "job/library.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX CN_MIB(256) /* rows of a catalog: some hundred bytes each */

typedef struct known_timeline {
    int64_t id;
    uint64_t state; /* a hash of what is told about it */
    uint64_t names; /* a hash of what queries see of it */
    bool seen, changed;
} known_timeline;

typedef struct unreadable {
    int64_t timeline, segment;
    char *text; /* owned */
} unreadable;

struct cn_library {
    char *folder;
    cn_store *store;
    pthread_mutex_t catalog_lock;
    cn_catalog *catalog;
    /* Of refresh alone. */
    cn_arena arena;
    bool refreshed;
    int64_t version;
    known_timeline *timelines;
    size_t n_timelines;
    _Atomic uint64_t generation, notes_generation;
    pthread_mutex_t unreadable_lock;
    unreadable *unreadable;
    size_t n_unreadable;
};

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the list of timelines");
}

int cn_library_open(const char *folder, cn_db_mode mode, cn_library **out, cn_err *err)
{
    CN_CLEANUP(cn_library_close_p) cn_library *l = calloc(1, sizeof *l);
    if (!l)
        return no_memory(err);
    pthread_mutex_init(&l->catalog_lock, NULL);
    pthread_mutex_init(&l->unreadable_lock, NULL);
    l->arena = cn_arena_of(ARENA_MAX);
    l->folder = strdup(folder);
    if (!l->folder)
        return no_memory(err);
    int rc = cn_catalog_open(folder, mode, &l->catalog, err);
    if (rc == CN_OK)
        rc = cn_store_new(&l->store, err);
    if (rc == CN_OK)
        *out = CN_TAKE(l);
    return rc;
}

cn_library *cn_library_close(cn_library *library)
{
    if (!library)
        return NULL;
    cn_store_free(library->store);
    cn_catalog_close(library->catalog);
    for (size_t i = 0; i < library->n_unreadable; i++)
        free(library->unreadable[i].text);
    free(library->unreadable);
    free(library->timelines);
    free(library->folder);
    cn_arena_free(&library->arena);
    pthread_mutex_destroy(&library->catalog_lock);
    pthread_mutex_destroy(&library->unreadable_lock);
    free(library);
    return NULL;
}

const char *cn_library_folder(const cn_library *library) { return library->folder; }
cn_store *cn_library_store(cn_library *library) { return library->store; }
uint64_t cn_library_generation(cn_library *library) { return library->generation; }
uint64_t cn_library_notes_generation(cn_library *library) { return library->notes_generation; }
void cn_library_touch(cn_library *library) { library->notes_generation++; }

cn_catalog *cn_library_take(cn_library *library)
{
    pthread_mutex_lock(&library->catalog_lock);
    return library->catalog;
}

void cn_library_give(cn_library *library) { pthread_mutex_unlock(&library->catalog_lock); }

/* ---- refresh ---- */

static uint64_t names_of(const cn_timeline *t)
{
    uint64_t hash = cn_hash64_seed(cn_span_str(t->name), t->visible);
    return cn_hash64_seed(cn_span_str(t->system_name), hash);
}

static uint64_t state_of(const cn_timeline *t)
{
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(64));
    cn_buf_printf(&text, "%s %s %d %d %s %llu %llu %u %u %llu %llu %llu %llu %d", t->name,
                  t->system_name, t->status, t->visible, t->error, (unsigned long long) t->events,
                  (unsigned long long) t->bytes, t->segments, t->warnings,
                  (unsigned long long) t->bytes_done, (unsigned long long) t->bytes_total,
                  (unsigned long long) t->files_done, (unsigned long long) t->files_total,
                  t->has_finished);
    return cn_hash64_seed(cn_buf_span(&text), names_of(t));
}

static known_timeline *find_known(cn_library *l, int64_t id)
{
    for (size_t i = 0; i < l->n_timelines; i++)
        if (l->timelines[i].id == id)
            return &l->timelines[i];
    return NULL;
}

static int remember(cn_library *l, int64_t id, known_timeline **out, cn_err *err)
{
    known_timeline *grown = realloc(l->timelines, (l->n_timelines + 1) * sizeof *l->timelines);
    if (!grown)
        return no_memory(err);
    l->timelines = grown;
    *out = &grown[l->n_timelines++];
    **out = (known_timeline){.id = id};
    return CN_OK;
}

static int take_timeline(cn_library *l, const cn_timeline *t, cn_err *err)
{
    known_timeline *known = find_known(l, t->id);
    uint64_t state = state_of(t);
    int rc = known ? CN_OK : remember(l, t->id, &known, err);
    if (rc)
        return rc;
    known->seen = true;
    known->changed = known->state != state;
    if (!known->changed)
        return CN_OK;
    known->state = state;
    uint64_t names = names_of(t);
    if (known->names != names)
        l->generation++;
    known->names = names;
    return cn_store_timeline(l->store, (uint64_t) t->id, cn_span_str(t->name),
                             cn_span_str(t->system_name), err);
}

static bool known_unreadable(const cn_library *l, int64_t segment)
{
    for (size_t i = 0; i < l->n_unreadable; i++)
        if (l->unreadable[i].segment == segment)
            return true;
    return false;
}

static int note_unreadable(cn_library *l, const cn_segment_row *segment, const cn_err *why,
                           cn_err *err)
{
    char *text = NULL;
    int rc = CN_OK;
    if (asprintf(&text, "%s", why->text) < 0)
        return no_memory(err);
    pthread_mutex_lock(&l->unreadable_lock);
    unreadable *grown = realloc(l->unreadable, (l->n_unreadable + 1) * sizeof *grown);
    if (grown) {
        l->unreadable = grown;
        grown[l->n_unreadable++] = (unreadable){segment->timeline, segment->id, text};
    } else {
        free(text);
        rc = no_memory(err);
    }
    pthread_mutex_unlock(&l->unreadable_lock);
    return rc;
}

static bool wanted(const int64_t *only, size_t n_only, int64_t timeline)
{
    for (size_t i = 0; i < n_only; i++)
        if (only[i] == timeline)
            return true;
    return n_only == 0;
}

static int take_segment(cn_library *l, const cn_segment_row *row, const cn_library_watch *watch,
                        cn_err *err)
{
    if (cn_store_has_segment(l->store, (uint64_t) row->id) || known_unreadable(l, row->id))
        return CN_OK;
    cn_err why = CN_ERR_INIT;
    const cn_store_segment segment = {.path = row->path,
                                      .segment_id = (uint64_t) row->id,
                                      .timeline_id = (uint64_t) row->timeline,
                                      .checksum = row->checksum};
    int rc = cn_store_add(l->store, &segment, &why);
    if (rc == CN_E_NO_MEMORY) {
        if (err)
            *err = why;
        return rc;
    }
    if (rc)
        return note_unreadable(l, row, &why, err);
    l->generation++;
    if (watch)
        watch->segment(watch->context, row);
    return CN_OK;
}

static void let_go(cn_library *l, const cn_library_watch *watch)
{
    for (size_t i = 0; i < l->n_timelines;) {
        if (l->timelines[i].seen) {
            i++;
            continue;
        }
        int64_t id = l->timelines[i].id;
        cn_store_remove_timeline(l->store, (uint64_t) id);
        l->timelines[i] = l->timelines[--l->n_timelines];
        l->generation++;
        if (watch)
            watch->gone(watch->context, id);
    }
}

/* The rows as one moment shows them; timelines and then their segments, so that a segment that is
 * committed between the two is one of a timeline that is known. */
static int read_catalog(cn_library *l, cn_timeline **timelines, size_t *n_timelines,
                        cn_segment_row **segments, size_t *n_segments, bool *changed, cn_err *err)
{
    int64_t version;
    cn_catalog *catalog = cn_library_take(l);
    int rc = cn_catalog_version(catalog, &version, err);
    *changed = rc == CN_OK && (!l->refreshed || version != l->version);
    size_t n = 0, of_one = 0;
    if (*changed)
        rc = cn_catalog_timelines(catalog, &l->arena, timelines, n_timelines, err);
    cn_segment_row **lists = NULL;
    size_t *counts = NULL;
    if (*changed && rc == CN_OK) {
        lists = cn_arena_alloc(&l->arena, (*n_timelines + 1) * sizeof(void *));
        counts = cn_arena_alloc(&l->arena, (*n_timelines + 1) * sizeof *counts);
        if (!lists || !counts)
            rc = no_memory(err);
    }
    for (size_t i = 0; *changed && rc == CN_OK && i < *n_timelines; i++) {
        rc = cn_catalog_segments(catalog, (*timelines)[i].id, &l->arena, &lists[i], &of_one, err);
        counts[i] = rc ? 0 : of_one;
        n += counts[i];
    }
    cn_library_give(l);
    if (rc || !*changed)
        return rc;
    cn_segment_row *all = cn_arena_alloc(&l->arena, (n + 1) * sizeof *all);
    if (!all)
        return no_memory(err);
    *n_segments = 0;
    for (size_t i = 0; i < *n_timelines; i++)
        for (size_t k = 0; k < counts[i]; k++)
            all[(*n_segments)++] = lists[i][k];
    *segments = all;
    l->version = version;
    l->refreshed = true;
    return CN_OK;
}

int cn_library_refresh(cn_library *library, const int64_t *only, size_t n_only,
                       const cn_library_watch *watch, cn_err *err)
{
    cn_timeline *timelines = NULL;
    cn_segment_row *segments = NULL;
    size_t n_timelines = 0, n_segments = 0;
    bool changed = false;
    cn_arena_reset(&library->arena);
    int rc = read_catalog(library, &timelines, &n_timelines, &segments, &n_segments, &changed, err);
    if (rc || !changed)
        return rc;
    for (size_t i = 0; i < library->n_timelines; i++)
        library->timelines[i].seen = false;
    for (size_t i = 0; i < n_timelines && rc == CN_OK; i++)
        rc = take_timeline(library, &timelines[i], err);
    for (size_t i = 0; i < n_segments && rc == CN_OK; i++)
        if (wanted(only, n_only, segments[i].timeline))
            rc = take_segment(library, &segments[i], watch, err);
    /* Told last: who hears that a timeline is ready finds all of it. */
    for (size_t i = 0; i < n_timelines && rc == CN_OK && watch; i++)
        if (find_known(library, timelines[i].id)->changed)
            watch->timeline(watch->context, &timelines[i]);
    if (rc == CN_OK)
        let_go(library, watch);
    else
        library->refreshed = false; /* once more, from the beginning */
    cn_library_touch(library);
    return rc;
}

/* ---- what is left out ---- */

typedef struct damaged_visit {
    void (*visit)(void *context, int64_t timeline, const char *text);
    void *context;
} damaged_visit;

static void visit_damaged(void *context, const char *path, uint64_t timeline_id, const char *what)
{
    const damaged_visit *v = context;
    char text[1024];
    snprintf(text, sizeof text, "%s: %s", path, what);
    v->visit(v->context, (int64_t) timeline_id, text);
}

void cn_library_unreadable(cn_library *library,
                           void (*visit)(void *context, int64_t timeline, const char *text),
                           void *context)
{
    pthread_mutex_lock(&library->unreadable_lock);
    for (size_t i = 0; i < library->n_unreadable; i++)
        visit(context, library->unreadable[i].timeline, library->unreadable[i].text);
    pthread_mutex_unlock(&library->unreadable_lock);
    damaged_visit v = {visit, context};
    cn_store_damaged(library->store, visit_damaged, &v);
}
