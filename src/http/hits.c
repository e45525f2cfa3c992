#include "http/hits.h"

#include "base/hash.h"
#include "http/selection.h"
#include "http/server.h"

#include <pthread.h>
#include <stdlib.h>

#define ENTRIES 12 /* selections in use at a time by one or two people */

typedef struct cn_hits_entry {
    cn_buf key;           /* query, times, timelines, and the generations they were searched in */
    pthread_mutex_t lock; /* held by who uses the hits */
    unsigned users;       /* who use or wait; under the cache's lock */
    uint64_t used;        /* when, in takes */
    cn_hits *hits;        /* NULL: not searched yet */
} cn_hits_entry;

struct cn_hits_cache {
    cn_library *library;
    pthread_mutex_t lock;
    cn_hits_entry entries[ENTRIES];
    uint64_t takes;
};

cn_hits_cache *cn_hits_cache_new(cn_library *library)
{
    cn_hits_cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->library = library;
    pthread_mutex_init(&c->lock, NULL);
    for (size_t i = 0; i < ENTRIES; i++) {
        pthread_mutex_init(&c->entries[i].lock, NULL);
        c->entries[i].key = cn_buf_of(CN_QUERY_TEXT_MAX + CN_KIB(64));
    }
    return c;
}

cn_hits_cache *cn_hits_cache_free(cn_hits_cache *cache)
{
    if (!cache)
        return NULL;
    for (size_t i = 0; i < ENTRIES; i++) {
        cn_hits_free(cache->entries[i].hits);
        cn_buf_free(&cache->entries[i].key);
        pthread_mutex_destroy(&cache->entries[i].lock);
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
    return NULL;
}

static void put_key(cn_buf *key, cn_library *library, const cn_selected *s)
{
    cn_buf_le64(key, cn_library_generation(library));
    cn_buf_le64(key, cn_query_has_annotations(s->query) ? cn_library_notes_generation(library) : 0);
    cn_buf_le64(key, s->has_from);
    cn_buf_le64(key, (uint64_t) s->from_ns);
    cn_buf_le64(key, s->has_until);
    cn_buf_le64(key, (uint64_t) s->until_ns);
    for (size_t i = 0; i < s->n_timelines; i++)
        cn_buf_le64(key, s->timelines[i]);
    cn_buf_le64(key, 0);
    cn_buf_bytes(key, cn_query_text(s->query));
}

/* With the cache's lock held: the entry of that key, or the one that was used longest ago made
 * anew; NULL where all are in use. */
static cn_hits_entry *pick(cn_hits_cache *cache, cn_span key)
{
    cn_hits_entry *oldest = NULL;
    for (size_t i = 0; i < ENTRIES; i++) {
        cn_hits_entry *e = &cache->entries[i];
        if (e->key.len && key.p && cn_span_eq(cn_buf_span(&e->key), key))
            return e;
        if (e->users == 0 && (!oldest || e->used < oldest->used))
            oldest = e;
    }
    if (!oldest)
        return NULL;
    oldest->hits = cn_hits_free(oldest->hits);
    cn_buf_clear(&oldest->key);
    cn_buf_bytes(&oldest->key, key);
    return oldest;
}

static int search(cn_call *call, const cn_selected *s, cn_hits **out)
{
    const cn_search ask = {
        .query = s->query,
        .has_from = s->has_from,
        .has_until = s->has_until,
        .from_ns = s->from_ns,
        .until_ns = s->until_ns,
        .timelines = s->timelines,
        .n_timelines = s->n_timelines,
        .annotations = cn_call_annotations,
        .context = call,
        .cancelled = cn_call_cancelled,
    };
    return cn_store_search(cn_library_store(call->library), &ask, out, &call->err);
}

/* No timeline: an empty list for the store would mean all of them. */
static int search_nothing(cn_call *call, cn_selected *s)
{
    s->timelines[0] = UINT64_MAX;
    s->n_timelines = 1;
    (void) call;
    return CN_OK;
}

static void free_query(cn_selected **selected)
{
    (*selected)->query = cn_query_free((*selected)->query);
}

int cn_hits_take(cn_call *call, const cn_api_selection *selection, cn_held_hits *out)
{
    cn_hits_cache *cache = cn_server_hits(call->server);
    cn_selected s = {0};
    CN_CLEANUP(free_query) cn_selected *owner = &s;
    int rc = cn_selection_read(call, selection, owner);
    CN_CLEANUP(cn_buf_free) cn_buf key = cn_buf_of(CN_QUERY_TEXT_MAX + CN_KIB(64));
    if (rc == CN_OK && s.none)
        rc = search_nothing(call, &s);
    if (rc)
        return rc;
    put_key(&key, call->library, &s);
    *out = (cn_held_hits){.timelines = s.all, .n_timelines = s.n_all, .of = s.of};
    pthread_mutex_lock(&cache->lock);
    cn_hits_entry *entry = key.failed ? NULL : pick(cache, cn_buf_span(&key));
    if (entry && entry->key.failed)
        entry = NULL;
    if (entry) {
        entry->users++;
        entry->used = ++cache->takes;
    }
    pthread_mutex_unlock(&cache->lock);
    if (!entry) /* not kept, then */
        return search(call, &s, &out->hits);
    pthread_mutex_lock(&entry->lock);
    out->entry = entry;
    out->cache = cache;
    if (!entry->hits)
        rc = search(call, &s, &entry->hits);
    out->hits = entry->hits;
    if (rc)
        cn_hits_give(out);
    return rc;
}

void cn_hits_give(cn_held_hits *held)
{
    if (held->entry) {
        pthread_mutex_unlock(&held->entry->lock);
        pthread_mutex_lock(&held->cache->lock);
        held->entry->users--;
        pthread_mutex_unlock(&held->cache->lock);
    } else {
        cn_hits_free(held->hits);
    }
    *held = (cn_held_hits){.hits = NULL};
}

void cn_hits_forget(cn_held_hits *held)
{
    if (held->entry)
        held->entry->hits = cn_hits_free(held->entry->hits);
    else
        held->hits = cn_hits_free(held->hits);
    cn_hits_give(held);
}
