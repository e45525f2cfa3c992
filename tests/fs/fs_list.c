/* Lists a file system for the tests, one JSON object per line: every name with its metadata, every
 * warning, and with --contents the SHA-256 of every regular file's content.
 *
 * usage: fs_list [--contents] [--seconds] [--offset BYTES] IMAGE
 *        fs_list [--contents] --dir FOLDER | --archive FILE | --single FILE
 * with --lookup PATH or --follow PATH: only what that leads to */
#include "base/hash.h"
#include "base/text.h"
#include "fs/archive/fs_archive.h"
#include "fs/dir/fs_dir.h"
#include "fs/single/fs_single.h"

#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PIECE CN_MIB(1)

typedef struct listing {
    cn_buf line;
    cn_buf files; /* inode numbers of regular files that are in use */
    uint64_t names, times, warnings;
    bool quiet;
} listing;

static void put_text(cn_buf *b, const char *key, cn_span text)
{
    /* Bytes as Python's surrogateescape-free latin-1: each byte one character. */
    cn_buf_printf(b, ",\"%s\":\"", key);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            cn_buf_printf(b, "\\u%04x", c);
        else
            cn_buf_char(b, (char) c);
    }
    cn_buf_char(b, '"');
}

static int on_entry(void *context, const cn_fs_entry *entry)
{
    static const char *const types[] = {"file", "dir",  "link",   "block",
                                        "char", "fifo", "socket", "other"};
    static const char keys[] = "macbd";
    listing *l = context;
    const cn_file_meta *m = entry->meta;
    l->names++;
    for (int i = 0; i < CN_FT_COUNT; i++)
        l->times += m->has_time[i];
    if (m->type == CN_FILE_REGULAR && !m->deleted)
        cn_buf_bytes(&l->files, cn_span_of(&m->inode, sizeof m->inode));
    if (l->quiet)
        return CN_OK;
    cn_buf *b = &l->line;
    cn_buf_clear(b);
    cn_buf_printf(b, "{\"inode\":%llu", (unsigned long long) m->inode);
    put_text(b, "path", entry->path);
    cn_buf_printf(b,
                  ",\"type\":\"%s\",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"links\":%u,\"size\":%llu",
                  types[m->type], m->mode, m->uid, m->gid, m->links, (unsigned long long) m->size);
    for (int i = 0; i < CN_FT_COUNT; i++)
        if (m->has_time[i])
            cn_buf_printf(b, ",\"%c\":%lld", keys[i], (long long) m->time_ns[i]);
        else if (m->odd_time_s[i])
            cn_buf_printf(b, ",\"odd_%c\":%lld", keys[i], (long long) m->odd_time_s[i]);
    if (m->inode_offset != CN_NO_OFFSET)
        cn_buf_printf(b, ",\"offset\":%llu", (unsigned long long) m->inode_offset);
    if (m->device_major || m->device_minor)
        cn_buf_printf(b, ",\"device\":[%u,%u]", m->device_major, m->device_minor);
    if (m->deleted)
        cn_buf_str(b, ",\"deleted\":true");
    if (m->orphan)
        cn_buf_str(b, ",\"orphan\":true");
    if (m->type == CN_FILE_LINK)
        put_text(b, "target", m->link_target);
    if (m->attribute_names.len)
        put_text(b, "xattrs", m->attribute_names);
    cn_buf_str(b, "}\n");
    (void) fwrite(b->p, 1, b->len, stdout);
    return CN_OK;
}

static void on_warning(void *context, const cn_fs_warning *w)
{
    listing *l = context;
    l->warnings++;
    if (l->quiet)
        return;
    cn_buf *b = &l->line;
    cn_buf_clear(b);
    cn_buf_printf(b, "{\"warning\":\"%s\",\"inode\":%llu,\"at\":%lld", cn_code_name(w->code),
                  (unsigned long long) w->inode, (long long) w->offset);
    put_text(b, "text", cn_span_str(w->text));
    cn_buf_str(b, "}\n");
    (void) fwrite(b->p, 1, b->len, stdout);
}

