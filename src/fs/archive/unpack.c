/* Reads an archive once, in its own order, through libarchive, and writes the contents and an index
 * of the names into a file. */
#include "fs/archive/unpack.h"

#include "base/hash.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES     CN_KIB(256)
#define PATH_BYTES     CN_KIB(64)
#define WARNINGS_MAX   1000u
#define BITS_ARCHIVE   40u
#define FAULTS_IN_TURN 100 /* entries that cannot be read, one after the other: then it ends */

/* --- libarchive over a byte source. */

typedef struct feed {
    cn_src *src;
    uint64_t at;
    cn_err err;
    uint8_t bytes[READ_BYTES];
} feed;

static la_ssize_t feed_read(struct archive *a, void *context, const void **out)
{
    feed *f = context;
    size_t got = 0;
    if (cn_src_read_some(f->src, f->at, f->bytes, sizeof f->bytes, &got, &f->err) != CN_OK) {
        archive_set_error(a, EIO, "%s", f->err.text);
        return ARCHIVE_FATAL;
    }
    f->at += got;
    *out = f->bytes;
    return (la_ssize_t) got;
}

static la_int64_t feed_skip(struct archive *a, void *context, la_int64_t n)
{
    (void) a;
    feed *f = context;
    uint64_t left = f->src->size - CN_MIN(f->at, f->src->size);
    uint64_t step = n > 0 ? CN_MIN(left, (uint64_t) n) : 0;
    f->at += step;
    return (la_int64_t) step;
}

static la_int64_t feed_seek(struct archive *a, void *context, la_int64_t offset, int whence)
{
    feed *f = context;
    int64_t base = whence == SEEK_SET   ? 0
                   : whence == SEEK_CUR ? (int64_t) f->at
                                        : (int64_t) f->src->size;
    int64_t to;
    if (__builtin_add_overflow(base, offset, &to) || to < 0) {
        archive_set_error(a, EINVAL, "a seek before the start");
        return ARCHIVE_FATAL;
    }
    f->at = (uint64_t) to;
    return to;
}

/* A reader over f; NULL without memory. Formats that would look for other files are left out. */
static struct archive *reader_new(feed *f)
{
    struct archive *a = archive_read_new();
    if (!a)
        return NULL;
    archive_read_support_format_tar(a);
    archive_read_support_format_zip(a);
    archive_read_support_format_7zip(a);
    archive_read_support_format_cpio(a);
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_set_read_callback(a, feed_read);
    archive_read_set_skip_callback(a, feed_skip);
    archive_read_set_seek_callback(a, feed_seek);
    archive_read_set_callback_data(a, f);
    return a;
}

/* Of a zip the library looks for its directory at the end; here only the start counts, as a disk
 * can end in anything. */
static bool begins_like_zip(cn_src *src)
{
    uint8_t head[4];
    if (cn_src_read(src, 0, head, sizeof head, NULL) != CN_OK)
        return false;
    cn_span s = cn_span_of(head, sizeof head);
    return cn_span_is(s, "PK\3\4") || cn_span_is(s, "PK\5\6") || cn_span_is(s, "PK\7\10") ||
           cn_span_is(s, "PK00");
}

unsigned cn_archive_probe(cn_src *src)
{
    feed *f = calloc(1, sizeof *f);
    if (!f)
        return 0;
    f->src = src;
    struct archive *a = reader_new(f);
    unsigned bits = 0;
    struct archive_entry *entry;
    if (a && archive_read_open1(a) == ARCHIVE_OK) {
        int rc = archive_read_next_header(a, &entry);
        int format = archive_format(a) & ARCHIVE_FORMAT_BASE_MASK;
        if ((rc == ARCHIVE_OK || rc == ARCHIVE_WARN) && format != 0 &&
            (format != ARCHIVE_FORMAT_ZIP || begins_like_zip(src)))
            bits = BITS_ARCHIVE;
    }
    if (a)
        archive_read_free(a);
    free(f);
    return bits;
}

int cn_unpack_key(cn_src *src, uint64_t *out, cn_err *err)
{
    uint8_t head[4096];
    size_t got = 0;
    int rc = cn_src_read_some(src, 0, head, sizeof head, &got, err);
    if (rc == CN_OK)
        *out = cn_hash64_seed(cn_span_of(head, got), src->size);
    return rc;
}

