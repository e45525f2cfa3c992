#include "store/segment/segment.h"

#include "base/hash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

int cn_segment_bad(const cn_segment *s, cn_err *err, const char *what)
{
    cn_segment *shared = (cn_segment *) (uintptr_t) s;
    __atomic_store_n(&shared->damaged, 1, __ATOMIC_RELEASE);
    return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "%s: %s", s->path ? s->path : "segment", what);
}

/* Checks the sums of the blocks of [from, to). */
static bool verify(const cn_segment *s, uint64_t from, uint64_t to)
{
    if (from >= to)
        return true;
    cn_segment *shared = (cn_segment *) (uintptr_t) s;
    for (uint64_t b = from >> CN_BLOCK_BITS; b <= (to - 1) >> CN_BLOCK_BITS; b++) {
        uint64_t bit = UINT64_C(1) << b % 64;
        if (__atomic_load_n(&s->verified[b / 64], __ATOMIC_RELAXED) & bit)
            continue;
        uint64_t at = b << CN_BLOCK_BITS, len = CN_MIN((uint64_t) CN_BLOCK_BYTES, s->body - at);
        if (cn_hash64(cn_span_of(s->map + at, len)) != cn_load64(s->footer.sums + b * 8))
            return false;
        __atomic_fetch_or(&shared->verified[b / 64], bit, __ATOMIC_RELAXED);
    }
    return true;
}

bool cn_segment_part(const cn_segment *s, cn_extent extent, uint64_t from, uint64_t length,
                     cn_span *out)
{
    /* The footer's reader has seen that the extent lies before the footer. */
    if (from > extent.length || length > extent.length - from)
        return false;
    uint64_t at = extent.offset + from;
    if (!verify(s, at, at + length))
        return false;
    *out = cn_span_of(s->map + at, length);
    return true;
}

static const cn_column *builtin(const cn_segment *s, const char *name, cn_type type,
                                cn_domain domain)
{
    for (uint32_t i = 0; i < s->footer.n_columns; i++) {
        const cn_column *c = &s->footer.columns[i];
        if (c->is_builtin && c->type == type && c->domain == domain && cn_span_is(c->name, name))
            return c;
    }
    return NULL;
}

static int read_footer(cn_segment *s, cn_err *err)
{
    if (s->size < CN_SEGMENT_HEAD + CN_SEGMENT_TAIL)
        return cn_segment_bad(s, err, "too short for a segment");
    const uint8_t *tail = s->map + s->size - CN_SEGMENT_TAIL;
    if (memcmp(s->map, CN_SEGMENT_MAGIC, 8) != 0 || memcmp(tail + 24, CN_SEGMENT_END, 8) != 0)
        return cn_segment_bad(s, err, "is no segment, or its end is missing");
    if (cn_load32(s->map + 8) != CN_SEGMENT_VERSION)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "%s: a segment of version %u; this program reads version %u",
                       s->path ? s->path : "segment", cn_load32(s->map + 8), CN_SEGMENT_VERSION);
    uint64_t offset = cn_load64(tail), length = cn_load64(tail + 8);
    if (offset > s->size - CN_SEGMENT_TAIL || length != s->size - CN_SEGMENT_TAIL - offset)
        return cn_segment_bad(s, err, "its footer does not lie where its end says");
    cn_span footer = cn_span_of(s->map + offset, length);
    s->checksum = cn_load64(tail + 16);
    s->body = offset;
    if (cn_hash64(footer) != s->checksum)
        return cn_segment_bad(s, err, "its footer has a wrong checksum");
    cn_err inner = CN_ERR_INIT;
    int rc = cn_footer_get(footer, offset, &s->footer, &inner);
    if (rc == CN_E_CORRUPT || rc == CN_E_TRUNCATED)
        return cn_segment_bad(s, err, inner.text);
    if (rc < 0 && err)
        *err = inner;
    return rc;
}

