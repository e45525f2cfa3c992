/* Two ways through compressed content. Step by step, through a buffer of 256 KiB, works for
 * everything. A gzip file of moderate size is read whole and each member inflated at once by
 * libdeflate (2.4 times as fast); where that fails, because the member is damaged or larger than
 * the buffer, the steps take over at that member and bring out what can be read of it. */
#include "parse/decode.h"

#include "parse/input.h"

#include <stdlib.h>
#include <sys/mman.h>

#define STEP_IN      CN_KIB(64)
#define STEP_OUT     CN_KIB(256)
#define WHOLE_IN_MAX CN_MIB(24)
/* Plain bytes of one member. Its memory comes zeroed from the system and only what is written to is
 * ever there. */
#define WHOLE_OUT_MAX CN_MIB(96)
/* Up to this many compressed bytes it is cheaper to inflate all than to look at the head first. */
#define WHOLE_HEAD_MAX CN_KIB(128)
#define DEFLATE_RATIO  1032u /* no deflate stream exceeds it */

struct cn_decode {
    cn_src *content;
    const cn_codec_ops *ops;
    /* step by step */
    cn_codec *codec;
    uint8_t *in, *out;     /* STEP_IN and STEP_OUT bytes */
    uint64_t in_at;        /* offset in content behind what `in` holds */
    size_t in_from, in_to; /* unread bytes in `in` */
    bool in_end;           /* content has no more */
    bool in_frame;
    /* whole members */
    bool whole;
    cn_gzip *inflater;
    uint8_t *packed, *plain;
    size_t packed_len, plain_room;
    size_t member_at, member_end; /* in packed, of what `plain` holds */
    size_t member_len;            /* plain bytes of it; 0 before the first */
    bool member_served;
    /* both */
    uint64_t produced;
    bool ended;
    int fault;
    cn_err fault_err;
};

static int fail_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to decompress");
}

int cn_decode_open(cn_src *content, const cn_codec_ops *ops, cn_decode **out, cn_err *err)
{
    cn_decode *d = calloc(1, sizeof *d);
    if (!d)
        return fail_memory(err);
    d->content = content;
    d->ops = ops;
    d->fault_err = CN_ERR_INIT;
    d->whole = ops == &cn_codec_gzip && content->size <= WHOLE_IN_MAX;
    *out = d;
    return CN_OK;
}

/* Keeps the first damage; it is told when everything before it has been handed out. */
static void set_fault(cn_decode *d, const cn_err *cause)
{
    if (d->fault == CN_OK) {
        d->fault = cause->code;
        d->fault_err = *cause;
        d->fault_err.offset = d->produced;
    }
    d->ended = true;
}

/* ---- whole members */

static void drop_whole(cn_decode *d)
{
    if (d->plain)
        munmap(d->plain, d->plain_room);
    free(d->packed);
    d->plain = NULL;
    d->packed = NULL;
    d->inflater = cn_gzip_free(d->inflater);
    d->whole = false;
}

/* What the last member says it holds, modulo 2^32 (RFC 1952, ISIZE): only good to see early that it
 * does not fit. */
static uint32_t last_member_bytes(const cn_decode *d)
{
    uint32_t bytes = 0;
    for (size_t i = 1; i <= 4 && i <= d->packed_len; i++)
        bytes = bytes << 8 | d->packed[d->packed_len - i];
    return bytes;
}

