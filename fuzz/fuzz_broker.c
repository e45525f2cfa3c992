/* The broker's end of the channel: messages of a worker that lies. The input is a sequence of messages:
 * type (1 byte), length of the tail (2 bytes), the fixed part, the tail; the broker is one of a run with one
 * output and no data folder. */
#include "job/broker.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(int fd)
{
    static uint8_t buffer[CN_MESSAGE_MAX];
    while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0)
        ;
}

static void say(cn_broker *b, cn_channel *worker, cn_cur *c)
{
    cn_message_type type = cn_cur_u8(c) % CN_M_COUNT;
    size_t tail_len = cn_cur_le16(c), fixed_len = cn_channel_fixed_size(type);
    uint8_t fixed[256] = {0};
    cn_span given = cn_cur_span(c, CN_MIN(fixed_len, cn_cur_left(c)));
    if (given.len)
        memcpy(fixed, given.p, given.len);
    cn_span tail = cn_cur_span(c, CN_MIN(tail_len, cn_cur_left(c)));
    if (cn_channel_send(worker, type, fixed, tail, -1, NULL) < 0)
        return;
    cn_broker_listen(b, &b->slots[0]);
    cn_broker_assign(b);
    drain(worker->fd);
}

static void end(cn_broker *b)
{
    for (uint32_t i = 0; i <= b->n_workers; i++) {
        cn_broker_take_back(b, &b->slots[i]);
        free(b->slots[i].batch);
        free(b->slots[i].items);
    }
    while (b->n_large)
        free(b->large[--b->n_large]);
    free(b->large);
    for (cn_batch *next; b->small; b->small = next) {
        next = b->small->next;
        free(b->small);
    }
    free(b->keys);
    free(b->mounts);
    cn_buf_free(&b->zone);
    cn_buf_free(&b->zone_name);
    cn_buf_free(&b->zone_tzif);
    cn_buf_free(&b->tail);
    cn_arena_free(&b->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cn_control controls[2];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), ends[2];
    cn_outputs outputs = {.n = 1,
                          .list = {{.encoding = CN_ENCODE_JSONL, .path = "null", .fd = null}}};
    const cn_process_options options = {.source = "x", .outputs = &outputs, .file_timeout_s = 60};
    cn_process_result result = {0};
    cn_err err = CN_ERR_INIT;
    cn_channel worker;
    cn_broker *b = calloc(1, sizeof *b);
    if (null < 0 || !b || cn_channel_pair(ends, NULL) < 0 ||
        cn_channel_open(ends[0], &b->slots[0].channel, NULL) < 0 ||
        cn_channel_open(ends[1], &worker, NULL) < 0)
        abort();
    b->options = &options;
    b->result = &result;
    b->err = &err;
    b->n_workers = 1;
    b->small_end = &b->small;
    b->zone = b->zone_name = b->zone_tzif = cn_buf_of(CN_KIB(80));
    b->tail = cn_buf_of(CN_MESSAGE_MAX);
    b->arena = cn_arena_of(CN_MIB(64));
    b->setup.controls = controls;
    b->slots[0].grant = b->slots[1].grant = (cn_granted){.fd = -1, .output = -1};
    b->slots[0].alive = b->slots[0].spawned = true;
    b->slots[0].job = CN_JOB_START;
    for (cn_cur c = cn_cur_of(cn_span_of(data, size), 0);
         cn_cur_left(&c) && !b->slots[0].distrusted;)
        say(b, &worker, &c);
    end(b);
    cn_channel_close(&b->slots[0].channel);
    cn_channel_close(&worker);
    close(null);
    free(b);
    return 0;
}
