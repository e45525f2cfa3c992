/* SHA-256 of the whole medium, holes as zeros, in a process of its own. */
#include "job/worker_internal.h"

#include "base/hash.h"

#include <stdlib.h>
#include <unistd.h>

#define CHUNK CN_MIB(1)

static int hash(cn_worker *w, cn_src *src, cn_sha256 *sha, uint8_t *zeros, uint8_t *chunk)
{
    for (uint64_t at = 0; at < src->size;) {
        uint64_t data = cn_src_next_data(src, at);
        const uint8_t *bytes = zeros;
        size_t n = (size_t) CN_MIN(CHUNK, src->size - at);
        if (data > at) {
            n = (size_t) CN_MIN(n, data - at);
        } else {
            bytes = chunk;
            int r = cn_src_read(src, at, chunk, n, &w->err);
            if (r < 0)
                return r;
        }
        cn_sha256_add(sha, cn_span_of(bytes, n));
        at += n;
        CN_CONTROL_ADD(w->control->beat, 1);
        CN_CONTROL_SET(w->control->bytes_read, at);
        if (CN_CONTROL_GET(w->control->cancel))
            return CN_E_CANCELLED;
    }
    return CN_OK;
}

void cn_worker_hash(cn_worker *w)
{
    int r = cn_worker_open(w);
    CN_CONTROL_SET(w->control->phase, CN_PHASE_HASH);
    const cn_node *source = r >= 0 ? cn_evidence_source(w->evidence, 0) : NULL;
    cn_sha256 *sha = cn_sha256_new();
    uint8_t *zeros = calloc(1, CHUNK), *chunk = malloc(CHUNK);
    if (!sha || !zeros || !chunk)
        _exit(CN_WORKER_MEMORY);
    if (r >= 0 && (!source || !source->src))
        r = cn_fail(&w->err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "the source is no medium to hash");
    if (r >= 0)
        r = hash(w, source->src, sha, zeros, chunk);
    if (r >= 0) {
        cn_msg_hashed hashed = {.bytes = source->src->size};
        cn_sha256_end(sha, hashed.sha256);
        cn_worker_send(w, CN_M_HASHED, &hashed, false);
    } else if (r != CN_E_CANCELLED) {
        cn_worker_warn(w, UINT32_MAX, "hash", (cn_span){NULL, 0}, 0, "", w->err.offset,
                       w->err.text);
    }
    cn_sha256_free(sha);
    free(zeros);
    free(chunk);
}