static bool load_whole(cn_decode *d)
{
    if (d->packed)
        return true;
    size_t size = (size_t) d->content->size;
    d->packed = malloc(size + 1);
    if (!d->packed)
        return false;
    if (cn_src_read_some(d->content, 0, d->packed, size, &d->packed_len, NULL) < 0 ||
        last_member_bytes(d) > WHOLE_OUT_MAX)
        return false;
    d->plain_room = CN_MIN((size_t) WHOLE_OUT_MAX, d->packed_len * DEFLATE_RATIO + 64);
    void *p = mmap(NULL, d->plain_room, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return false;
    if (d->packed_len > WHOLE_HEAD_MAX)
        (void) madvise(p, d->plain_room, MADV_HUGEPAGE); /* only makes it faster */
    d->plain = p;
    return true;
}

/* The next member into *out. False: the steps must go on, at the place they have been set to. */
static bool next_whole(cn_decode *d, cn_span *out)
{
    if (d->member_len && !d->member_served) {
        d->member_served = true;
        d->produced += d->member_len;
        *out = cn_span_of(d->plain, d->member_len);
        return true;
    }
    size_t at = d->member_served ? d->member_end : 0;
    while (at < d->packed_len && d->packed[at] == 0 && at > 0)
        at++;
    while (at < d->packed_len) {
        cn_span rest = cn_span_of(d->packed + at, d->packed_len - at);
        size_t used = 0, len = 0;
        if (!d->ops->begins(rest) ||
            cn_gzip_whole(&d->inflater, rest, d->plain, d->plain_room, &used, &len, NULL) < 0) {
            d->in_at = at;
            return false;
        }
        d->member_at = at;
        d->member_end = at + used;
        d->member_len = len;
        d->member_served = true;
        at += used;
        if (len) { /* an empty member is good, and has nothing to hand out */
            d->produced += len;
            *out = cn_span_of(d->plain, len);
            return true;
        }
        while (at < d->packed_len && d->packed[at] == 0)
            at++;
    }
    d->ended = true;
    *out = (cn_span){NULL, 0};
    return true;
}

/* ---- steps */

static int fill(cn_decode *d, cn_err *err)
{
    size_t left = d->in_to - d->in_from, got = 0;
    memmove(d->in, d->in + d->in_from, left);
    d->in_from = 0;
    d->in_to = left;
    int code = cn_src_read_some(d->content, d->in_at, d->in + left, STEP_IN - left, &got, err);
    if (code < 0) /* as close to the fault as a block */
        code = cn_src_read_some(d->content, d->in_at, d->in + left,
                                CN_MIN(STEP_IN - left, CN_KIB(4)), &got, err);
    d->in_to += got;
    d->in_at += got;
    d->in_end = got == 0 || d->in_at >= d->content->size;
    return code;
}

/* Passes over what pads the space between frames, and sees to it that CN_CODEC_MAGIC bytes of the
 * next one are there. */
static int find_frame(cn_decode *d, cn_err *err)
{
    bool first = d->in_at == 0;
    do {
        while (!first && d->in_from < d->in_to && d->in[d->in_from] == 0)
            d->in_from++;
        if (d->in_to - d->in_from >= CN_CODEC_MAGIC || d->in_end)
            return CN_OK;
        int code = fill(d, err);
        if (code < 0)
            return code;
    } while (true);
}

/* Makes the codec ready for the next frame. False at the end or at a fault. */
static bool begin_frame(cn_decode *d)
{
    cn_err err = CN_ERR_INIT;
    if (find_frame(d, &err) < 0) {
        set_fault(d, &err);
        return false;
    }
    cn_span rest = cn_span_of(d->in + d->in_from, d->in_to - d->in_from);
    if (rest.len == 0) {
        d->ended = true;
        return false;
    }
    int code;
    if (!d->ops->begins(rest))
        code = cn_fail(&err, CN_E_CORRUPT, CN_NO_OFFSET,
                       "%s: the bytes from %llu of the file on are none of its frames",
                       d->ops->stream, (unsigned long long) (d->in_at - rest.len));
    else
        code = d->codec ? d->ops->reset(d->codec, &err) : d->ops->open(&d->codec, &err);
    if (code < 0) {
        set_fault(d, &err);
        return false;
    }
    d->in_frame = true;
    return true;
}

static bool is_bomb(const cn_decode *d)
{
    return d->produced > CN_INPUT_BOMB_MIN &&
           d->produced / CN_INPUT_RATIO_MAX > CN_MAX(d->content->size, 1u);
}

/* Fills `out` up to `want` bytes; fewer at the end or at a fault. */
static size_t run_steps(cn_decode *d, size_t want)
{
    size_t done = 0;
    cn_err err = CN_ERR_INIT;
    while (done < want && !d->ended) {
        if (!d->in_frame && !begin_frame(d))
            break;
        if (d->in_from == d->in_to && !d->in_end && fill(d, &err) < 0) {
            set_fault(d, &err);
            break;
        }
        cn_codec_io io = {d->in + d->in_from, d->in_to - d->in_from, d->out + done, want - done};
        size_t before = io.in_len;
        bool end = false;
        int code = d->ops->step(d->codec, &io, &end, &err);
        size_t used = before - io.in_len, made = want - done - io.out_room;
        d->in_from += used;
        done += made;
        d->produced += made;
        if (end)
            d->in_frame = false;
        if (code < 0) {
            set_fault(d, &err);
        } else if (is_bomb(d)) {
            (void) cn_fail(&err, CN_E_LIMIT, CN_NO_OFFSET,
                           "%s: more than %u times its size: a decompression bomb", d->ops->stream,
                           CN_INPUT_RATIO_MAX);
            set_fault(d, &err);
        } else if (used == 0 && made == 0 && !end && d->in_end) {
            (void) cn_fail(&err, CN_E_TRUNCATED, CN_NO_OFFSET, "%s: the data ends in a frame",
                           d->ops->stream);
            set_fault(d, &err);
        } else if (used == 0 && made == 0 && !end && fill(d, &err) < 0) {
            set_fault(d, &err);
        }
    }
    return done;
}

static bool have_step_memory(cn_decode *d)
{
    if (!d->in)
        d->in = malloc(STEP_IN);
    if (!d->out)
        d->out = malloc(STEP_OUT);
    return d->in && d->out;
}

int cn_decode_next(cn_decode *d, cn_span *out, cn_err *err)
{
    *out = (cn_span){NULL, 0};
    if (!d->ended && d->whole) {
        uint64_t before = d->produced;
        if (load_whole(d) && next_whole(d, out))
            return CN_OK;
        uint64_t at = d->in_at;
        drop_whole(d);
        d->produced = before;
        d->in_at = at;
    }
    if (!d->ended) {
        if (!have_step_memory(d))
            return fail_memory(err);
        size_t n = run_steps(d, STEP_OUT);
        if (n) {
            *out = cn_span_of(d->out, n);
            return CN_OK;
        }
    }
    return cn_decode_fault(d, err);
}

void cn_decode_rewind(cn_decode *d)
{
    d->produced = 0;
    d->ended = false;
    d->fault = CN_OK;
    d->in_at = 0;
    d->in_from = d->in_to = 0;
    d->in_end = d->in_frame = false;
    if (d->member_at == 0 && d->member_len)
        d->member_served = false; /* `plain` still holds the first member */
    else
        d->member_len = d->member_end = 0, d->member_served = false;
}

int cn_decode_head(cn_decode *d, size_t n, cn_span *out, bool *out_whole, cn_err *err)
{
    cn_decode_rewind(d);
    bool whole = d->whole;
    size_t got = 0;
    if (whole && d->content->size <= WHOLE_HEAD_MAX) {
        cn_span first;
        int code = cn_decode_next(d, &first, err);
        if (code < 0)
            return code;
        /* One member has all; of several, the steps see more than the first. */
        if (first.len >= n || (d->whole && d->member_end == d->packed_len)) {
            *out = cn_span_sub(first, 0, n);
            *out_whole = first.len <= n && d->whole && d->member_end == d->packed_len;
            cn_decode_rewind(d);
            return CN_OK;
        }
        cn_decode_rewind(d);
    }
    if (!have_step_memory(d))
        return fail_memory(err);
    got = run_steps(d, n);
    if (got == 0 && d->fault)
        return cn_decode_fault(d, err);
    *out = cn_span_of(d->out, got);
    *out_whole = d->ended && !d->fault;
    cn_decode_rewind(d);
    d->whole = whole && d->whole;
    return CN_OK;
}

int cn_decode_fault(const cn_decode *d, cn_err *err)
{
    if (d->fault && err)
        *err = d->fault_err;
    return d->fault;
}

cn_decode *cn_decode_close(cn_decode *d)
{
    if (d) {
        drop_whole(d);
        if (d->codec)
            d->ops->close(d->codec);
        free(d->in);
        free(d->out);
        free(d);
    }
    return NULL;
}
