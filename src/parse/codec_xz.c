/* xz by liblzma (the .xz file format, version 1.2.0). */
#include "parse/codec.h"

#include <lzma.h>
#include <stdlib.h>

typedef struct xz {
    cn_codec codec;
    lzma_stream z;
} xz;

/* Of the decoder: `xz -9` needs 65 MiB. */
#define XZ_MEMORY_MAX CN_MIB(128)

static bool begins(cn_span bytes)
{
    return bytes.len >= 6 && memcmp(bytes.p, "\xfd\x37\x7a\x58\x5a\x00", 6) == 0;
}

static int xz_fail(cn_err *err, lzma_ret code)
{
    switch (code) {
    case LZMA_MEM_ERROR:
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "xz: no memory");
    case LZMA_MEMLIMIT_ERROR:
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                       "xz: its dictionary is larger than the decoder may hold");
    case LZMA_OPTIONS_ERROR:
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "xz: unknown options");
    default:
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "xz: damaged data");
    }
}

static int xz_open(cn_codec **out, cn_err *err)
{
    xz *x = calloc(1, sizeof *x);
    if (!x)
        return xz_fail(err, LZMA_MEM_ERROR);
    x->codec.ops = &cn_codec_xz;
    x->z = (lzma_stream) LZMA_STREAM_INIT;
    lzma_ret code = lzma_stream_decoder(&x->z, XZ_MEMORY_MAX, 0);
    if (code != LZMA_OK) {
        lzma_end(&x->z);
        free(x);
        return xz_fail(err, code);
    }
    *out = &x->codec;
    return CN_OK;
}

static int xz_step(cn_codec *codec, cn_codec_io *io, bool *out_end, cn_err *err)
{
    xz *x = (xz *) codec;
    x->z.next_in = io->in;
    x->z.avail_in = io->in_len;
    x->z.next_out = io->out;
    x->z.avail_out = io->out_room;
    lzma_ret code = lzma_code(&x->z, LZMA_RUN);
    io->in = x->z.next_in;
    io->in_len = x->z.avail_in;
    io->out = x->z.next_out;
    io->out_room = x->z.avail_out;
    *out_end = code == LZMA_STREAM_END;
    bool good = code == LZMA_OK || code == LZMA_STREAM_END || code == LZMA_BUF_ERROR;
    return good ? CN_OK : xz_fail(err, code);
}

static int xz_reset(cn_codec *codec, cn_err *err)
{
    /* Reuses what the stream has allocated. */
    lzma_ret code = lzma_stream_decoder(&((xz *) codec)->z, XZ_MEMORY_MAX, 0);
    return code == LZMA_OK ? CN_OK : xz_fail(err, code);
}

static void xz_close(cn_codec *codec)
{
    lzma_end(&((xz *) codec)->z);
    free(codec);
}

const cn_codec_ops cn_codec_xz = {
    .stream = "xz",
    .begins = begins,
    .open = xz_open,
    .step = xz_step,
    .reset = xz_reset,
    .close = xz_close,
};
