#include "http/workers.h"

#include "http/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MIN 4
#define THREADS_MAX 64

struct cn_workers {
    void (*run)(cn_call *call);
    void (*done)(cn_call *call);
    pthread_mutex_t lock;
    pthread_cond_t more;
    cn_call *waiting[CN_SERVER_QUEUE_MAX]; /* a ring */
    size_t first, n;
    bool ending;
    pthread_t threads[THREADS_MAX];
    size_t n_threads;
};

static void *work(void *context)
{
    cn_workers *w = context;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->n == 0 && !w->ending)
            pthread_cond_wait(&w->more, &w->lock);
        if (w->n == 0)
            break;
        cn_call *call = w->waiting[w->first];
        w->first = (w->first + 1) % CN_SERVER_QUEUE_MAX;
        w->n--;
        pthread_mutex_unlock(&w->lock);
        w->run(call);
        w->done(call);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

cn_workers *cn_workers_new(void (*run)(cn_call *call), void (*done)(cn_call *call))
{
    cn_workers *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->run = run;
    w->done = done;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = (size_t) CN_MIN(CN_MAX(cores + 2, THREADS_MIN), THREADS_MAX);
    while (w->n_threads < wanted && !pthread_create(&w->threads[w->n_threads], NULL, work, w))
        w->n_threads++;
    return w->n_threads == 0 ? cn_workers_free(w) : w;
}

bool cn_workers_add(cn_workers *workers, cn_call *call)
{
    pthread_mutex_lock(&workers->lock);
    bool room = workers->n < CN_SERVER_QUEUE_MAX && !workers->ending;
    if (room) {
        workers->waiting[(workers->first + workers->n) % CN_SERVER_QUEUE_MAX] = call;
        workers->n++;
        pthread_cond_signal(&workers->more);
    }
    pthread_mutex_unlock(&workers->lock);
    return room;
}

cn_workers *cn_workers_free(cn_workers *workers)
{
    if (!workers)
        return NULL;
    pthread_mutex_lock(&workers->lock);
    workers->ending = true;
    pthread_cond_broadcast(&workers->more);
    pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->n_threads; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->more);
    free(workers);
    return NULL;
}
