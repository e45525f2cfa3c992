/* cairn image ls, cat and hash. */
#include "cli/verb_image.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/verb.h"
#include "parse/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINE_MAX_BYTES CN_MIB(1)
#define CHUNK          CN_MIB(1)

/* --- ls */

typedef struct lister {
    const cn_image_args *args;
    const cn_mount *mount;
    cn_span path; /* what is asked for, without a slash at its end; empty: the root */
    bool many;    /* several file systems: each path with its volume before it */
    cn_buf line;
    uint64_t shown, warnings;
} lister;

static void put_mode(cn_buf *out, const cn_file_meta *m)
{
    static const char types[] = {
        [CN_FILE_REGULAR] = '-', [CN_FILE_DIRECTORY] = 'd', [CN_FILE_LINK] = 'l',
        [CN_FILE_BLOCK] = 'b',   [CN_FILE_CHAR] = 'c',      [CN_FILE_FIFO] = 'p',
        [CN_FILE_SOCKET] = 's',  [CN_FILE_OTHER] = '?'};
    cn_buf_char(out, types[m->type]);
    for (int shift = 6; shift >= 0; shift -= 3) {
        uint32_t bits = m->mode >> shift;
        bool special = m->mode & (shift == 6 ? 04000u : shift == 3 ? 02000u : 01000u);
        cn_buf_char(out, bits & 4 ? 'r' : '-');
        cn_buf_char(out, bits & 2 ? 'w' : '-');
        if (special)
            cn_buf_char(out, shift ? (bits & 1 ? 's' : 'S') : (bits & 1 ? 't' : 'T'));
        else
            cn_buf_char(out, bits & 1 ? 'x' : '-');
    }
}

static void put_time(cn_buf *out, const cn_file_meta *m, enum cn_file_time which)
{
    if (m->has_time[which])
        cn_time_format(out, m->time_ns[which], 9);
    else
        cn_buf_char(out, '-');
}

static void put_line(lister *l, cn_span path, const cn_file_meta *m)
{
    cn_buf *out = &l->line;
    put_mode(out, m);
    cn_buf_printf(out, " %u %u %llu ", m->uid, m->gid, (unsigned long long) m->size);
    put_time(out, m, CN_FT_M);
    if (l->args->times)
        for (int t = CN_FT_A; t < CN_FT_COUNT; t++) {
            cn_buf_char(out, ' ');
            put_time(out, m, (enum cn_file_time) t);
        }
    cn_buf_printf(out, " %llu ", (unsigned long long) m->inode);
    if (l->many)
        cn_buf_printf(out, "%s:", l->mount->volume);
    cn_text_put_json(out, path);
    if (m->link_target.len) {
        cn_buf_str(out, " -> ");
        cn_text_put_json(out, m->link_target);
    }
    cn_buf_str(out, m->deleted ? " (deleted)\n" : "\n");
}

static void put_json_text(cn_buf *out, const char *name, cn_span text)
{
    cn_buf_printf(out, ",\"%s\":\"", name);
    cn_text_put_json(out, text);
    cn_buf_char(out, '"');
    if (cn_text_is_utf8(text))
        return;
    cn_buf_printf(out, ",\"%s_hex\":\"", name);
    cn_text_put_hex(out, text);
    cn_buf_char(out, '"');
}

static void put_json(lister *l, cn_span path, const cn_file_meta *m)
{
    static const char *const types[] = {
        "file", "directory", "link", "block_device", "character_device", "fifo", "socket", "other"};
    static const char *const times[] = {"modified", "accessed", "changed", "created", "deleted"};
    cn_buf *out = &l->line;
    cn_buf_printf(out, "{\"volume\":\"%s\",\"inode\":%llu,\"type\":\"%s\"", l->mount->volume,
                  (unsigned long long) m->inode, types[m->type]);
    put_json_text(out, "path", path);
    cn_buf_printf(out, ",\"mode\":%u,\"uid\":%u,\"gid\":%u,\"links\":%u,\"size\":%llu", m->mode,
                  m->uid, m->gid, m->links, (unsigned long long) m->size);
    for (int t = 0; t < CN_FT_COUNT; t++)
        if (m->has_time[t]) {
            cn_buf_printf(out, ",\"%s_time_ns\":%lld,\"%s_time\":\"", times[t],
                          (long long) m->time_ns[t], times[t]);
            cn_time_format(out, m->time_ns[t], 9);
            cn_buf_char(out, '"');
        } else if (m->odd_time_s[t]) {
            cn_buf_printf(out, ",\"%s_time_odd_s\":%lld", times[t], (long long) m->odd_time_s[t]);
        }
    if (m->type == CN_FILE_BLOCK || m->type == CN_FILE_CHAR)
        cn_buf_printf(out, ",\"device_major\":%u,\"device_minor\":%u", m->device_major,
                      m->device_minor);
    if (m->inode_offset != CN_NO_OFFSET)
        cn_buf_printf(out, ",\"inode_offset\":%llu", (unsigned long long) m->inode_offset);
    if (m->link_target.len)
        put_json_text(out, "link_target", m->link_target);
    if (m->attribute_names.len)
        put_json_text(out, "attribute_names", m->attribute_names);
    cn_buf_printf(out, "%s%s}\n", m->deleted ? ",\"deleted\":true" : "",
                  m->orphan ? ",\"orphan\":true" : "");
}