static int check_sections(cn_segment *s, cn_err *err)
{
    const cn_footer *f = &s->footer;
    uint64_t timed = f->n_rows - f->n_untimed;
    uint64_t time_blocks = (timed + CN_TIME_ROWS - 1) / CN_TIME_ROWS;
    uint64_t place_blocks = ((uint64_t) f->n_rows + CN_PLACE_ROWS - 1) / CN_PLACE_ROWS;
    if (f->sections[CN_SECTION_TIME_INDEX].length != time_blocks * 16 ||
        f->sections[CN_SECTION_PLACE_INDEX].length != place_blocks * 12 ||
        f->sections[CN_SECTION_ORIGIN_KEYS].length != (uint64_t) f->n_origins * 8 ||
        f->sections[CN_SECTION_MESSAGE_INDEX].length % 16 ||
        f->sections[CN_SECTION_MESSAGE_INDEX].length < 16 ||
        f->sections[CN_SECTION_TOKEN_INDEX].length % 16 ||
        f->sections[CN_SECTION_TOKEN_INDEX].length < 16 ||
        f->sections[CN_SECTION_SAMPLE].length > CN_SAMPLE_BYTES || f->first_ns > f->last_ns)
        return cn_segment_bad(s, err, "its sections do not fit its rows");
    s->origin = builtin(s, CN_COLUMN_ORIGIN, CN_INT, CN_OF_ROWS);
    s->data_type = builtin(s, "data_type", CN_TEXT, CN_OF_ROWS);
    s->desc = builtin(s, "timestamp_desc", CN_TEXT, CN_OF_ROWS);
    s->path_column = builtin(s, "path", CN_TEXT, CN_OF_ORIGINS);
    s->volume = builtin(s, "volume", CN_TEXT, CN_OF_ORIGINS);
    s->image = builtin(s, "image", CN_TEXT, CN_OF_ORIGINS);
    s->stream = builtin(s, "stream", CN_TEXT, CN_OF_ORIGINS);
    s->parser = builtin(s, "parser", CN_TEXT, CN_OF_ORIGINS);
    s->inode = builtin(s, "inode", CN_INT, CN_OF_ORIGINS);
    s->image_id = builtin(s, "image_id", CN_INT, CN_OF_ORIGINS);
    if (!s->origin || s->origin->presence != CN_PRESENT_ALL || !s->data_type ||
        s->data_type->presence != CN_PRESENT_ALL || !s->desc ||
        s->desc->presence != CN_PRESENT_ALL || !s->path_column || !s->volume || !s->image ||
        !s->stream || !s->parser || !s->inode || !s->image_id)
        return cn_segment_bad(s, err, "a column that every segment has is missing");
    /* Values are numbered through the text columns in their order. */
    uint64_t next = 0;
    for (uint32_t i = 0; i < f->n_columns; i++) {
        if (f->columns[i].coding != CN_CODE_TEXT)
            continue;
        if (f->columns[i].first_value != next)
            return cn_segment_bad(s, err, "its values are not numbered in order");
        next += f->columns[i].n_values;
    }
    /* Each has two bytes of its own at least. */
    if (next != f->n_text_values || next > s->body || f->indexed_values > next)
        return cn_segment_bad(s, err, "its values are not numbered in order");
    for (uint32_t t = 0; t < f->n_types; t++)
        for (uint32_t i = 0; i < f->types[t].n; i++)
            if (cn_load32(f->types[t].columns + (size_t) i * 4) >= f->n_columns)
                return cn_segment_bad(s, err, "a data type names a column that is not there");
    return f->n_types == s->data_type->n_values
               ? CN_OK
               : cn_segment_bad(s, err, "its data types do not fit their column");
}

/* Takes over the mapping. */
static int open_mapped(cn_segment *s, cn_segment **out, cn_err *err)
{
    int rc = read_footer(s, err);
    if (rc == CN_OK) {
        s->verified = calloc(s->footer.n_blocks / 64 + 1, sizeof *s->verified);
        rc = s->verified ? check_sections(s, err)
                         : cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a segment");
    }
    if (rc < 0) {
        cn_segment_release(s);
        return rc;
    }
    *out = s;
    return CN_OK;
}

static cn_segment *make(const char *path)
{
    cn_segment *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->references = 1;
    s->path = path ? strdup(path) : NULL;
    return s;
}

int cn_segment_open_bytes(cn_span bytes, cn_segment **out, cn_err *err)
{
    cn_segment *s = make(NULL);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a segment");
    s->map = bytes.p;
    s->size = bytes.len;
    return open_mapped(s, out, err);
}

