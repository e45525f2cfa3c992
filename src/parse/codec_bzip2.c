/* bzip2 by libbz2. A stream begins "BZh", the block size '1' to '9', and the first block's magic
 * or, where it is empty, that of its end. */
#include "parse/codec.h"

#include <bzlib.h>
#include <stdlib.h>

typedef struct bzip2 {
    cn_codec codec;
    bz_stream z;
} bzip2;

static bool begins(cn_span bytes)
{
    static const uint8_t block[6] = {0x31, 0x41, 0x59, 0x26, 0x53, 0x59},
                         end[6] = {0x17, 0x72, 0x45, 0x38, 0x50, 0x90};
    return bytes.len >= 10 && memcmp(bytes.p, "BZh", 3) == 0 && bytes.p[3] >= '1' &&
           bytes.p[3] <= '9' && (!memcmp(bytes.p + 4, block, 6) || !memcmp(bytes.p + 4, end, 6));
}

static int bzip2_fail(cn_err *err, int code)
{
    if (code == BZ_MEM_ERROR)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "bzip2: no memory");
    return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "bzip2: damaged data");
}

static int bzip2_open(cn_codec **out, cn_err *err)
{
    bzip2 *b = calloc(1, sizeof *b);
    if (!b)
        return bzip2_fail(err, BZ_MEM_ERROR);
    b->codec.ops = &cn_codec_bzip2;
    int code = BZ2_bzDecompressInit(&b->z, 0, 0);
    if (code != BZ_OK) {
        free(b);
        return bzip2_fail(err, code);
    }
    *out = &b->codec;
    return CN_OK;
}

static int bzip2_step(cn_codec *codec, cn_codec_io *io, bool *out_end, cn_err *err)
{
    bzip2 *b = (bzip2 *) codec;
    unsigned in = (unsigned) CN_MIN(io->in_len, (size_t) 1 << 30);
    unsigned room = (unsigned) CN_MIN(io->out_room, (size_t) 1 << 30);
    b->z.next_in = (char *) (uintptr_t) io->in;
    b->z.avail_in = in;
    b->z.next_out = (char *) io->out;
    b->z.avail_out = room;
    int code = BZ2_bzDecompress(&b->z);
    io->in += in - b->z.avail_in;
    io->in_len -= in - b->z.avail_in;
    io->out += room - b->z.avail_out;
    io->out_room -= room - b->z.avail_out;
    *out_end = code == BZ_STREAM_END;
    return code == BZ_OK || code == BZ_STREAM_END ? CN_OK : bzip2_fail(err, code);
}

static int bzip2_reset(cn_codec *codec, cn_err *err)
{
    bzip2 *b = (bzip2 *) codec;
    BZ2_bzDecompressEnd(&b->z);
    memset(&b->z, 0, sizeof b->z);
    int code = BZ2_bzDecompressInit(&b->z, 0, 0);
    return code == BZ_OK ? CN_OK : bzip2_fail(err, code);
}

static void bzip2_close(cn_codec *codec)
{
    BZ2_bzDecompressEnd(&((bzip2 *) codec)->z);
    free(codec);
}

const cn_codec_ops cn_codec_bzip2 = {
    .stream = "bzip2",
    .begins = begins,
    .open = bzip2_open,
    .step = bzip2_step,
    .reset = bzip2_reset,
    .close = bzip2_close,
};
