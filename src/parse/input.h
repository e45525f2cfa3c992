/* The bytes of one stream for a parser: a file's content as stored, or what is inside gzip, bzip2,
 * xz or zstd. Read either in sequence or at random. One owner, one thread. */
#pragma once

#include "base/err.h"
#include "img/source.h"

typedef struct cn_input cn_input;

/* How much a stream may hold: a decompressed stream that grows over CN_INPUT_RATIO_MAX times what
 * it was read from and over CN_INPUT_BOMB_MIN is a bomb (CN_E_LIMIT, at the offset reached; what
 * came before has been handed out). */
#define CN_INPUT_RATIO_MAX                                                                         \
    1100u /* deflate cannot exceed 1032:1; bzip2, xz and zstd of honest logs stay far below */
#define CN_INPUT_BOMB_MIN   CN_GIB(8)
#define CN_INPUT_RANDOM_MAX CN_GIB(8) /* of random access to plain content */
#define CN_INPUT_INFLATE_MAX                                                                       \
    CN_MIB(192) /* of random access to compressed content, which is held in memory */

/* Opens a file's content: looks at the first bytes and decompresses where they say so. content is
 * borrowed. */
int cn_input_open(cn_src *content, cn_input **out, cn_err *err) CN_MUST_USE;
/* "", "gzip", "bzip2", "xz", "zstd". */
const char *cn_input_stream(const cn_input *in);
/* The first bytes, at most CN_PROBE_HEAD; *out_whole when that is all. Leaves the sequence at its
 * start. */
int cn_input_head(cn_input *in, cn_span *out, bool *out_whole, cn_err *err) CN_MUST_USE;

/* The next bytes in sequence, borrowed until the next call; empty at the end. Where the content is
 * damaged, what could be read comes first and the error (CN_E_TRUNCATED, CN_E_CORRUPT, CN_E_LIMIT)
 * with the call after it. */
int cn_input_next(cn_input *in, cn_span *out, cn_err *err) CN_MUST_USE;
/* Begins the sequence anew. */
int cn_input_rewind(cn_input *in, cn_err *err) CN_MUST_USE;

/* For sparse files, of which lastlog may claim a terabyte: the first offset >= `offset` that may hold
 * anything but zeros, the stream's size where there is none; `offset` itself for compressed content.
 */
uint64_t cn_input_next_data(const cn_input *in, uint64_t offset);
/* The sequence goes on at this offset of plain content. CN_E_UNSUPPORTED for compressed content. */
int cn_input_seek(cn_input *in, uint64_t offset, cn_err *err) CN_MUST_USE;

/* Bytes of the stream, for random access. Compressed content is decompressed whole for this, up to
 * the limit. */
int cn_input_size(cn_input *in, uint64_t *out, cn_err *err) CN_MUST_USE;
/* Exactly [offset, offset + len), in place; CN_E_TRUNCATED where the stream is shorter. The span
 * stays good until cn_input_relax(), which a parser calls between records so that memory stays
 * bounded. */
int cn_input_span(cn_input *in, uint64_t offset, size_t len, cn_span *out, cn_err *err) CN_MUST_USE;
void cn_input_relax(cn_input *in);

/* What damage reading has met so far: CN_OK, or its code with err set. Random access to compressed
 * content hands out what could be read and leaves the rest to this: who runs a parser asks it
 * afterwards. */
int cn_input_fault(const cn_input *in, cn_err *err) CN_MUST_USE;
/* When the content was last written before it was compressed, as the gzip header says (RFC 1952,
 * section 2.3.1); false where it does not. */
CN_MUST_USE bool cn_input_written(const cn_input *in, int64_t *out_ns);

cn_input *cn_input_close(cn_input *in);
CN_DEFINE_CLEANUP(cn_input, cn_input_close)