static void list_content(cn_fs *fs, uint64_t inode, uint8_t *piece)
{
    CN_CLEANUP(cn_src_close_p) cn_src *file = NULL;
    cn_err err = CN_ERR_INIT;
    cn_sha256 *h = cn_sha256_new();
    if (!h)
        exit(3);
    int rc = cn_fs_open_file(fs, inode, &file, &err);
    uint64_t size = rc == CN_OK ? file->size : 0, data = 0, at = 0;
    while (at < size) {
        size_t n = (size_t) CN_MIN(size - at, (uint64_t) PIECE);
        int one = cn_src_read(file, at, piece, n, rc == CN_OK ? &err : NULL);
        rc = rc == CN_OK ? one : rc;
        cn_sha256_add(h, cn_span_of(piece, n));
        at += n;
    }
    for (at = 0; rc == CN_OK && at < size; at++, data++) {
        uint64_t next = cn_src_next_data(file, at);
        if (next >= size)
            break;
        at = next / 4096 * 4096 + 4095;
    }
    uint8_t sum[32];
    cn_sha256_end(h, sum);
    cn_sha256_free(h);
    CN_CLEANUP(cn_buf_free) cn_buf hex = cn_buf_of(256);
    cn_text_put_hex(&hex, cn_span_of(sum, sizeof sum));
    printf("{\"content\":%llu,\"bytes\":%llu,\"data_pages\":%llu,\"sha256\":\"%s\",\"fault\":\"%"
           "s\"}\n",
           (unsigned long long) inode, (unsigned long long) size, (unsigned long long) data,
           cn_buf_cstr(&hex), rc == CN_OK ? "" : err.text);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static void list_contents(cn_fs *fs, cn_buf *files)
{
    uint8_t *piece = malloc(PIECE);
    if (!piece)
        exit(3);
    size_t n = files->len / sizeof(uint64_t);
    if (n)
        qsort(files->p, n, sizeof(uint64_t), by_number);
    uint64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t inode;
        memcpy(&inode, files->p + i * sizeof inode, sizeof inode);
        if (inode != last)
            list_content(fs, inode, piece);
        last = inode;
    }
    free(piece);
}

