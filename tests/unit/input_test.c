/* The input layer: plain and compressed content, in sequence and at random, whole, cut and damaged.
 */
#include "parse/input.h"
#include "parse/parser.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/buf.h"

#include <bzlib.h>
#include <libdeflate.h>
#include <lzma.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* Lines that compress, and differ. */
static cn_buf sample(size_t lines)
{
    cn_buf b = cn_buf_of(CN_MIB(256));
    for (size_t i = 0; i < lines; i++)
        cn_buf_printf(&b, "line %zu: %zu bottles of beer %zx\n", i, i * 7919 % 1000,
                      i * 2654435761u);
    assert_false(b.failed);
    return b;
}

typedef enum kind { PLAIN, GZIP, BZIP2, XZ, ZSTD, KINDS } kind;
static const char *const streams[KINDS] = {"", "gzip", "bzip2", "xz", "zstd"};

static void pack(cn_buf *out, kind k, cn_span in)
{
    size_t room = in.len + in.len / 50 + 4096;
    uint8_t *p = cn_buf_room(out, room);
    assert_non_null(p);
    switch (k) {
    case PLAIN:
        memcpy(p, in.p, in.len);
        room = in.len;
        break;
    case GZIP: {
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
        room = libdeflate_gzip_compress(c, in.p, in.len, p, room);
        libdeflate_free_compressor(c);
        break;
    }
    case BZIP2: {
        unsigned n = (unsigned) room;
        assert_int_equal(BZ2_bzBuffToBuffCompress((char *) p, &n, (char *) (uintptr_t) in.p,
                                                  (unsigned) in.len, 9, 0, 0),
                         BZ_OK);
        room = n;
        break;
    }
    case XZ: {
        size_t n = 0;
        assert_int_equal(
            lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, in.p, in.len, p, &n, room), LZMA_OK);
        room = n;
        break;
    }
    case ZSTD:
        room = ZSTD_compress(p, room, in.p, in.len, 3);
        break;
    case KINDS:
        fail();
    }
    assert_true(room > 0);
    out->len += room;
}

/* Reads the sequence to its end or fault; *out gets what came. */
static int drain(cn_input *in, cn_buf *out, cn_err *err)
{
    cn_span part;
    int code;
    while ((code = cn_input_next(in, &part, err)) == CN_OK && part.len)
        cn_buf_bytes(out, part);
    return code;
}

static void opened(cn_span bytes, cn_src **out_src, cn_input **out_in)
{
    *out_src = cn_src_memory(bytes);
    assert_non_null(*out_src);
    assert_int_equal(cn_input_open(*out_src, out_in, NULL), CN_OK);
}

static void assert_same(const cn_buf *a, const cn_buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->p, b->p, b->len);
}

static void every_codec(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf text = sample(60000);
    for (int k = 0; k < KINDS; k++) {
        CN_CLEANUP(cn_buf_free) cn_buf packed = cn_buf_of(CN_MIB(64));
        /* Two frames in one file, as logrotate and pigz leave them; plain content has none. */
        pack(&packed, (kind) k, cn_span_sub(cn_buf_span(&text), 0, text.len / 3));
        pack(&packed, (kind) k, cn_span_sub(cn_buf_span(&text), text.len / 3, text.len));
        CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
        CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
        opened(cn_buf_span(&packed), &src, &in);
        assert_string_equal(cn_input_stream(in), streams[k]);
        cn_span head;
        bool whole = true;
        assert_int_equal(cn_input_head(in, &head, &whole, NULL), CN_OK);
        assert_int_equal(head.len, CN_PROBE_HEAD);
        assert_false(whole);
        assert_memory_equal(head.p, text.p, head.len);
        for (int round = 0; round < 2; round++) {
            CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(CN_MIB(64));
            assert_int_equal(drain(in, &got, NULL), CN_OK);
            assert_same(&got, &text);
            assert_int_equal(cn_input_rewind(in, NULL), CN_OK);
        }
        uint64_t size;
        assert_int_equal(cn_input_size(in, &size, NULL), CN_OK);
        assert_int_equal(size, text.len);
        for (size_t at = 0; at + 100000 < text.len; at += 99991) {
            cn_span s;
            assert_int_equal(cn_input_span(in, at, 100000, &s, NULL), CN_OK);
            assert_memory_equal(s.p, text.p + at, s.len);
            cn_input_relax(in);
        }
        cn_span s;
        cn_err err = CN_ERR_INIT;
        assert_int_equal(cn_input_span(in, text.len - 10, 11, &s, &err), CN_E_TRUNCATED);
        assert_int_equal(cn_input_span(in, UINT64_MAX, 2, &s, &err), CN_E_TRUNCATED);
        assert_int_equal(cn_input_fault(in, &err), CN_OK);
    }
}

