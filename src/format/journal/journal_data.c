/* Fields of journal entries: DATA objects, plain or compressed, held against their hashes. */
#include "format/journal/journal_object.h"
#include "format/journal/lookup3.h"

#include <lz4.h>
#include <sodium/crypto_shorthash_siphash24.h>

#define COMPRESSED_MAX CN_MIB(4) /* bytes of a compressed field that are looked at */
#define XZ_MEMORY_MAX  CN_MIB(80)

/* LZ4: le64 decompressed size, then one block. */
static int inflate_lz4(cn_journal *j, cn_span in, uint64_t offset, bool *out_cut, cn_err *err)
{
    cn_cur c = cn_cur_of(in, offset);
    uint64_t size = cn_cur_le64(&c);
    int code = cn_cur_check(&c, err, "LZ4 field");
    if (code < 0)
        return code;
    size_t want = (size_t) CN_MIN(size, CN_JOURNAL_FIELD_MAX);
    cn_span block = cn_cur_span(&c, cn_cur_left(&c));
    uint8_t *room = cn_buf_room(&j->field, want);
    if (!room)
        return cn_fail(err, CN_E_NO_MEMORY, offset, "no memory for a field");
    int n = LZ4_decompress_safe_partial((const char *) block.p, (char *) room, (int) block.len,
                                        (int) want, (int) want);
    if (n < 0 || (size_t) n < want)
        return cn_fail(err, CN_E_CORRUPT, offset, "an LZ4 field cannot be decompressed");
    j->field.len += (size_t) n;
    *out_cut = want < size;
    return CN_OK;
}

static int inflate_zstd(cn_journal *j, cn_span in, uint64_t offset, bool *out_cut, cn_err *err)
{
    if (!j->zstd)
        j->zstd = ZSTD_createDCtx();
    uint8_t *room = cn_buf_room(&j->field, CN_JOURNAL_FIELD_MAX);
    if (!j->zstd || !room)
        return cn_fail(err, CN_E_NO_MEMORY, offset, "no memory for a field");
    unsigned long long size = ZSTD_getFrameContentSize(in.p, in.len);
    if (size <= CN_JOURNAL_FIELD_MAX) { /* journald writes the size; this way is the fast one */
        size_t n = ZSTD_decompressDCtx(j->zstd, room, CN_JOURNAL_FIELD_MAX, in.p, in.len);
        if (ZSTD_isError(n))
            return cn_fail(err, CN_E_CORRUPT, offset,
                           "a Zstandard field cannot be decompressed: %s", ZSTD_getErrorName(n));
        j->field.len += n;
        return CN_OK;
    }
    ZSTD_inBuffer input = {in.p, in.len, 0};
    ZSTD_outBuffer output = {room, CN_JOURNAL_FIELD_MAX, 0};
    (void) ZSTD_DCtx_reset(j->zstd, ZSTD_reset_session_only);
    size_t left = 1;
    while (left != 0 && output.pos < output.size && input.pos < input.size) {
        left = ZSTD_decompressStream(j->zstd, &output, &input);
        if (ZSTD_isError(left))
            return cn_fail(err, CN_E_CORRUPT, offset,
                           "a Zstandard field cannot be decompressed: %s", ZSTD_getErrorName(left));
    }
    j->field.len += output.pos;
    *out_cut = left != 0;
    return CN_OK;
}

static int inflate_xz(cn_journal *j, cn_span in, uint64_t offset, bool *out_cut, cn_err *err)
{
    lzma_stream s = LZMA_STREAM_INIT;
    uint8_t *room = cn_buf_room(&j->field, CN_JOURNAL_FIELD_MAX);
    if (!room || lzma_stream_decoder(&s, XZ_MEMORY_MAX, 0) != LZMA_OK)
        return cn_fail(err, CN_E_NO_MEMORY, offset, "no memory for a field");
    s.next_in = in.p;
    s.avail_in = in.len;
    s.next_out = room;
    s.avail_out = CN_JOURNAL_FIELD_MAX;
    lzma_ret r = lzma_code(&s, LZMA_FINISH);
    size_t n = CN_JOURNAL_FIELD_MAX - s.avail_out;
    lzma_end(&s);
    if (r != LZMA_STREAM_END && r != LZMA_OK)
        return cn_fail(err, CN_E_CORRUPT, offset, "an XZ field cannot be decompressed (%d)", r);
    j->field.len += n;
    *out_cut = r == LZMA_OK;
    return CN_OK;
}

static int inflate(cn_journal *j, unsigned flags, cn_span in, uint64_t offset, cn_journal_data *out,
                   cn_err *err)
{
    cn_buf_clear(&j->field);
    int code = flags == CN_JOURNAL_LZ4    ? inflate_lz4(j, in, offset, &out->cut, err)
               : flags == CN_JOURNAL_ZSTD ? inflate_zstd(j, in, offset, &out->cut, err)
                                          : inflate_xz(j, in, offset, &out->cut, err);
    out->payload = cn_buf_span(&j->field);
    out->borrowed = false;
    return code;
}

static uint64_t hash(const cn_journal *j, cn_span payload)
{
    uint64_t h;
    if (!j->info.keyed_hash)
        return cn_lookup3(payload);
    crypto_shorthash_siphash24((unsigned char *) &h, payload.p, payload.len, j->info.file_id.p);
    return h;
}

int cn_journal_data_at(cn_journal *j, uint64_t offset, cn_journal_data *out, cn_err *err)
{
    cn_journal_object o;
    cn_span bytes;
    size_t header = CN_JOURNAL_DATA_HEADER + (j->info.compact ? 8u : 0u);
    if (!cn_journal_object_at(j, offset, &o) || o.type != CN_JOURNAL_DATA)
        return cn_fail(err, CN_E_CORRUPT, offset, "no field where an entry has one");
    uint64_t payload_size = o.size - header;
    uint64_t most = o.flags ? COMPRESSED_MAX : CN_JOURNAL_FIELD_MAX;
    size_t len = (size_t) CN_MIN(payload_size, most);
    int code = cn_journal_read(j, offset, header + len, &bytes, err);
    if (code < 0)
        return code;
    cn_cur c = cn_cur_of(bytes, offset);
    cn_cur_skip(&c, CN_JOURNAL_OBJECT_HEADER);
    uint64_t stored_hash = cn_cur_le64(&c);
    cn_cur_skip(&c, 32); /* offsets: next of this hash, next of this field, entry, entry array */
    *out = (cn_journal_data){.n_entries = cn_cur_le64(&c), .borrowed = true};
    cn_cur_skip(&c, header - CN_JOURNAL_DATA_HEADER);
    out->payload = cn_cur_span(&c, len);
    out->cut = len < payload_size;
    code = cn_cur_check(&c, err, "journal field");
    if (code == CN_OK && o.flags)
        code = inflate(j, o.flags, out->payload, offset, out, err);
    if (code == CN_OK && !out->cut)
        out->hash_wrong = hash(j, out->payload) != stored_hash;
    return code;
}