/* --- The index. */

typedef struct unpacking {
    struct archive *a;
    feed *f;
    int fd;
    uint64_t end; /* of the contents written so far */
    uint64_t entries, warnings;
    const cn_archive_limits *limits;
    cn_buf index;
} unpacking;

typedef struct record {
    uint8_t kind, times, type;
    uint32_t mode, uid, gid, device_major, device_minor;
    uint64_t size, content, offset;
    int64_t time_ns[4];
    cn_span path, link, attributes;
} record;

static void put_record(cn_buf *b, const record *r)
{
    cn_buf_le32(b, (uint32_t) (CN_UNPACK_RECORD + r->path.len + r->link.len + r->attributes.len));
    cn_buf_char(b, (char) r->kind);
    cn_buf_char(b, (char) r->times);
    cn_buf_char(b, (char) r->type);
    cn_buf_char(b, 0);
    const uint32_t words[] = {r->mode,
                              r->uid,
                              r->gid,
                              r->device_major,
                              r->device_minor,
                              (uint32_t) r->path.len,
                              (uint32_t) r->link.len,
                              (uint32_t) r->attributes.len};
    for (size_t i = 0; i < CN_LEN(words); i++)
        cn_buf_le32(b, words[i]);
    cn_buf_le64(b, r->size);
    cn_buf_le64(b, r->content);
    cn_buf_le64(b, r->offset);
    for (size_t i = 0; i < CN_LEN(r->time_ns); i++)
        cn_buf_le64(b, (uint64_t) r->time_ns[i]);
    cn_buf_bytes(b, r->path);
    cn_buf_bytes(b, r->link);
    cn_buf_bytes(b, r->attributes);
}

static void warn(unpacking *u, int code, const char *name, const char *text)
{
    if (u->warnings++ >= WARNINGS_MAX)
        return;
    CN_CLEANUP(cn_buf_free) cn_buf line = cn_buf_of(CN_KIB(8));
    cn_buf_printf(&line, "%.2000s%s%.400s", name ? name : "", name ? ": " : "", text);
    cn_span s = cn_buf_span(&line);
    record r = {.kind = CN_UNPACK_WARNING, .mode = (uint32_t) -code, .offset = u->f->at, .path = s};
    put_record(&u->index, &r);
}

static const char *fault_text(struct archive *a)
{
    const char *text = archive_error_string(a);
    return text ? text : "the archive is damaged here";
}

/* --- Entries. */

/* A path as it is kept: absolute, without empty parts and dots. Names that lead upwards stay
 * inside.
 */
static bool clean_path(cn_span raw, cn_buf *out)
{
    cn_buf_clear(out);
    size_t at = 0;
    while (at < raw.len) {
        cn_span rest = cn_span_sub(raw, at, raw.len);
        const uint8_t *slash = memchr(rest.p, '/', rest.len);
        cn_span part = cn_span_sub(rest, 0, slash ? (size_t) (slash - rest.p) : rest.len);
        at += part.len + 1;
        if (part.len == 0 || cn_span_is(part, "."))
            continue;
        if (cn_span_is(part, "..")) {
            while (out->len && out->p[--out->len] != '/')
                continue;
            continue;
        }
        cn_buf_char(out, '/');
        cn_buf_bytes(out, part);
    }
    if (out->len == 0)
        cn_buf_char(out, '/');
    return !out->failed;
}

static void put_time(record *r, unsigned which, bool set, time_t seconds, long nanoseconds)
{
    uint32_t ns = nanoseconds >= 0 && nanoseconds < 1000000000 ? (uint32_t) nanoseconds : 0;
    if (set && cn_time_from_unix(seconds, ns, &r->time_ns[which]))
        r->times |= (uint8_t) (1u << which);
}

static uint8_t type_of(struct archive_entry *e)
{
    switch (archive_entry_filetype(e)) {
    case AE_IFREG:
        return CN_FILE_REGULAR;
    case AE_IFDIR:
        return CN_FILE_DIRECTORY;
    case AE_IFLNK:
        return CN_FILE_LINK;
    case AE_IFBLK:
        return CN_FILE_BLOCK;
    case AE_IFCHR:
        return CN_FILE_CHAR;
    case AE_IFIFO:
        return CN_FILE_FIFO;
    case AE_IFSOCK:
        return CN_FILE_SOCKET;
    default:
        return archive_entry_hardlink(e) ? CN_FILE_REGULAR : CN_FILE_OTHER;
    }
}