/* However short a file is cut: no byte that was there is lost, none is made up, and the cut is
 * told. */
static void cut_anywhere(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf text = sample(400);
    for (int k = GZIP; k < KINDS; k++) {
        CN_CLEANUP(cn_buf_free) cn_buf packed = cn_buf_of(CN_MIB(64));
        pack(&packed, (kind) k, cn_buf_span(&text));
        for (size_t n = 10; n < packed.len; n += 1 + packed.len / 199) {
            CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
            CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
            opened(cn_span_sub(cn_buf_span(&packed), 0, n), &src, &in);
            CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(CN_MIB(64));
            cn_err err = CN_ERR_INIT;
            assert_int_equal(drain(in, &got, &err), CN_E_TRUNCATED);
            assert_int_equal(err.offset, got.len);
            assert_true(got.len <= text.len);
            if (got.len)
                assert_memory_equal(got.p, text.p, got.len);
            assert_int_equal(cn_input_fault(in, NULL), CN_E_TRUNCATED);
            assert_int_equal(drain(in, &got, &err), CN_E_TRUNCATED);
        }
    }
}

static void cut_gzip_gives_its_lines(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf text = sample(60000);
    CN_CLEANUP(cn_buf_free) cn_buf packed = cn_buf_of(CN_MIB(64));
    pack(&packed, GZIP, cn_buf_span(&text));
    CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    opened(cn_span_sub(cn_buf_span(&packed), 0, packed.len * 6 / 10), &src, &in);
    CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(CN_MIB(64));
    assert_int_equal(drain(in, &got, NULL), CN_E_TRUNCATED);
    assert_true(got.len > text.len / 2);
    assert_memory_equal(got.p, text.p, got.len);
    /* Random access has the same, and says what ended it. */
    uint64_t size;
    assert_int_equal(cn_input_size(in, &size, NULL), CN_OK);
    assert_int_equal(size, got.len);
    cn_span s;
    assert_int_equal(cn_input_span(in, size - 1, 2, &s, NULL), CN_E_TRUNCATED);
    assert_int_equal(cn_input_fault(in, NULL), CN_E_TRUNCATED);
}

static void damage_in_the_second_member(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf text = sample(20000);
    CN_CLEANUP(cn_buf_free) cn_buf packed = cn_buf_of(CN_MIB(64));
    pack(&packed, GZIP, cn_buf_span(&text));
    size_t first = packed.len;
    pack(&packed, GZIP, cn_buf_span(&text));
    packed.p[packed.len - 6] ^= 1; /* its CRC */
    CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    opened(cn_buf_span(&packed), &src, &in);
    CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(CN_MIB(64));
    assert_int_equal(drain(in, &got, NULL), CN_E_CORRUPT);
    assert_int_equal(got.len, 2 * text.len); /* all of it was there, only its sum was wrong */
    /* Garbage behind a good member is told, zeros are padding. */
    for (int garbage = 0; garbage < 2; garbage++) {
        memset(packed.p + first, garbage ? 'x' : 0, 3000);
        CN_CLEANUP(cn_src_close_p) cn_src *src2 = NULL;
        CN_CLEANUP(cn_input_close_p) cn_input *in2 = NULL;
        opened(cn_span_sub(cn_buf_span(&packed), 0, first + 3000), &src2, &in2);
        cn_buf_clear(&got);
        assert_int_equal(drain(in2, &got, NULL), garbage ? CN_E_CORRUPT : CN_OK);
        assert_same(&got, &text);
    }
}

