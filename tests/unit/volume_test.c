/* Partition tables made by hand: what image tools do not write. And the LVM text, which tools write well only. */
#include "base/buf.h"
#include "vol/lvm_text.h"
#include "vol/volume.h"

#include <libdeflate.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define DISK CN_MIB(8)

typedef struct disk {
    uint8_t *bytes;
    cn_src *src;
} disk;

static disk make_disk(void)
{
    disk d = {.bytes = calloc(1, DISK)};
    assert_non_null(d.bytes);
    d.src = cn_src_memory(cn_span_of(d.bytes, DISK));
    assert_non_null(d.src);
    return d;
}

static void drop_disk(disk *d)
{
    cn_src_close(d->src);
    free(d->bytes);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t) (v >> (8 * i));
}
static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t) v);
    put32(p + 4, (uint32_t) (v >> 32));
}

static void put_entry(disk *d, uint64_t sector, int i, uint8_t type, uint32_t first, uint32_t count)
{
    uint8_t *p = d->bytes + sector * 512;
    p[446 + 16 * i + 4] = type;
    put32(p + 446 + 16 * i + 8, first);
    put32(p + 446 + 16 * i + 12, count);
    p[510] = 0x55;
    p[511] = 0xaa;
}

static cn_volumes *open_as(disk *d, const char *system, int expected)
{
    const cn_volume_ops *ops = cn_volumes_by_name(system);
    const cn_volume_keys keys = {.has_passphrase = false};
    cn_volumes *v = NULL;
    cn_err err = CN_ERR_INIT;
    assert_non_null(ops);
    assert_int_equal(ops->open(d->src, &keys, &v, &err), expected);
    if (expected != CN_OK)
        assert_int_equal(err.code, expected);
    return v;
}

/* --- MBR */

static void mbr_probe_tells_tables_from_boot_sectors(void **state)
{
    (void) state;
    disk d = make_disk();
    assert_null(cn_volumes_probe(d.src, NULL));
    put_entry(&d, 0, 0, 0x83, 2048, 4096);
    assert_string_equal(cn_volumes_probe(d.src, NULL)->name, "mbr");
    memcpy(d.bytes + 3, "NTFS    ", 8);
    assert_null(cn_volumes_probe(d.src, NULL));
    memset(d.bytes + 3, 0, 8);
    d.bytes[446] = 0x12; /* neither active nor inactive */
    assert_null(cn_volumes_probe(d.src, NULL));
    d.bytes[446] = 0x80;
    put32(d.bytes + 446 + 8, UINT32_MAX); /* begins behind the disk */
    assert_null(cn_volumes_probe(d.src, NULL));
    drop_disk(&d);
}

static void mbr_follows_the_chain(void **state)
{
    (void) state;
    disk d = make_disk();
    put_entry(&d, 0, 1, 0x05, 1000, 8000);
    put_entry(&d, 1000, 0, 0x83, 10, 100);
    put_entry(&d, 1000, 1, 0x05, 500, 1000); /* from the extended partition's start */
    put_entry(&d, 1500, 0, 0x83, 20, 200);
    cn_volumes *v = open_as(&d, "mbr", CN_OK);
    assert_int_equal(v->n, 2);
    assert_string_equal(v->list[0].name, "p5");
    assert_true(v->list[0].offset == 1010 * 512 && v->list[0].size == 100 * 512);
    assert_true(v->list[1].offset == 1520 * 512 && v->list[1].size == 200 * 512);
    assert_int_equal(v->n_warnings, 0);
    cn_volumes_close(v);
    drop_disk(&d);
}

static void mbr_chain_that_comes_back_ends(void **state)
{
    (void) state;
    disk d = make_disk();
    put_entry(&d, 0, 0, 0x0f, 1000, 8000);
    put_entry(&d, 1000, 0, 0x83, 10, 100);
    put_entry(&d, 1000, 1, 0x05, 500, 1000);
    put_entry(&d, 1500, 0, 0x83, 10, 100);
    put_entry(&d, 1500, 1, 0x05, 500, 1000); /* to itself */
    cn_volumes *v = open_as(&d, "mbr", CN_OK);
    assert_int_equal(v->n, 2);
    assert_int_equal(v->n_warnings, 1);
    assert_int_equal(v->warnings[0].code, CN_E_CORRUPT);
    assert_int_equal(v->warnings[0].offset, 1500 * 512);
    cn_volumes_close(v);
    put_entry(&d, 1500, 1, 0x05, 9000, 1000); /* to where there is no record */
    v = open_as(&d, "mbr", CN_OK);
    assert_int_equal(v->n, 2);
    assert_int_equal(v->n_warnings, 1);
    cn_volumes_close(v);
    put_entry(&d, 1500, 1, 0x05, UINT32_MAX - 1000, 1000); /* behind the disk */
    v = open_as(&d, "mbr", CN_OK);
    assert_int_equal(v->warnings[0].code, CN_E_TRUNCATED);
    cn_volumes_close(v);
    drop_disk(&d);
}

