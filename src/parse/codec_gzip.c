/* gzip (RFC 1952): zlib in steps, libdeflate for whole members. Both check the CRC. */
#include "parse/codec.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>

typedef struct gzip {
    cn_codec codec;
    z_stream z;
} gzip;

enum { GZIP_WINDOW = 15 + 16 /* largest window, gzip header */ };

static bool begins(cn_span bytes)
{
    /* ID1 ID2 CM=deflate, reserved flags clear */
    return bytes.len >= 4 && bytes.p[0] == 0x1f && bytes.p[1] == 0x8b && bytes.p[2] == 8 &&
           (bytes.p[3] & 0xe0) == 0;
}

static int zlib_fail(cn_err *err, int code, const char *message)
{
    if (code == Z_MEM_ERROR)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "gzip: no memory");
    return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "gzip: %s", message ? message : "damaged data");
}

static int gzip_open(cn_codec **out, cn_err *err)
{
    gzip *g = calloc(1, sizeof *g);
    if (!g)
        return zlib_fail(err, Z_MEM_ERROR, NULL);
    g->codec.ops = &cn_codec_gzip;
    int code = inflateInit2(&g->z, GZIP_WINDOW);
    if (code != Z_OK) {
        free(g);
        return zlib_fail(err, code, NULL);
    }
    *out = &g->codec;
    return CN_OK;
}

static int gzip_step(cn_codec *codec, cn_codec_io *io, bool *out_end, cn_err *err)
{
    gzip *g = (gzip *) codec;
    uInt in = (uInt) CN_MIN(io->in_len, (size_t) 1 << 30);
    uInt room = (uInt) CN_MIN(io->out_room, (size_t) 1 << 30);
    /* zlib wants a pointer it may write through, and does not. */
    g->z.next_in = (Bytef *) (uintptr_t) io->in;
    g->z.avail_in = in;
    g->z.next_out = io->out;
    g->z.avail_out = room;
    int code = inflate(&g->z, Z_NO_FLUSH);
    io->in += in - g->z.avail_in;
    io->in_len -= in - g->z.avail_in;
    io->out += room - g->z.avail_out;
    io->out_room -= room - g->z.avail_out;
    *out_end = code == Z_STREAM_END;
    if (code == Z_NEED_DICT)
        return zlib_fail(err, Z_DATA_ERROR, "a preset dictionary is needed");
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return zlib_fail(err, code, g->z.msg);
    return CN_OK;
}

static int gzip_reset(cn_codec *codec, cn_err *err)
{
    int code = inflateReset(&((gzip *) codec)->z);
    return code == Z_OK ? CN_OK : zlib_fail(err, code, NULL);
}

static void gzip_close(cn_codec *codec)
{
    inflateEnd(&((gzip *) codec)->z);
    free(codec);
}

const cn_codec_ops cn_codec_gzip = {
    .stream = "gzip",
    .begins = begins,
    .open = gzip_open,
    .step = gzip_step,
    .reset = gzip_reset,
    .close = gzip_close,
};

struct cn_gzip {
    struct libdeflate_decompressor *d;
};

int cn_gzip_whole(cn_gzip **inflater, cn_span in, uint8_t *out, size_t room, size_t *out_used,
                  size_t *out_len, cn_err *err)
{
    if (!*inflater) {
        cn_gzip *made = calloc(1, sizeof *made);
        struct libdeflate_decompressor *d = made ? libdeflate_alloc_decompressor() : NULL;
        if (!d) {
            free(made);
            return zlib_fail(err, Z_MEM_ERROR, NULL);
        }
        made->d = d;
        *inflater = made;
    }
    switch (
        libdeflate_gzip_decompress_ex((*inflater)->d, in.p, in.len, out, room, out_used, out_len)) {
    case LIBDEFLATE_SUCCESS:
        return CN_OK;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "gzip: larger than expected");
    default:
        return zlib_fail(err, Z_DATA_ERROR, NULL);
    }
}

cn_gzip *cn_gzip_free(cn_gzip *inflater)
{
    if (inflater) {
        libdeflate_free_decompressor(inflater->d);
        free(inflater);
    }
    return NULL;
}
