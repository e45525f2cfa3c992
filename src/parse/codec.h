/* Compression formats that logs are kept in. A codec turns the bytes of one frame (a gzip member, a
 * bzip2 or xz stream, a zstd frame) into its content; that several may follow each other is the
 * business of parse/decode.h. One owner, one thread. */
#pragma once

#include "base/err.h"

typedef struct cn_codec cn_codec;

/* What a step works on; it moves both spans forward by what it used. */
typedef struct cn_codec_io {
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
    size_t out_room;
} cn_codec_io;

typedef struct cn_codec_ops {
    const char *stream; /* "gzip", ...: as in cn_input_stream() */
    /* True where a frame begins with these bytes, of which there are CN_CODEC_MAGIC unless the data
     * ends. */
    bool (*begins)(cn_span bytes);
    /* Ready for a frame. */
    int (*open)(cn_codec **out, cn_err *err);
    /* Decompresses some; *out_end when the frame is complete. CORRUPT where it cannot go on: what
     * lies in `out` by then is good. */
    int (*step)(cn_codec *codec, cn_codec_io *io, bool *out_end, cn_err *err);
    /* Ready for the next frame. */
    int (*reset)(cn_codec *codec, cn_err *err);
    void (*close)(cn_codec *codec);
} cn_codec_ops;

struct cn_codec {
    const cn_codec_ops *ops;
};

#define CN_CODEC_MAGIC 10u /* bytes that begins() wants to see */

extern const cn_codec_ops cn_codec_gzip, cn_codec_bzip2, cn_codec_xz, cn_codec_zstd;
/* The codec of content that begins so; NULL for plain content. */
const cn_codec_ops *cn_codec_find(cn_span head);

/* A whole gzip member at once, several times as fast as in steps. *out_used: its compressed bytes,
 * *out_len: what was written to `out`. CN_E_LIMIT where `room` is too small, CN_E_CORRUPT where the
 * member is damaged: nothing in `out` may be used then. `inflater` keeps the tables between calls:
 * NULL at first, freed by cn_gzip_free(). */
typedef struct cn_gzip cn_gzip;
int cn_gzip_whole(cn_gzip **inflater, cn_span in, uint8_t *out, size_t room, size_t *out_used,
                  size_t *out_len, cn_err *err) CN_MUST_USE;
cn_gzip *cn_gzip_free(cn_gzip *inflater);