static void mbr_chain_has_a_limit(void **state)
{
    (void) state;
    disk d = make_disk();
    put_entry(&d, 0, 0, 0x05, 1, 16000);
    for (uint32_t i = 0; i < 600; i++) {
        put_entry(&d, 1 + i, 0, 0x83, 700, 1);
        put_entry(&d, 1 + i, 1, 0x05, i + 1, 1);
    }
    cn_volumes *v = open_as(&d, "mbr", CN_OK);
    assert_int_equal(v->n, 512);
    bool limit = false;
    for (size_t i = 0; i < v->n_warnings; i++)
        limit |= v->warnings[i].code == CN_E_LIMIT;
    assert_true(limit);
    cn_volumes_close(v);
    drop_disk(&d);
}

static void mbr_overlap_and_cut_are_told(void **state)
{
    (void) state;
    disk d = make_disk();
    put_entry(&d, 0, 0, 0x83, 100, 1000);
    put_entry(&d, 0, 1, 0x83, 1000, 100000);
    cn_volumes *v = open_as(&d, "mbr", CN_OK);
    assert_int_equal(v->n_warnings, 1);
    assert_string_equal(v->warnings[0].text, "p1 and p2 overlap");
    assert_int_equal(v->list[1].err.code, CN_E_TRUNCATED);
    assert_true(v->list[1].err.offset == DISK && v->list[1].src->size == DISK - 1000 * 512);
    cn_volumes_close(v);
    drop_disk(&d);
}

/* --- GPT */

typedef struct gpt_spec {
    uint32_t sector, n, entry_size;
    uint64_t first, last;
} gpt_spec;

static void put_gpt(disk *d, uint64_t at, uint64_t own, uint64_t other, uint64_t entries,
                    const gpt_spec *s)
{
    uint8_t *h = d->bytes + at, *e = d->bytes + entries * s->sector;
    memcpy(h, "EFI PART\0\0\1\0", 12);
    put32(h + 12, 92);
    put64(h + 24, own);
    put64(h + 32, other);
    memset(h + 56, 0x11, 16);
    put64(h + 72, entries);
    put32(h + 80, s->n);
    put32(h + 84, s->entry_size);
    memset(e, 0xaf, 16);
    memset(e + 16, 0x22, 16);
    put64(e + 32, s->first);
    put64(e + 40, s->last);
    memcpy(e + 56, "h\0i\0\x3d\xd8\x00\xde\x00\xdc\0\0",
           12); /* "hi", U+1F600, a lone low surrogate */
    uint64_t size = (uint64_t) s->n * s->entry_size;
    put32(h + 88, size < DISK - entries * s->sector ? libdeflate_crc32(0, e, (size_t) size) : 0);
    put32(h + 16, 0);
    put32(h + 16, libdeflate_crc32(0, h, 92));
}

static void put_both(disk *d, const gpt_spec *s)
{
    uint64_t last = DISK / s->sector - 1;
    put_gpt(d, s->sector, 1, last, 2, s);
    put_gpt(d, last * s->sector, last, 1, last - 8, s);
}

static void gpt_of_both_sector_sizes(void **state)
{
    (void) state;
    for (uint32_t sector = 512; sector <= 4096; sector *= 8) {
        disk d = make_disk();
        const gpt_spec s = {sector, 16, 128, 100, 199};
        put_both(&d, &s);
        assert_string_equal(cn_volumes_probe(d.src, NULL)->name, "gpt");
        cn_volumes *v = open_as(&d, "gpt", CN_OK);
        assert_int_equal(v->n, 1);
        assert_int_equal(v->n_warnings, 0);
        assert_int_equal(v->sector_size, sector);
        assert_true(v->list[0].offset == 100 * sector && v->list[0].size == 100 * sector);
        assert_string_equal(v->list[0].label, "hi\xf0\x9f\x98\x80\xef\xbf\xbd");
        assert_string_equal(v->list[0].guid, "22222222-2222-2222-2222-222222222222");
        cn_volumes_close(v);
        memset(d.bytes, 0, 3 * sector); /* the backup alone: less sure, but found */
        unsigned bits = 0;
        assert_string_equal(cn_volumes_probe(d.src, &bits)->name, "gpt");
        assert_true(bits < 40);
        v = open_as(&d, "gpt", CN_OK);
        assert_true(v->n == 1 && v->n_warnings == 1 && v->sector_size == sector);
        cn_volumes_close(v);
        drop_disk(&d);
    }
}

