/* A batch of files: each is opened, its head is looked at, and the parser that is surest reads it.
 */
#include "job/worker_internal.h"

#include "base/text.h"

#include <stdio.h>
#include <unistd.h>

/* The content of a file, watched: each read tells the broker that work goes on. */
typedef struct watched {
    cn_src src; /* first */
    cn_src *content;
    cn_control *control;
} watched;

static int watched_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    watched *file = (watched *) src;
    CN_CONTROL_ADD(file->control->beat, 1);
    CN_CONTROL_ADD(file->control->bytes_read, n);
    return file->content->ops->read(file->content, offset, out, n, err);
}

static uint64_t watched_next_data(cn_src *src, uint64_t offset)
{
    return cn_src_next_data(((watched *) src)->content, offset);
}

static void watched_close(cn_src *src) { (void) src; /* its owner closes the content */ }

static const cn_src_ops watched_ops = {watched_read, watched_next_data, watched_close};

typedef struct reading {
    cn_worker *w;
    uint32_t mount;
    const cn_file_record *file;
    const char *parser;
} reading;

static void warn_of(const reading *r, int code, uint64_t offset, const char *text)
{
    cn_worker_warn(r->w, r->mount, cn_code_name(code), r->file->path, r->file->inode, r->parser,
                   offset, text);
}

static void job_warn(cn_parse_job *job, int code, uint64_t offset, const char *text)
{
    warn_of(job->context, code, offset, text);
}

static int job_step(cn_parse_job *job)
{
    const reading *r = job->context;
    CN_CONTROL_ADD(r->w->control->beat, 1);
    return CN_CONTROL_GET(r->w->control->cancel) ? CN_E_CANCELLED : CN_OK;
}

static void fs_warn(void *context, const cn_fs_warning *found)
{
    warn_of(context, found->code, found->offset, found->text);
}

/* The last part of the path, without the suffix of its compression. */
static cn_span name_of(cn_span path, const char *stream)
{
    static const char *const suffixes[] = {".gz", ".bz2", ".xz", ".zst", ".lzma", ".Z"};
    size_t at = path.len;
    while (at && path.p[at - 1] != '/')
        at--;
    cn_span name = cn_span_sub(path, at, SIZE_MAX);
    for (size_t i = 0; *stream && i < CN_LEN(suffixes); i++)
        if (cn_span_ends(name, suffixes[i]) && name.len > strlen(suffixes[i]))
            return cn_span_sub(name, 0, name.len - strlen(suffixes[i]));
    return name;
}

static uint32_t parser_index(const cn_parser *parser)
{
    for (uint32_t i = 0; i < cn_parsers_count; i++)
        if (cn_parsers[i] == parser)
            return i;
    return UINT32_MAX;
}

static int run_parser(reading *r, const cn_parser *parser, const cn_file_info *info, cn_input *in)
{
    cn_worker *w = r->w;
    const cn_mount *mount = &w->mounts[r->mount];
    uint32_t index = parser_index(parser);
    r->parser = parser->name;
    CN_CONTROL_SET(w->control->parser, index + 1);
    CN_CONTROL_ADD(w->control->parser_files[index + 1], 1);
    const cn_origin origin = {
        .image = cn_span_str(mount->image),
        .image_id = mount->image_id,
        .volume = cn_span_str(mount->volume),
        .path = r->file->path,
        .inode = r->file->inode,
        .stream = cn_span_str(cn_input_stream(in)),
        .parser = cn_span_str(parser->name),
    };
    int rc = w->sink.origin(&w->sink, &origin);
    if (rc < 0)
        return rc;
    w->err = CN_ERR_INIT;
    cn_parse_job job = {
        .file = info,
        .in = in,
        .sink = &w->sink,
        .arena = &w->arena,
        .err = &w->err,
        .warn = job_warn,
        .step = job_step,
        .context = r,
    };
    rc = parser->parse(&job);
    /* Random access hands out what damaged compressed content still holds: its damage is told here. */
    return rc == CN_OK ? cn_input_fault(in, &w->err) : rc;
}