static void put_attributes(struct archive_entry *e, cn_buf *out)
{
    const char *name;
    const void *value;
    size_t size;
    cn_buf_clear(out);
    archive_entry_xattr_reset(e);
    while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
        if (out->len)
            cn_buf_char(out, ',');
        cn_buf_str(out, name);
    }
}

static int write_at(int fd, uint64_t at, const void *bytes, size_t n, cn_err *err)
{
    size_t done = 0;
    while (done < n) {
        ssize_t w = pwrite(fd, (const char *) bytes + done, n - done, (off_t) (at + done));
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return cn_fail_errno(err, "an archive cannot be unpacked");
        done += (size_t) w;
    }
    return CN_OK;
}

/* Copies an entry's content behind what is there. A fault in the archive costs the rest of the
 * entry; what was read of it stays. */
static int copy_content(unpacking *u, record *r, const char *name, cn_err *err)
{
    uint64_t size = 0, left = u->limits->bytes - CN_MIN(u->limits->bytes, u->end);
    for (;;) {
        const void *bytes;
        size_t n;
        la_int64_t offset;
        uint64_t end;
        int rc = archive_read_data_block(u->a, &bytes, &n, &offset);
        if (rc == ARCHIVE_EOF)
            break;
        if (rc < ARCHIVE_WARN) {
            warn(u, CN_E_CORRUPT, name, fault_text(u->a));
            break;
        }
        if (offset < 0 || !cn_add((uint64_t) offset, n, &end) || end > left) {
            warn(u, CN_E_LIMIT, name,
                 "the archive holds more than the limit; the rest is left out");
            return CN_E_LIMIT;
        }
        rc = write_at(u->fd, u->end + (uint64_t) offset, bytes, n, err);
        if (rc != CN_OK)
            return rc;
        size = CN_MAX(size, end);
    }
    r->content = u->end;
    r->size = CN_MAX(r->size, size);
    /* A hole at the end is not written: it counts all the same, up to the limit. */
    if (r->size > left) {
        warn(u, CN_E_CORRUPT, name, "a size that cannot be");
        r->size = size;
    }
    u->end += r->size;
    return CN_OK;
}

