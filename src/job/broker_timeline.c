/* The beginning and the end of a timeline: made anew, or an unfinished one taken up again. */
#include "job/broker.h"

#include <stdio.h>

void cn_broker_fail(cn_broker *b, int code, const char *text)
{
    if (b->failed)
        return;
    b->failed = true;
    (void) cn_fail(b->err, code, CN_NO_OFFSET, "%s", text);
    b->fail_code = code;
}

void cn_broker_fail_err(cn_broker *b, const cn_err *err)
{
    cn_broker_fail(b, err->code ? err->code : CN_E_IO, err->text);
}

void cn_broker_keep_warning(cn_broker *b, const cn_warning *w)
{
    if (b->n_kept == b->cap_kept) {
        size_t more = b->cap_kept ? b->cap_kept * 2 : 16;
        cn_warning *grown = cn_arena_alloc(&b->arena, more * sizeof *grown);
        if (!grown)
            return;
        if (b->n_kept)
            memcpy(grown, b->kept_warnings, b->n_kept * sizeof *grown);
        b->kept_warnings = grown;
        b->cap_kept = more;
    }
    cn_warning copy = *w;
    copy.kind = cn_arena_copy(&b->arena, cn_span_str(w->kind));
    copy.volume = cn_arena_copy(&b->arena, cn_span_str(w->volume));
    copy.path = cn_arena_copy(&b->arena, cn_span_str(w->path));
    copy.parser = cn_arena_copy(&b->arena, cn_span_str(w->parser));
    copy.text = cn_arena_copy(&b->arena, cn_span_str(w->text));
    if (copy.kind && copy.volume && copy.path && copy.parser && copy.text)
        b->kept_warnings[b->n_kept++] = copy;
}

void cn_broker_nothing(cn_broker *b, const char *text)
{
    char words[700];
    if (!*text && b->n_kept)
        text = b->kept_warnings[0].text;
    snprintf(words, sizeof words, "%s: nothing in it can be read%s%s", b->options->source,
             *text ? ": " : "", text);
    cn_broker_fail(b, CN_E_UNSUPPORTED, words);
}

static int take_up(cn_broker *b, int64_t id, cn_err *err)
{
    int r = cn_catalog_take_over(b->catalog, id, cn_run_name(b->run), err);
    if (r >= 0)
        r = cn_catalog_work(b->catalog, id, &b->arena, &b->committed, &b->n_committed, err);
    return r;
}

static int make(cn_broker *b, int64_t *out_id, cn_err *err)
{
    const cn_process_options *o = b->options;
    const char *name = *o->name ? o->name : *o->system_name ? o->system_name : b->mounts[0].image;
    const cn_timeline_new what = {
        .source = b->setup.files->list[0].path,
        .image = b->mounts[0].image,
        .case_name = o->case_name,
        .system_name = o->system_name,
        .options = o->options,
        .scope = o->scope,
        .run = cn_run_name(b->run),
        .image_id = b->image_id,
        .name = name,
    };
    return cn_catalog_create(b->catalog, &what, out_id, err);
}

static int begin(cn_broker *b, cn_err *err)
{
    int64_t id = 0;
    cn_timeline_status status = CN_TIMELINE_MAKING;
    int r = CN_OK;
    if (b->options->resume)
        r = cn_catalog_find(b->catalog, b->image_id, b->options->options, &id, &status, err);
    if (r < 0)
        return r;
    if (id && status == CN_TIMELINE_READY) {
        b->whole = true;
        b->timeline = id;
        return CN_OK;
    }
    r = id ? take_up(b, id, err) : make(b, &id, err);
    if (r < 0)
        return r;
    b->timeline = id;
    for (size_t i = 0; i < b->n_kept && r >= 0; i++)
        r = cn_catalog_warn(b->catalog, id, &b->kept_warnings[i], err);
    return r;
}

void cn_broker_begin_timeline(cn_broker *b)
{
    cn_err err = CN_ERR_INIT;
    if (b->catalog && begin(b, &err) < 0)
        cn_broker_fail_err(b, &err);
}

void cn_broker_end_timeline(cn_broker *b)
{
    if (!b->timeline || b->whole)
        return;
    cn_timeline_status status = b->failed                    ? CN_TIMELINE_FAILED
                                : b->cancelled || b->gave_up ? CN_TIMELINE_INTERRUPTED
                                                             : CN_TIMELINE_READY;
    cn_err err = CN_ERR_INIT;
    int r = cn_catalog_progress(b->catalog, b->timeline, b->bytes_done, b->bytes_total,
                                b->files_done, b->files_total, &err);
    if (r >= 0)
        r = cn_catalog_finish(b->catalog, b->timeline, status,
                              b->failed && b->err ? b->err->text : NULL, &err);
    if (r < 0) /* on a full disk this fails too: without it the timeline counts as interrupted */
        cn_broker_fail_err(b, &err);
}
