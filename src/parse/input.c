#include "parse/input.h"

#include "base/timestamp.h"
#include "parse/decode.h"
#include "parse/pages.h"
#include "parse/parser.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PLAIN_CHUNK CN_KIB(256)
#define PLAIN_STEP  CN_KIB(4) /* how close damaged plain content is read up to its fault */

struct cn_input {
    cn_src *content;
    /* plain content: the sequence */
    uint8_t *chunk;
    uint64_t at;
    /* compressed content; NULL where it is plain */
    const cn_codec_ops *codec;
    cn_decode *decode;
    /* random access */
    cn_pages *pages;
    uint8_t *inflated;
    size_t inflated_len;
    bool is_inflated;

    int fault; /* of plain content, or of compressed content when it was inflated whole */
    cn_err fault_err;
    bool head_known, head_whole;
    size_t head_len;
    uint8_t head[CN_PROBE_HEAD];
};

static int fail_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to read a file");
}

static int told_fault(const cn_input *in, cn_err *err)
{
    if (in->fault && err)
        *err = in->fault_err;
    return in->fault;
}

/* Reads plain content, up to the very fault where there is one, which is kept. */
static size_t read_plain(cn_input *in, uint64_t offset, uint8_t *out, size_t n)
{
    size_t got = 0;
    cn_err err = CN_ERR_INIT;
    if (cn_src_read_some(in->content, offset, out, n, &got, &err) == CN_OK)
        return got;
    for (got = 0; got < n;) {
        size_t part = 0;
        if (cn_src_read_some(in->content, offset + got, out + got, CN_MIN(n - got, PLAIN_STEP),
                             &part, &err) < 0) {
            in->fault = err.code;
            in->fault_err = err;
            in->fault_err.offset = offset + got;
            break;
        }
        if (part == 0)
            break;
        got += part;
    }
    return got;
}

int cn_input_open(cn_src *content, cn_input **out, cn_err *err)
{
    /* Not zeroed as a whole: the head is as large as all the files of a disk are many. */
    cn_input *in = malloc(sizeof *in);
    if (!in)
        return fail_memory(err);
    memset(in, 0, offsetof(cn_input, head));
    in->content = content;
    in->fault_err = CN_ERR_INIT;
    in->head_len = read_plain(in, 0, in->head, (size_t) CN_MIN(content->size, CN_PROBE_HEAD));
    in->codec = cn_codec_find(cn_span_of(in->head, in->head_len));
    if (in->codec) {
        in->fault = CN_OK;
        int code = cn_decode_open(content, in->codec, &in->decode, err);
        if (code < 0) {
            free(in);
            return code;
        }
    } else {
        in->head_known = true;
        in->head_whole = in->head_len >= content->size && !in->fault;
        in->at = 0;
    }
    *out = in;
    return CN_OK;
}

const char *cn_input_stream(const cn_input *in) { return in->codec ? in->codec->stream : ""; }

/* RFC 1952, section 2.3: MTIME is at offset 4, 0 where there is none. */
bool cn_input_written(const cn_input *in, int64_t *out_ns)
{
    uint8_t header[8];
    if (in->codec != &cn_codec_gzip || in->content->size < sizeof header ||
        cn_src_read(in->content, 0, header, sizeof header, NULL) < 0)
        return false;
    uint32_t mtime = (uint32_t) header[4] | (uint32_t) header[5] << 8 | (uint32_t) header[6] << 16 |
                     (uint32_t) header[7] << 24;
    return mtime != 0 && cn_time_from_unix(mtime, 0, out_ns);
}

int cn_input_head(cn_input *in, cn_span *out, bool *out_whole, cn_err *err)
{
    if (!in->head_known) {
        cn_span head;
        int code = cn_decode_head(in->decode, sizeof in->head, &head, &in->head_whole, err);
        if (code < 0)
            return code;
        memcpy(in->head, head.p ? head.p : in->head, head.len);
        in->head_len = head.len;
        in->head_known = true;
    }
    if (in->head_len == 0 && in->fault)
        return told_fault(in, err);
    in->at = 0;
    if (in->decode)
        cn_decode_rewind(in->decode);
    *out = cn_span_of(in->head, in->head_len);
    *out_whole = in->head_whole;
    return CN_OK;
}

