/* A spool that a dead worker left, with anything in it: taken over, made a segment, and read. */
#include "store/store.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int look(void *context, const cn_spooled *event)
{
    uint64_t *n = context;
    *n += event->event.n_fields < CN_EVENT_FIELDS_MAX + 1;
    return CN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cn_segment_writer *writer;
    static uint8_t *memory;
    cn_spool *spool = NULL;
    cn_segment_summary made, read;
    bool dropped;
    uint64_t n = 0;
    cn_err err = CN_ERR_INIT;
    if (!writer && cn_segment_writer_new(&writer, NULL) < 0)
        abort();
    if (!memory && !(memory = aligned_alloc(64, CN_SPOOL_MIN)))
        abort();
    size = CN_MIN(size, (size_t) CN_SPOOL_MIN);
    memcpy(memory, data, size);
    memset(memory + size, 0, CN_MIN((size_t) 4096, CN_SPOOL_MIN - size));
    if (cn_spool_attach(memory, CN_SPOOL_MIN, &spool, &dropped, NULL) < 0)
        abort();
    if (cn_spool_each(spool, look, &n) < 0 || n != cn_spool_events(spool))
        abort();
    int fd = memfd_create("segment", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    if (cn_segment_write(writer, spool, fd, &made, &err) < 0 || made.events != n ||
        cn_segment_check(fd, &read, &err) < 0 || made.checksum != read.checksum)
        abort();
    close(fd);
    cn_spool_free(spool);
    return 0;
}