static int open_file(int fd, const char *path, cn_segment **out, cn_err *err)
{
    struct stat st;
    const char *name = path ? path : "segment";
    if (fstat(fd, &st) < 0)
        return cn_fail_errno(err, "%s", name);
    cn_segment *s = make(path);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a segment");
    s->size = (size_t) st.st_size;
    if (s->size) {
        void *map = mmap(NULL, s->size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) {
            int rc = cn_fail_errno(err, "%s", name);
            s->size = 0;
            cn_segment_release(s);
            return rc;
        }
        s->map = map;
    }
    /* What is mapped here is unmapped in the end; bytes of a caller are not. */
    int rc = CN_OK;
    if (!s->path)
        s->path = strdup("segment");
    if (!s->path) {
        rc = cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a segment");
        cn_segment_release(s);
        return rc;
    }
    return open_mapped(s, out, err);
}

int cn_segment_open_fd(int fd, cn_segment **out, cn_err *err)
{
    return open_file(fd, NULL, out, err);
}

int cn_segment_open(const char *path, cn_segment **out, cn_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cn_fail_errno(err, "%s", path);
    int rc = open_file(fd, path, out, err);
    close(fd);
    return rc;
}

cn_segment *cn_segment_retain(cn_segment *s)
{
    __atomic_fetch_add(&s->references, 1, __ATOMIC_RELAXED);
    return s;
}

void cn_segment_release(cn_segment *s)
{
    if (!s || __atomic_fetch_sub(&s->references, 1, __ATOMIC_ACQ_REL) > 1)
        return;
    /* Only files have a path. */
    if (s->path && s->map)
        munmap((void *) (uintptr_t) s->map, s->size);
    cn_footer_free(&s->footer);
    ZSTD_freeDDict(s->sample);
    free(s->verified);
    free(s->path);
    free(s);
}

int cn_segment_check(int fd, cn_segment_summary *out, cn_err *err)
{
    cn_segment *s;
    int rc = cn_segment_open_fd(fd, &s, err);
    if (rc < 0)
        return rc;
    cn_span all;
    if (!cn_segment_all(s, (cn_extent){0, s->body}, &all))
        rc = cn_segment_bad(s, err, "a block has a wrong checksum");
    *out = (cn_segment_summary){.events = s->footer.n_rows,
                                .untimed = s->footer.n_untimed,
                                .first_ns = s->footer.first_ns,
                                .last_ns = s->footer.last_ns,
                                .bytes = s->size,
                                .checksum = s->checksum};
    cn_segment_release(s);
    return rc;
}

/* ---- bits ------------------------------------------------------------------------------------ */

/* The bits of word w that lie in [from, to). */
static uint64_t in_range(size_t w, size_t from, size_t to)
{
    uint64_t mask = UINT64_MAX;
    if (w == from / 64)
        mask <<= from % 64;
    if (w == to / 64)
        mask &= (UINT64_C(1) << to % 64) - 1;
    return mask;
}

uint64_t cn_bits_count(const uint64_t *bits, size_t from, size_t to)
{
    uint64_t n = 0;
    if (from >= to)
        return 0;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++)
        n += (uint64_t) __builtin_popcountll(bits[w] & in_range(w, from, to));
    return n;
}

void cn_bits_fill(uint64_t *bits, size_t from, size_t to)
{
    if (from >= to)
        return;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++)
        bits[w] |= in_range(w, from, to);
}

size_t cn_bits_next(const uint64_t *bits, size_t from, size_t to)
{
    if (from >= to)
        return SIZE_MAX;
    for (size_t w = from / 64; w <= (to - 1) / 64; w++) {
        uint64_t left = bits[w] & in_range(w, from, to);
        if (left)
            return w * 64 + (size_t) __builtin_ctzll(left);
    }
    return SIZE_MAX;
}

size_t cn_bits_last(const uint64_t *bits, size_t from, size_t to)
{
    if (from >= to)
        return SIZE_MAX;
    for (size_t w = (to - 1) / 64 + 1; w-- > from / 64;) {
        uint64_t left = bits[w] & in_range(w, from, to);
        if (left)
            return w * 64 + 63 - (size_t) __builtin_clzll(left);
    }
    return SIZE_MAX;
}