/* True for what is asked for itself, and what is in it. */
static bool is_asked(const lister *l, cn_span path, bool *out_itself)
{
    *out_itself = cn_span_eq(path, l->path) || (l->path.len == 0 && cn_span_is(path, "/"));
    if (*out_itself)
        return true;
    if (path.len <= l->path.len ||
        memcmp(path.p, l->path.p ? l->path.p : path.p, l->path.len) != 0 ||
        path.p[l->path.len] != '/')
        return false;
    cn_span below = cn_span_sub(path, l->path.len + 1, path.len);
    return below.len && (l->args->recursive || !memchr(below.p, '/', below.len));
}

static int show(void *context, const cn_fs_entry *entry)
{
    lister *l = context;
    bool itself;
    if (!is_asked(l, entry->path, &itself))
        return CN_OK;
    l->shown++;
    if (itself && entry->meta->type == CN_FILE_DIRECTORY && !l->args->recursive)
        return CN_OK;
    cn_buf_clear(&l->line);
    if (l->args->json)
        put_json(l, entry->path, entry->meta);
    else
        put_line(l, entry->path, entry->meta);
    if (fwrite(l->line.p, 1, l->line.len, stdout) != l->line.len)
        return CN_E_IO;
    return CN_OK;
}

static void warned(void *context, const cn_fs_warning *w)
{
    lister *l = context;
    if (l->warnings++ >= 100)
        return;
    if (w->offset == CN_NO_OFFSET)
        cn_log_note("%s: inode %llu: %s", l->mount->image, (unsigned long long) w->inode, w->text);
    else
        cn_log_note("%s: inode %llu: %s (at offset %llu)", l->mount->image,
                    (unsigned long long) w->inode, w->text, (unsigned long long) w->offset);
}

static int list(lister *l, cn_err *err)
{
    cn_fs_visit visit = {show, warned, l};
    int r = cn_fs_walk(l->mount->fs, &visit, err);
    if (r == CN_E_IO && ferror(stdout))
        return cn_fail(err, CN_E_IO, CN_NO_OFFSET, "the output could not be written");
    return r;
}

static void say_problem(void *context, const char *where, const cn_err *problem)
{
    (*(uint64_t *) context)++;
    if (problem->offset == CN_NO_OFFSET)
        cn_log_note("%s: %s", where, problem->text);
    else
        cn_log_note("%s: %s (at offset %llu)", where, problem->text,
                    (unsigned long long) problem->offset);
}

int cn_image_ls(const cn_image_args *args)
{
    if (args->n_words > 2)
        return cn_verb_usage("image", "ls takes one source and one path");
    cn_image_open open;
    cn_err err = CN_ERR_INIT;
    if (cn_image_open_evidence(args, 1, &open, &err) != CN_OK)
        return cn_verb_failed(&err);
    const cn_mount *mounts;
    size_t n = cn_evidence_mounts(open.evidence, &mounts);
    uint64_t problems = 0, shown = 0;
    cn_evidence_problems(open.evidence, say_problem, &problems);
    int r = CN_OK;
    if (n == 0)
        r = cn_image_pick(&open, args, &mounts, &err);
    for (size_t i = 0; r == CN_OK && i < n; i++) {
        lister l = {.args = args,
                    .mount = &mounts[i],
                    .path = cn_span_str(args->n_words > 1 ? args->words[1] : "/"),
                    .many = n > 1,
                    .line = cn_buf_of(LINE_MAX_BYTES)};
        while (l.path.len && l.path.p[l.path.len - 1] == '/')
            l.path.len--;
        r = list(&l, &err);
        shown += l.shown;
        problems += l.warnings;
        cn_buf_free(&l.line);
    }
    if (r == CN_OK && shown == 0)
        r = cn_fail(&err, CN_E_NOT_FOUND, CN_NO_OFFSET, "%s: %s is not in it", args->words[0],
                    args->words[1]);
    cn_image_close_evidence(&open);
    if (r != CN_OK)
        return cn_verb_failed(&err);
    return problems && args->strict ? CN_EXIT_WARNINGS : CN_EXIT_OK;
}