static int take_entry(unpacking *u, struct archive_entry *e, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf path = cn_buf_of(PATH_BYTES);
    CN_CLEANUP(cn_buf_free) cn_buf link = cn_buf_of(PATH_BYTES);
    CN_CLEANUP(cn_buf_free) cn_buf attributes = cn_buf_of(PATH_BYTES);
    const char *raw = archive_entry_pathname(e), *target = archive_entry_hardlink(e);
    raw = raw ? raw : archive_entry_pathname_utf8(e);
    target = target ? target : archive_entry_hardlink_utf8(e);
    if (!raw || !clean_path(cn_span_str(raw), &path)) {
        warn(u, CN_E_CORRUPT, NULL, "an entry whose name cannot be read is left out");
        return CN_OK;
    }
    record r = {.kind = target ? CN_UNPACK_HARD_LINK : CN_UNPACK_ENTRY,
                .type = type_of(e),
                .mode = archive_entry_mode(e),
                .uid = (uint32_t) archive_entry_uid(e),
                .gid = (uint32_t) archive_entry_gid(e),
                .device_major = (uint32_t) archive_entry_rdevmajor(e),
                .device_minor = (uint32_t) archive_entry_rdevminor(e),
                .offset = (uint64_t) archive_read_header_position(u->a)};
    put_time(&r, 0, archive_entry_mtime_is_set(e), archive_entry_mtime(e),
             archive_entry_mtime_nsec(e));
    /* Of a zip without them the library says 0. */
    bool zip = (archive_format(u->a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
    bool accessed = archive_entry_atime_is_set(e) && !(zip && archive_entry_atime(e) == 0);
    bool changed = archive_entry_ctime_is_set(e) && !(zip && archive_entry_ctime(e) == 0);
    put_time(&r, 1, accessed, archive_entry_atime(e), archive_entry_atime_nsec(e));
    put_time(&r, 2, changed, archive_entry_ctime(e), archive_entry_ctime_nsec(e));
    put_time(&r, 3, archive_entry_birthtime_is_set(e), archive_entry_birthtime(e),
             archive_entry_birthtime_nsec(e));
    const char *symlink = archive_entry_symlink(e);
    symlink = symlink ? symlink : archive_entry_symlink_utf8(e);
    if (target)
        (void) clean_path(cn_span_str(target), &link);
    else if (symlink)
        cn_buf_str(&link, symlink);
    put_attributes(e, &attributes);
    int rc = CN_OK;
    if (r.type == CN_FILE_REGULAR && !target) {
        r.size = archive_entry_size_is_set(e) && archive_entry_size(e) > 0
                     ? (uint64_t) archive_entry_size(e)
                     : 0;
        if (archive_entry_is_encrypted(e) > 0) {
            warn(u, CN_E_LOCKED, raw, "encrypted: only its name is read");
            r.size = 0;
        } else {
            rc = copy_content(u, &r, raw, err);
        }
    }
    if (rc != CN_OK && rc != CN_E_LIMIT)
        return rc;
    r.path = cn_buf_span(&path);
    r.link = cn_buf_span(&link);
    r.attributes = cn_buf_span(&attributes);
    if (rc == CN_OK)
        put_record(&u->index, &r);
    u->entries++;
    return rc;
}

static int take_all(unpacking *u, cn_err *err)
{
    int faults = 0;
    for (;;) {
        struct archive_entry *e;
        int rc = archive_read_next_header(u->a, &e);
        if (rc == ARCHIVE_EOF)
            return CN_OK;
        if (rc == ARCHIVE_RETRY && ++faults < FAULTS_IN_TURN)
            continue;
        if (rc < ARCHIVE_WARN) {
            warn(u, CN_E_CORRUPT, NULL, fault_text(u->a));
            return u->entries ? CN_OK
                              : cn_fail(err, CN_E_CORRUPT, u->f->at, "%s", fault_text(u->a));
        }
        faults = 0;
        if (u->entries >= u->limits->entries) {
            warn(u, CN_E_LIMIT, NULL, "the archive holds more names than the limit");
            return CN_OK;
        }
        int taken = take_entry(u, e, err);
        if (taken != CN_OK)
            return taken == CN_E_LIMIT ? CN_OK : taken;
        if (u->index.failed) {
            u->index.failed = false;
            warn(u, CN_E_LIMIT, NULL, "the names of the archive need too much memory");
            return CN_OK;
        }
    }
}

/* The head is written last: a file without it was not finished. */
static int finish(unpacking *u, uint64_t key, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf head = cn_buf_of(CN_UNPACK_HEAD_BYTES);
    cn_buf_str(&head, "CNUNPAK1");
    cn_buf_le64(&head, key);
    cn_buf_le64(&head, u->end);
    cn_buf_le64(&head, u->index.len);
    cn_buf_le64(&head, cn_hash64(cn_buf_span(&u->index)));
    while (!head.failed && head.len < CN_UNPACK_HEAD_BYTES)
        cn_buf_char(&head, 0);
    int rc = write_at(u->fd, u->end, u->index.p, u->index.len, err);
    return rc == CN_OK ? write_at(u->fd, 0, head.p, head.len, err) : rc;
}

int cn_unpack(cn_src *src, int fd, uint64_t key, const cn_archive_limits *limits, cn_err *err)
{
    feed *f = calloc(1, sizeof *f);
    if (!f)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for an archive");
    f->src = src;
    unpacking u = {.f = f, .fd = fd, .end = CN_UNPACK_HEAD_BYTES, .limits = limits};
    u.index = cn_buf_of(CN_UNPACK_INDEX_MAX);
    u.a = reader_new(f);
    int rc = CN_OK;
    if (!u.a)
        rc = cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for an archive");
    else if (archive_read_open1(u.a) != ARCHIVE_OK)
        rc = cn_fail(err, CN_E_CORRUPT, f->at, "%s", fault_text(u.a));
    if (rc == CN_OK)
        rc = take_all(&u, err);
    if (rc == CN_OK)
        rc = finish(&u, key, err);
    if (u.a)
        archive_read_free(u.a);
    cn_buf_free(&u.index);
    free(f);
    return rc;
}