static void gpt_that_lies_is_refused(void **state)
{
    (void) state;
    const gpt_spec lies[] = {
        {512, 0, 128, 100, 199},           {512, 16, 64, 100, 199},
        {512, 16, 8192, 100, 199},         {512, 60000000, 128, 100, 199},
        {512, UINT32_MAX, 4096, 100, 199},
    };
    for (size_t i = 0; i < CN_LEN(lies); i++) {
        disk d = make_disk();
        put_both(&d, &lies[i]);
        assert_null(open_as(&d, "gpt", CN_E_CORRUPT));
        drop_disk(&d);
    }
}

static void gpt_entries_that_lie_are_told(void **state)
{
    (void) state;
    const gpt_spec lies[] = {{512, 16, 128, 200, 100},
                             {512, 16, 128, 0, UINT64_MAX},
                             {512, 16, 128, UINT64_MAX - 1, UINT64_MAX - 1}};
    for (size_t i = 0; i < CN_LEN(lies); i++) {
        disk d = make_disk();
        put_both(&d, &lies[i]);
        cn_volumes *v = open_as(&d, "gpt", CN_OK);
        assert_int_equal(v->n, 0);
        assert_int_equal(v->n_warnings, 1);
        assert_int_equal(v->warnings[0].offset, 2 * 512 + 32);
        cn_volumes_close(v);
        drop_disk(&d);
    }
}

static void gpt_with_wrong_entries_but_right_header_is_used(void **state)
{
    (void) state;
    disk d = make_disk();
    const gpt_spec s = {512, 16, 128, 100, 199};
    put_both(&d, &s);
    d.bytes[2 * 512 + 48] ^= 1;
    d.bytes[(DISK / 512 - 9) * 512 + 48] ^= 1;
    cn_volumes *v = open_as(&d, "gpt", CN_OK);
    assert_int_equal(v->n, 1);
    assert_int_equal(v->n_warnings, 2);
    cn_volumes_close(v);
    drop_disk(&d);
}

/* --- LVM's text */

static int parse(const char *text, cn_arena *arena, const cn_lvm_node **out)
{
    cn_err err = CN_ERR_INIT;
    cn_arena_reset(arena);
    return cn_lvm_parse(cn_span_str(text), 1000, arena, out, &err);
}

static void lvm_text_is_read(void **state)
{
    (void) state;
    cn_arena arena = cn_arena_of(CN_MIB(1));
    const cn_lvm_node *root;
    assert_int_equal(parse("# comment }\nvg {\n id = \"a\\\"b\"\n n = 7 list = [\"x\", 1,\n2]\n in "
                           "{ deep = -1 } }",
                           &arena, &root),
                     CN_OK);
    const cn_lvm_node *vg = cn_lvm_get(root, "vg", CN_LVM_SECTION);
    assert_string_equal(cn_lvm_get_text(vg, "id"), "a\\\"b");
    uint64_t n = 0;
    assert_true(cn_lvm_get_number(vg, "n", &n) && n == 7);
    const cn_lvm_node *list = cn_lvm_get(vg, "list", CN_LVM_LIST);
    assert_true(list && list->first && list->first->next && list->first->next->next &&
                !list->first->next->next->next);
    assert_null(cn_lvm_get(vg, "n", CN_LVM_TEXT));
    assert_null(cn_lvm_get(NULL, "n", CN_LVM_TEXT));
    assert_string_equal(cn_lvm_get_text(vg, "none"), "");
    cn_arena_free(&arena);
}

static void lvm_text_that_is_damaged_is_refused(void **state)
{
    (void) state;
    cn_arena arena = cn_arena_of(CN_MIB(1));
    const cn_lvm_node *root;
    const char *bad[] = {"a {",
                         "a = \"x",
                         "a = [1",
                         "}",
                         "a",
                         "a = ",
                         "a = {",
                         "= 1",
                         "a = 99999999999999999999",
                         "a{a{a{a{a{a{a{a{a{a{}}}}}}}}}}",
                         "a = \"x\\",
                         "a [1]",
                         "\x01"};
    for (size_t i = 0; i < CN_LEN(bad); i++)
        assert_int_equal(parse(bad[i], &arena, &root), CN_E_CORRUPT);
    cn_arena_free(&arena);
    cn_arena small = cn_arena_of(100);
    assert_int_equal(parse("a = 1 b = 2 c = 3 d = 4", &small, &root), CN_E_LIMIT);
    cn_arena_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mbr_probe_tells_tables_from_boot_sectors),
        cmocka_unit_test(mbr_follows_the_chain),
        cmocka_unit_test(mbr_chain_that_comes_back_ends),
        cmocka_unit_test(mbr_chain_has_a_limit),
        cmocka_unit_test(mbr_overlap_and_cut_are_told),
        cmocka_unit_test(gpt_of_both_sector_sizes),
        cmocka_unit_test(gpt_that_lies_is_refused),
        cmocka_unit_test(gpt_entries_that_lie_are_told),
        cmocka_unit_test(gpt_with_wrong_entries_but_right_header_is_used),
        cmocka_unit_test(lvm_text_is_read),
        cmocka_unit_test(lvm_text_that_is_damaged_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