/* --- cat */

static int put(const void *bytes, size_t n, cn_err *err)
{
    if (fwrite(bytes, 1, n, stdout) != n)
        return cn_fail(err, CN_E_IO, CN_NO_OFFSET, "the output could not be written");
    return CN_OK;
}

/* A fault is kept as the result, but does not end it: what can be read around it comes out, zeros in its place. */
static int copy_plain(cn_src *src, uint64_t offset, uint64_t length, cn_err *err)
{
    char *chunk = malloc(CHUNK);
    int first = CN_OK;
    if (!chunk)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    while (length && offset < src->size) {
        size_t n = (size_t) CN_MIN(CN_MIN(length, CHUNK), src->size - offset);
        cn_err fault = CN_ERR_INIT;
        memset(chunk, 0, n);
        int r = cn_src_read(src, offset, chunk, n, &fault);
        if (r != CN_OK && first == CN_OK) {
            first = r;
            *err = fault;
        }
        if (put(chunk, n, &fault) != CN_OK) {
            first = fault.code;
            *err = fault;
            break;
        }
        offset += n;
        length -= n;
    }
    free(chunk);
    return first;
}

static int copy_decompressed(cn_src *src, uint64_t offset, uint64_t length, cn_err *err)
{
    cn_input *in = NULL;
    int r = cn_input_open(src, &in, err);
    uint64_t at = 0;
    while (r == CN_OK && length) {
        cn_span piece;
        r = cn_input_next(in, &piece, err);
        if (r != CN_OK || piece.len == 0)
            break;
        uint64_t skip = offset > at ? offset - at : 0;
        at += piece.len;
        if (skip >= piece.len)
            continue;
        cn_span wanted =
            cn_span_sub(piece, (size_t) skip, (size_t) CN_MIN(length, (uint64_t) piece.len));
        r = put(wanted.p, wanted.len, err);
        length -= wanted.len;
    }
    cn_input_close(in);
    return r;
}

static int find_file(const cn_mount *m, const char *what, uint64_t *out, cn_err *err)
{
    if (cn_text_u64(cn_span_str(what), out))
        return CN_OK;
    int r = cn_fs_lookup(m->fs, cn_span_str(what), true, out, err);
    if (r == CN_E_NOT_FOUND)
        return cn_fail(err, r, CN_NO_OFFSET, "%s: there is no %s", m->image, what);
    return r;
}

/* With several file systems a path may be in one alone: then that is meant. */
static int pick_file(const cn_image_open *open, const cn_image_args *args, const cn_mount **out,
                     uint64_t *out_inode, cn_err *err)
{
    const cn_mount *mounts, *found = NULL;
    size_t n = cn_evidence_mounts(open->evidence, &mounts), hits = 0;
    bool is_number = cn_text_u64(cn_span_str(args->words[1]), out_inode);
    for (size_t i = 0; n > 1 && !is_number && i < n; i++) {
        uint64_t inode;
        if (find_file(&mounts[i], args->words[1], &inode, NULL) == CN_OK) {
            hits++;
            found = &mounts[i];
            *out_inode = inode;
        }
    }
    if (hits == 1) {
        *out = found;
        return CN_OK;
    }
    if (n > 1 && hits == 0 && !is_number)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET,
                       "%s: there is no %s in any of its %zu file systems", args->words[0],
                       args->words[1], n);
    int r = cn_image_pick(open, args, out, err);
    return r == CN_OK ? find_file(*out, args->words[1], out_inode, err) : r;
}

/* The bytes that a file system stands in: where inodes and other metadata are. */
static int cat_raw(const cn_image_open *open, const cn_image_args *args, cn_err *err)
{
    const cn_mount *m;
    int r = cn_image_pick(open, args, &m, err);
    if (r == CN_OK && !m->src)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "%s is no image: it has files only",
                       args->words[0]);
    return r == CN_OK
               ? copy_plain(m->src, args->offset, args->has_length ? args->length : UINT64_MAX, err)
               : r;
}