static int too_large(reading *r, const cn_parser *parser)
{
    char text[128];
    snprintf(text, sizeof text, "%llu bytes are more than the parser %s reads (%llu)",
             (unsigned long long) r->file->size, parser->name,
             (unsigned long long) parser->max_size);
    r->parser = parser->name;
    return cn_fail(&r->w->err, CN_E_LIMIT, 0, "%s", text);
}

static int read_content(reading *r, cn_src *content)
{
    cn_worker *w = r->w;
    CN_CLEANUP(cn_input_close_p) cn_input *in = NULL;
    int rc = cn_input_open(content, &in, &w->err);
    cn_probe probe = {0};
    if (rc < 0 || (rc = cn_input_head(in, &probe.head, &probe.whole, &w->err)) < 0)
        return rc;
    const cn_file_info info = {
        .path = r->file->path,
        .name = name_of(r->file->path, cn_input_stream(in)),
        .size = r->file->size,
        .has_mtime = r->file->has_mtime,
        .mtime_ns = r->file->mtime_ns,
        .zone = w->zone ? w->zone : cn_zone_utc(),
        .zone_known = w->zone != NULL,
        .hostname = cn_span_str(w->hostname),
    };
    probe.file = &info;
    const cn_parser *parser = cn_parser_pick(&probe, w->options->parsers);
    if (!parser)
        return CN_OK;
    if (parser->max_size && !*cn_input_stream(in) && r->file->size > parser->max_size)
        return too_large(r, parser);
    return run_parser(r, parser, &info, in);
}

static int read_file(reading *r)
{
    cn_worker *w = r->w;
    cn_fs *fs = w->mounts[r->mount].fs;
    CN_CLEANUP(cn_src_close_p) cn_src *content = NULL;
    fs->warn = fs_warn;
    fs->warn_context = r;
    w->err = CN_ERR_INIT;
    int rc = cn_fs_open_file(fs, r->file->inode, &content, &w->err);
    if (rc >= 0) {
        watched file = {
            .src = {&watched_ops, content->size, content->sector_size, content->format},
            .content = content,
            .control = w->control,
        };
        rc = read_content(r, &file.src);
    }
    fs->warn = NULL;
    return rc;
}

/* False: the user wants an end. */
static bool one_file(cn_worker *w, const cn_msg_files *ask, uint32_t i, const cn_file_record *file)
{
    CN_CONTROL_SET(w->control->item, i);
    CN_CONTROL_SET(w->control->parser, 0);
    CN_CONTROL_SET(w->control->phase, CN_PHASE_FILE);
    if (CN_CONTROL_GET(w->control->cancel))
        return false;
    cn_worker_begin_item(w, ask->first_item + i, file->skip);
    reading r = {.w = w, .mount = ask->mount, .file = file, .parser = ""};
    int rc = read_file(&r);
    cn_worker_check(w, rc);
    if (rc == CN_E_CANCELLED)
        return false; /* item_open stays: it goes on when the run is resumed */
    w->item_open = false;
    if (rc < 0)
        warn_of(&r, rc, w->err.offset, w->err.code ? w->err.text : cn_code_name(rc));
    cn_worker_warnings_end(w, ask->mount, file->path, file->inode);
    cn_arena_reset(&w->arena);
    return true;
}

void cn_worker_files(cn_worker *w, const cn_msg_files *ask)
{
    CN_CONTROL_SET(w->control->phase, CN_PHASE_FILE);
    int r = cn_worker_open(w);
    cn_worker_check(w, r);
    if (r < 0 || ask->mount >= w->n_mounts)
        _exit(CN_WORKER_FAILED);
    cn_cur c = cn_cur_of(cn_buf_span(&w->batch), 0);
    for (uint32_t i = 0; i < ask->n; i++) {
        const cn_file_record file = cn_get_file(&c);
        if (c.fail)
            _exit(CN_WORKER_FAILED);
        if (i >= ask->from && !file.done && !one_file(w, ask, i, &file))
            return;
    }
}