int cn_input_next(cn_input *in, cn_span *out, cn_err *err)
{
    if (in->codec)
        return cn_decode_next(in->decode, out, err);
    *out = (cn_span){NULL, 0};
    if (in->at < in->head_len) {
        *out = cn_span_of(in->head + in->at, in->head_len - (size_t) in->at);
        in->at = in->head_len;
        return CN_OK;
    }
    if (in->at >= in->content->size || in->fault)
        return told_fault(in, err);
    if (!in->chunk)
        in->chunk = malloc(PLAIN_CHUNK);
    if (!in->chunk)
        return fail_memory(err);
    /* Chunks end at multiples of their size, so that they meet the blocks of the file system. */
    size_t want = (size_t) (PLAIN_CHUNK - in->at % PLAIN_CHUNK);
    size_t n = read_plain(in, in->at, in->chunk, want);
    in->at += n;
    *out = cn_span_of(in->chunk, n);
    return n ? CN_OK : told_fault(in, err);
}

int cn_input_rewind(cn_input *in, cn_err *err)
{
    (void) err;
    in->at = 0;
    if (in->codec)
        cn_decode_rewind(in->decode);
    else if (in->fault && in->fault_err.offset > in->head_len)
        in->fault = CN_OK; /* it will be met again */
    return CN_OK;
}

uint64_t cn_input_next_data(const cn_input *in, uint64_t offset)
{
    return in->codec ? offset : cn_src_next_data(in->content, offset);
}

int cn_input_seek(cn_input *in, uint64_t offset, cn_err *err)
{
    if (in->codec)
        return cn_fail(err, CN_E_UNSUPPORTED, offset, "%s is read in sequence only",
                       in->codec->stream);
    in->at = offset;
    return CN_OK;
}

/* ---- random access */

/* Everything of compressed content into memory, up to the limit. Damage ends it and is kept. */
static int inflate_all(cn_input *in, cn_err *err)
{
    if (in->is_inflated)
        return CN_OK;
    size_t room = (size_t) CN_INPUT_INFLATE_MAX;
    void *p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        return cn_fail_errno(err, "no memory to decompress %s", in->codec->stream);
    in->inflated = p;
    in->is_inflated = true;
    cn_decode_rewind(in->decode);
    while (true) {
        cn_span part;
        in->fault = cn_decode_next(in->decode, &part, &in->fault_err);
        if (in->fault || part.len == 0)
            break;
        if (part.len > room - in->inflated_len) {
            in->fault = cn_fail(&in->fault_err, CN_E_LIMIT, in->inflated_len,
                                "%s: holds more than %llu MiB, which is not read here",
                                in->codec->stream, (unsigned long long) (room >> 20));
            break;
        }
        memcpy(in->inflated + in->inflated_len, part.p, part.len);
        in->inflated_len += part.len;
    }
    cn_decode_rewind(in->decode);
    return in->inflated_len ? CN_OK : told_fault(in, err);
}

int cn_input_size(cn_input *in, uint64_t *out, cn_err *err)
{
    if (!in->codec) {
        *out = in->content->size;
        return CN_OK;
    }
    int code = inflate_all(in, err);
    if (code == CN_OK)
        *out = in->inflated_len;
    return code;
}

int cn_input_span(cn_input *in, uint64_t offset, size_t len, cn_span *out, cn_err *err)
{
    uint64_t end = 0, size = 0;
    int code = cn_input_size(in, &size, err);
    if (code < 0)
        return code;
    if (!cn_add(offset, len, &end) || end > size) {
        if (in->codec && in->fault)
            return told_fault(in, err);
        return cn_fail(err, CN_E_TRUNCATED, offset,
                       "%zu bytes are wanted here, the data ends at %llu", len,
                       (unsigned long long) size);
    }
    if (in->codec) {
        *out = cn_span_of(in->inflated + offset, len);
        return CN_OK;
    }
    if (end <= in->head_len) {
        *out = cn_span_of(in->head + offset, len);
        return CN_OK;
    }
    if (end > CN_INPUT_RANDOM_MAX)
        return cn_fail(err, CN_E_LIMIT, offset, "random access ends at %llu GiB",
                       (unsigned long long) (CN_INPUT_RANDOM_MAX >> 30));
    if (!in->pages) {
        code = cn_pages_open(in->content, CN_MIN(size, CN_INPUT_RANDOM_MAX), &in->pages, err);
        if (code < 0)
            return code;
    }
    return cn_pages_span(in->pages, offset, len, out, err);
}

void cn_input_relax(cn_input *in)
{
    if (in->pages)
        cn_pages_relax(in->pages);
}

int cn_input_fault(const cn_input *in, cn_err *err)
{
    if (in->fault)
        return told_fault(in, err);
    return in->decode ? cn_decode_fault(in->decode, err) : CN_OK;
}

cn_input *cn_input_close(cn_input *in)
{
    if (in) {
        cn_decode_close(in->decode);
        cn_pages_close(in->pages);
        if (in->inflated)
            munmap(in->inflated, (size_t) CN_INPUT_INFLATE_MAX);
        free(in->chunk);
        free(in);
    }
    return NULL;
}
