/* Zstandard by libzstd (RFC 8878). A skippable frame has no content. */
#include "parse/codec.h"

#include <stdlib.h>
#include <zstd.h>

typedef struct zstd {
    cn_codec codec;
    ZSTD_DStream *z;
} zstd;

/* Largest window of a frame: 2^27 bytes, what `zstd` itself accepts. */
enum { ZSTD_WINDOW_LOG = 27 };

static bool begins(cn_span bytes)
{
    if (bytes.len < 4)
        return false;
    uint32_t magic = (uint32_t) bytes.p[0] | (uint32_t) bytes.p[1] << 8 |
                     (uint32_t) bytes.p[2] << 16 | (uint32_t) bytes.p[3] << 24;
    return magic == 0xfd2fb528u || (magic & 0xfffffff0u) == 0x184d2a50u;
}

static int zstd_open(cn_codec **out, cn_err *err)
{
    zstd *s = calloc(1, sizeof *s);
    if (s)
        s->z = ZSTD_createDStream();
    if (!s || !s->z) {
        free(s);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "zstd: no memory");
    }
    ZSTD_DCtx_setParameter(s->z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    s->codec.ops = &cn_codec_zstd;
    *out = &s->codec;
    return CN_OK;
}

static int zstd_step(cn_codec *codec, cn_codec_io *io, bool *out_end, cn_err *err)
{
    zstd *s = (zstd *) codec;
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->out_room, 0};
    size_t left = ZSTD_decompressStream(s->z, &out, &in);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->out_room -= out.pos;
    *out_end = left == 0;
    if (ZSTD_isError(left))
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "zstd: %s", ZSTD_getErrorName(left));
    return CN_OK;
}

static int zstd_reset(cn_codec *codec, cn_err *err)
{
    size_t code = ZSTD_DCtx_reset(((zstd *) codec)->z, ZSTD_reset_session_only);
    if (ZSTD_isError(code))
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "zstd: %s", ZSTD_getErrorName(code));
    return CN_OK;
}

static void zstd_close(cn_codec *codec)
{
    ZSTD_freeDStream(((zstd *) codec)->z);
    free(codec);
}

const cn_codec_ops cn_codec_zstd = {
    .stream = "zstd",
    .begins = begins,
    .open = zstd_open,
    .step = zstd_step,
    .reset = zstd_reset,
    .close = zstd_close,
};
