/* Segments as a worker that evidence has taken over might write them: all sums are right, nothing
 * else need be. The sums of the input are mended, then everything is asked of it. */
#include "base/hash.h"
#include "store/segment/segment.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *p, size_t size)
{
    uint64_t offset, length;
    if (size < CN_SEGMENT_HEAD + CN_SEGMENT_TAIL)
        return;
    uint8_t *tail = p + size - CN_SEGMENT_TAIL;
    memcpy(&offset, tail, 8);
    if (offset > size - CN_SEGMENT_TAIL)
        return;
    length = size - CN_SEGMENT_TAIL - offset;
    uint64_t blocks = (offset + CN_BLOCK_BYTES - 1) / CN_BLOCK_BYTES;
    if (length < blocks * 8)
        return;
    for (uint64_t b = 0; b < blocks; b++) {
        uint64_t at = b * CN_BLOCK_BYTES;
        uint64_t sum =
            cn_hash64(cn_span_of(p + at, CN_MIN(offset - at, (uint64_t) CN_BLOCK_BYTES)));
        memcpy(tail - (blocks - b) * 8, &sum, 8);
    }
    uint64_t sum = cn_hash64(cn_span_of(p + offset, length));
    memcpy(tail + 8, &length, 8);
    memcpy(tail + 16, &sum, 8);
}

static int look(void *context, const cn_stored_event *event)
{
    uint64_t *sum = context;
    *sum += event->s.event.message.len + event->s.event.n_fields;
    for (size_t i = 0; i < event->s.event.n_fields; i++)
        *sum ^= cn_hash64(event->s.event.fields[i].text);
    return (*sum & 0xfff) == 0xfff ? CN_E_CANCELLED : CN_OK;
}

static void ask(cn_store *store, const char *text)
{
    static const char *const fields[] = {"data_type", "username", "path", "pid", "k1", "inode"};
    cn_query *query = NULL;
    cn_hits *hits = NULL;
    uint64_t sum = 0;
    cn_arena arena = cn_arena_of(CN_MIB(64));
    if (cn_query_parse(cn_span_str(text), &query, NULL) < 0)
        abort();
    if (cn_store_search(store, &(cn_search){.query = query, .threads = 1}, &hits, NULL) == CN_OK) {
        cn_histogram histogram;
        cn_top top;
        cn_page page;
        cn_field_stats stats;
        (void) cn_hits_histogram(hits, &(cn_histogram_ask){0}, &arena, &histogram, NULL);
        for (size_t i = 0; i < CN_LEN(fields); i++) {
            cn_span field = cn_span_str(fields[i]);
            (void) cn_hits_top(hits, &(cn_top_ask){.field = field, .n = 5}, &arena, &top, NULL);
            (void) cn_hits_stats(hits, field, &stats, NULL);
            (void) cn_hits_histogram(hits, &(cn_histogram_ask){.split = field}, &arena, &histogram,
                                     NULL);
        }
        cn_arena_reset(&arena);
        (void) cn_hits_page(hits, &(cn_page_ask){.n = 20}, &arena, &page, NULL);
        (void) cn_hits_page(
            hits, &(cn_page_ask){.from = CN_FROM_NUMBER, .number = cn_hits_count(hits) / 2, .n = 5},
            &arena, &page, NULL);
        (void) cn_hits_each(hits, CN_OLDEST_FIRST, look, &sum, NULL);
    }
    cn_arena_free(&arena);
    cn_hits_free(hits);
    cn_query_free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const queries[] = {"",
                                          "root sshd",
                                          "\"failed password\"",
                                          "message:/a.*b/",
                                          "user*",
                                          "username:root OR path:*log",
                                          "pid:>5 k1:*",
                                          "source_ip:10.0.0.0/8",
                                          "timestamp:[0 TO 1794960000000000]",
                                          "offset:<99 NOT event_id:0*"};
    char path[] = "/tmp/cairn-fuzz-XXXXXX";
    int fd = mkstemp(path);
    uint8_t *copy = malloc(size + 1);
    cn_store *store = NULL;
    if (fd < 0 || !copy)
        abort();
    memcpy(copy, data, size);
    mend(copy, size);
    FILE *file = fdopen(fd, "wb");
    if (!file || fwrite(copy, 1, size, file) != size || fclose(file) != 0 ||
        cn_store_new(&store, NULL) < 0)
        abort();
    free(copy);
    if (cn_store_add(store, &(cn_store_segment){path, 1, 1, 0}, NULL) == CN_OK &&
        cn_store_events(store) < 100000)
        for (size_t i = 0; i < CN_LEN(queries); i++)
            ask(store, queries[i]);
    cn_store_free(store);
    remove(path);
    return 0;
}