/* A member that does not fit the whole-member buffer goes through the steps. */
static void large_gzip(void **state)
{
    (void) state;
    enum { MIB = 1 << 20 };
    uint8_t *block = calloc(1, MIB);
    CN_CLEANUP(cn_buf_free) cn_buf packed = cn_buf_of(CN_MIB(64));
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0; i < 130; i++) {
        block[i] = (uint8_t) i;
        z.next_in = block;
        z.avail_in = MIB;
        z.next_out = cn_buf_room(&packed, MIB);
        z.avail_out = MIB;
        deflate(&z, i == 129 ? Z_FINISH : Z_NO_FLUSH);
        packed.len += MIB - z.avail_out;
    }
    deflateEnd(&z);
    CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    opened(cn_buf_span(&packed), &src, &in);
    uint64_t total = 0;
    cn_span part;
    while (cn_input_next(in, &part, NULL) == CN_OK && part.len)
        total += part.len;
    assert_int_equal(total, 130ull * MIB);
    assert_int_equal(cn_input_fault(in, NULL), CN_OK);
    free(block);
}

static void written_time(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf text = sample(4);
    CN_CLEANUP(cn_buf_free) cn_buf packed = cn_buf_of(CN_MIB(1));
    pack(&packed, GZIP, cn_buf_span(&text));
    for (int set = 0; set < 2; set++) {
        memcpy(packed.p + 4, set ? "\x01\x00\x00\x60" : "\0\0\0\0", 4);
        CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
        CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
        opened(cn_buf_span(&packed), &src, &in);
        int64_t ns = 0;
        assert_int_equal(cn_input_written(in, &ns), set);
        if (set)
            assert_int_equal(ns, 0x60000001 * CN_NS_PER_S);
        cn_span head;
        bool whole = false;
        assert_int_equal(cn_input_head(in, &head, &whole, NULL), CN_OK);
        assert_true(whole);
        assert_int_equal(head.len, text.len);
    }
}

static void empty_and_tiny(void **state)
{
    (void) state;
    for (size_t n = 0; n < 4; n++) {
        CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
        CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
        opened(cn_span_of("\x1f\x8b\x08", n), &src, &in);
        cn_span head;
        bool whole = false;
        assert_int_equal(cn_input_head(in, &head, &whole, NULL), CN_OK);
        assert_true(whole);
        assert_int_equal(head.len, n);
        uint64_t size;
        assert_int_equal(cn_input_size(in, &size, NULL), CN_OK);
        assert_int_equal(size, n);
    }
}

/* Plain content with a hole in what can be read: all before it comes, then the fault at its offset.
 */
typedef struct holed {
    cn_src src;
    uint64_t bad_from, bad_to;
} holed;
static int holed_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    holed *h = (holed *) src;
    if (offset < h->bad_to && offset + n > h->bad_from)
        return cn_fail(err, CN_E_CORRUPT, CN_MAX(offset, h->bad_from), "bad checksum");
    memset(out, 'x', n);
    return CN_OK;
}
static void holed_close(cn_src *src) { (void) src; }

static void unreadable_part(void **state)
{
    (void) state;
    static const cn_src_ops ops = {.read = holed_read, .close = holed_close};
    holed h = {{&ops, 3000000, 512, "test"}, 1000000, 1000512};
    cn_input *in = NULL;
    assert_int_equal(cn_input_open(&h.src, &in, NULL), CN_OK);
    CN_CLEANUP(cn_buf_free) cn_buf got = cn_buf_of(CN_MIB(4));
    cn_err err = CN_ERR_INIT;
    assert_int_equal(drain(in, &got, &err), CN_E_CORRUPT);
    assert_true(got.len <= 1000000 && got.len > 1000000 - 4096);
    assert_int_equal(err.offset, got.len);
    cn_span s;
    assert_int_equal(cn_input_span(in, 999000, 1000, &s, &err), CN_OK);
    assert_int_equal(cn_input_span(in, 999000, 1001, &s, &err), CN_E_CORRUPT);
    assert_int_equal(cn_input_span(in, 1000512, 5000, &s, &err), CN_OK);
    cn_input_close(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(cut_gzip_gives_its_lines),
        cmocka_unit_test(damage_in_the_second_member),
        cmocka_unit_test(large_gzip),
        cmocka_unit_test(written_time),
        cmocka_unit_test(empty_and_tiny),
        cmocka_unit_test(unreadable_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