static uint64_t cpu_ns(void)
{
    struct timespec t = {0};
    (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

static int on_name(void *context, cn_span name, uint64_t inode)
{
    cn_buf *b = context;
    cn_buf_clear(b);
    cn_buf_printf(b, "{\"inode\":%llu", (unsigned long long) inode);
    put_text(b, "path", name);
    cn_buf_str(b, "}\n");
    (void) fwrite(b->p, 1, b->len, stdout);
    return CN_OK;
}

/* What a path leads to, and the names in it where it is a directory. */
static int look_up(cn_fs *fs, const char *path, bool follow)
{
    uint64_t inode = 0;
    cn_err err = CN_ERR_INIT;
    int rc = cn_fs_lookup(fs, cn_span_str(path), follow, &inode, &err);
    if (rc == CN_OK) {
        printf("{\"found\":%llu}\n", (unsigned long long) inode);
        CN_CLEANUP(cn_buf_free) cn_buf line = cn_buf_of(CN_KIB(64));
        cn_file_meta meta;
        rc = cn_fs_stat(fs, inode, &meta, &err);
        if (rc == CN_OK && meta.type == CN_FILE_DIRECTORY)
            rc = cn_fs_list(fs, inode, on_name, &line, &err);
    }
    if (rc != CN_OK)
        printf("{\"missing\":\"%s\"}\n", cn_code_name(rc));
    return rc == CN_OK ? 0 : 1;
}

/* The walk's own speed in CPU time: several times over a warm cache. */
static int measure(cn_fs *fs)
{
    uint64_t best = UINT64_MAX, names = 0, times = 0;
    for (int i = 0; i < 7; i++) {
        listing l = {.quiet = true, .files = cn_buf_of(0)};
        cn_fs_visit visit = {on_entry, on_warning, &l};
        uint64_t from = cpu_ns();
        if (cn_fs_walk(fs, &visit, NULL) != CN_OK)
            return 3;
        uint64_t took = cpu_ns() - from;
        fprintf(stderr, "walk %d: %.2f ms\n", i, (double) took / 1e6);
        best = CN_MIN(best, took);
        names = l.names;
        times = l.times;
    }
    printf("%llu names, %llu times, best %.3f ms, %.2f M names/s\n", (unsigned long long) names,
           (unsigned long long) times, (double) best / 1e6, (double) names * 1e3 / (double) best);
    return 0;
}

int main(int argc, char **argv)
{
    bool contents = false, seconds = false, dir = false, archive = false, single = false;
    uint64_t offset = 0;
    const char *path = NULL, *wanted = NULL;
    bool follow = false;
    (void) setlocale(LC_CTYPE, "C.UTF-8");
    (void) setenv("TZ", "UTC0", 1);
    for (int i = 1; i < argc; i++) {
        cn_span arg = cn_span_str(argv[i]);
        if (cn_span_is(arg, "--contents"))
            contents = true;
        else if (cn_span_is(arg, "--seconds"))
            seconds = true;
        else if (cn_span_is(arg, "--dir"))
            dir = true;
        else if (cn_span_is(arg, "--archive"))
            archive = true;
        else if (cn_span_is(arg, "--single"))
            single = true;
        else if ((cn_span_is(arg, "--lookup") || cn_span_is(arg, "--follow")) && i + 1 < argc)
            follow = cn_span_is(arg, "--follow"), wanted = argv[++i];
        else if (cn_span_is(arg, "--offset") && i + 1 < argc)
            offset = strtoull(argv[++i], NULL, 10);
        else
            path = argv[i];
    }
    if (!path)
        return 2;
    cn_err err = CN_ERR_INIT;
    CN_CLEANUP(cn_src_close_p) cn_src *disk = NULL;
    CN_CLEANUP(cn_src_close_p) cn_src *window = NULL;
    CN_CLEANUP(cn_fs_close_p) cn_fs *fs = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | (dir ? O_DIRECTORY : 0)), rc = CN_OK;
    if (fd < 0)
        return perror(path), 3;
    if (seconds) {
        off_t size = lseek(fd, 0, SEEK_END);
        void *all = mmap(NULL, (size_t) size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (all == MAP_FAILED)
            return perror(path), 3;
        disk = cn_src_memory(cn_span_of(all, (size_t) size));
    } else if (!dir) {
        rc = cn_src_raw(fd, &disk, &err);
    }
    if (rc == CN_OK && !dir)
        window = cn_src_window(disk, offset, disk->size);
    if (rc == CN_OK)
        rc = dir       ? cn_fs_open_dir(fd, &fs, &err)
             : archive ? cn_archive_probe(window)
                             ? cn_fs_open_archive(window, memfd_create("unpacked", MFD_CLOEXEC),
                                                  &CN_ARCHIVE_LIMITS, &fs, &err)
                             : cn_fail(&err, CN_E_UNSUPPORTED, 0, "no archive")
             : single
                 ? cn_fs_open_single(window, CN_SPAN_LIT("lone.log"), &(cn_file_meta){0}, &fs, &err)
                 : cn_fs_open(window, &fs, &err);
    if (rc != CN_OK) {
        fprintf(stderr, "fs_list: %s: %s (at %lld)\n", cn_code_name(rc), err.text,
                (long long) err.offset);
        return 3;
    }
    printf("{\"fs\":\"%s\",\"label\":\"%s\",\"uuid\":\"%s\",\"block_size\":%u,\"size\":%llu}\n",
           fs->type, fs->label, fs->uuid, fs->block_size, (unsigned long long) fs->size);
    if (seconds)
        return measure(fs);
    if (wanted)
        return look_up(fs, wanted, follow);
    listing l = {.line = cn_buf_of(CN_MIB(1)), .files = cn_buf_of(CN_MIB(256))};
    cn_fs_visit visit = {on_entry, on_warning, &l};
    rc = cn_fs_walk(fs, &visit, &err);
    fs->warn = on_warning;
    fs->warn_context = &l;
    if (contents)
        list_contents(fs, &l.files);
    if (rc != CN_OK)
        fprintf(stderr, "fs_list: %s: %s\n", cn_code_name(rc), err.text);
    cn_buf_free(&l.line);
    cn_buf_free(&l.files);
    return rc == CN_OK ? 0 : 1;
}