int cn_image_cat(const cn_image_args *args)
{
    if (args->n_words != (args->raw ? 1 : 2))
        return cn_verb_usage("image", args->raw
                                          ? "cat --raw takes one source and no path"
                                          : "cat takes one source and one path or inode number");
    cn_image_open open;
    cn_err err = CN_ERR_INIT;
    const cn_mount *m;
    uint64_t inode;
    CN_CLEANUP(cn_src_close_p) cn_src *file = NULL;
    int r = cn_image_open_evidence(args, 1, &open, &err);
    if (r != CN_OK)
        return cn_verb_failed(&err);
    if (args->raw) {
        r = cat_raw(&open, args, &err);
    } else if ((r = pick_file(&open, args, &m, &inode, &err)) == CN_OK &&
               (r = cn_fs_open_file(m->fs, inode, &file, &err)) == CN_OK) {
        uint64_t length = args->has_length ? args->length : UINT64_MAX;
        r = args->decompress ? copy_decompressed(file, args->offset, length, &err)
                             : copy_plain(file, args->offset, length, &err);
    }
    if (fflush(stdout) != 0 && r == CN_OK)
        r = cn_fail(&err, CN_E_IO, CN_NO_OFFSET, "the output could not be written");
    file = cn_src_close(file);
    cn_image_close_evidence(&open);
    return r == CN_OK ? CN_EXIT_OK : cn_verb_failed(&err);
}

/* --- hash */

/* Faults that follow each other are one line, with where they begin. */
typedef struct fault_run {
    cn_err first;
    uint64_t end, bytes; /* CHUNKs that hold a fault */
} fault_run;

static void end_run(fault_run *run, const char *name, uint64_t *problems)
{
    if (run->first.code != CN_OK) {
        cn_log_note("%s: %s (at offset %llu, within %llu bytes)", name, run->first.text,
                    (unsigned long long) run->first.offset, (unsigned long long) run->bytes);
        (*problems)++;
    }
    *run = (fault_run){.first = CN_ERR_INIT};
}

static void hash(cn_src *src, cn_sha256 *h, uint8_t *chunk, const uint8_t *zeros, const char *name,
                 uint64_t *problems)
{
    fault_run run = {.first = CN_ERR_INIT};
    for (uint64_t at = 0; at < src->size;) {
        uint64_t data = cn_src_next_data(src, at);
        for (; at < data; at += CN_MIN(CHUNK, data - at))
            cn_sha256_add(h, cn_span_of(zeros, (size_t) CN_MIN(CHUNK, data - at)));
        size_t n = (size_t) CN_MIN(CHUNK, src->size - at);
        cn_err err = CN_ERR_INIT;
        if (n && cn_src_read(src, at, chunk, n, &err) != CN_OK) {
            if (run.first.code != CN_OK && run.end != at)
                end_run(&run, name, problems);
            if (run.first.code == CN_OK)
                run.first = err;
            run.end = at + n;
            run.bytes += n;
        }
        cn_sha256_add(h, cn_span_of(chunk, n));
        at += n;
    }
    end_run(&run, name, problems);
}

static int hash_source(const cn_image_open *open, size_t i, uint64_t *problems, cn_err *err)
{
    const cn_node *node = cn_evidence_source(open->evidence, i);
    if (!node->src && node->err.code != CN_OK) {
        *err = node->err;
        return err->code;
    }
    if (!node->src)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "%s is a folder and has no hash", node->name);
    uint8_t *chunk = malloc(CHUNK), *zeros = calloc(1, CHUNK), sum[32];
    cn_sha256 *h = cn_sha256_new();
    int r = chunk && zeros && h ? CN_OK : cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if (r == CN_OK) {
        hash(node->src, h, chunk, zeros, node->name, problems);
        cn_sha256_end(h, sum);
        for (size_t k = 0; k < sizeof sum; k++)
            printf("%02x", sum[k]);
        printf("  %s\n", node->name);
    }
    cn_sha256_free(h);
    free(chunk);
    free(zeros);
    return r;
}

int cn_image_hash(const cn_image_args *args)
{
    cn_image_open open;
    cn_err err = CN_ERR_INIT;
    if (cn_image_open_evidence(args, args->n_words, &open, &err) != CN_OK)
        return cn_verb_failed(&err);
    uint64_t problems = 0;
    int r = CN_OK;
    for (size_t i = 0; i < open.n; i++)
        for (size_t k = 0; k < cn_evidence_source(open.evidence, i)->n_warnings; k++)
            say_problem(&problems, cn_evidence_source(open.evidence, i)->name,
                        &cn_evidence_source(open.evidence, i)->warnings[k]);
    for (size_t i = 0; r == CN_OK && i < open.n; i++)
        r = hash_source(&open, i, &problems, &err);
    cn_image_close_evidence(&open);
    if (r == CN_OK && fflush(stdout) != 0)
        r = cn_fail(&err, CN_E_IO, CN_NO_OFFSET, "the output could not be written");
    if (r != CN_OK)
        return cn_verb_failed(&err);
    return problems && args->strict ? CN_EXIT_WARNINGS : CN_EXIT_OK;
}
