/* cairn process SOURCE...: evidence to timelines. One source after the other; each becomes a timeline. */
#include "cli/verb.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/options.h"
#include "job/evidence.h"
#include "job/report.h"
#include "job/zonefile.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOURCES_MAX 1024

typedef struct request {
    cn_process_options run;
    cn_outputs outputs;
    const char *sources[SOURCES_MAX];
    size_t n_sources;
    const char *data, *parsers, *filter_file, *timezone, *passphrase_file;
    bool strict;
    cn_filter *filter;
    bool *allow;
    cn_buf folder, scope, options, zone;
    char *passphrase;
} request;

static void free_request(request *q)
{
    cn_filter_free(q->filter);
    free(q->allow);
    cn_buf_free(&q->folder);
    cn_buf_free(&q->scope);
    cn_buf_free(&q->options);
    cn_buf_free(&q->zone);
    if (q->passphrase)
        explicit_bzero(q->passphrase, strlen(q->passphrase));
    free(q->passphrase);
}

/* ---- words of the command line ---- */

static int unknown_parser(cn_span name, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf list = cn_buf_of(CN_KIB(4));
    cn_buf_str(&list, "filestat");
    for (size_t i = 0; i < cn_parsers_count; i++)
        cn_buf_printf(&list, ", %s", cn_parsers[i]->name);
    return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "there is no parser '%.*s'; there are: %s",
                   (int) CN_MIN(name.len, 60u), name.p, cn_buf_cstr(&list));
}

static bool set_parser(request *q, cn_span name, bool on)
{
    bool known = cn_span_is(name, "filestat");
    if (known)
        q->run.filestat = on;
    for (size_t i = 0; i < cn_parsers_count; i++)
        if (cn_span_is(name, cn_parsers[i]->name)) {
            q->allow[i] = on;
            known = true;
        }
    return known;
}

/* "syslog,utmp": only these; "!filestat": all but these. */
static int take_parsers(request *q, cn_err *err)
{
    q->run.filestat = true;
    if (!q->parsers)
        return CN_OK;
    q->allow = calloc(cn_parsers_count + 1, sizeof *q->allow);
    if (!q->allow)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    bool without = q->parsers[0] == '!' || q->parsers[0] == '-';
    q->run.filestat = without;
    for (size_t i = 0; i < cn_parsers_count; i++)
        q->allow[i] = without;
    cn_span rest = cn_span_str(q->parsers);
    while (rest.len) {
        cn_span name = cn_text_trim(cn_text_until(&rest, ','));
        bool off = name.len && (name.p[0] == '!' || name.p[0] == '-');
        if (off != without)
            return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                           "--parsers: name either those to run or, with !, those not to");
        if (off)
            name = cn_span_sub(name, 1, SIZE_MAX);
        if (!set_parser(q, name, !off))
            return unknown_parser(name, err);
    }
    q->run.parsers = q->allow;
    return CN_OK;
}

/* A name of the analyst's machine's zone database. */
static int take_timezone(request *q, cn_err *err)
{
    if (!q->timezone)
        return CN_OK;
    if (cn_zonefile_read(q->timezone, &q->zone, err) < 0) {
        cn_while(err, "--timezone");
        return err->code = CN_E_ARG;
    }
    q->run.zone_name = q->timezone;
    q->run.zone_tzif = cn_buf_span(&q->zone);
    return CN_OK;
}

static int take_filter(request *q, cn_err *err)
{
    if (!q->filter_file)
        return CN_OK;
    int r = cn_filter_read(q->filter_file, &q->filter, err);
    if (r < 0)
        return cn_while(err, "--filter"), r;
    q->run.filter = q->filter;
    return CN_OK;
}

/* In words that are the same whenever the same is asked for. */
static void describe(request *q)
{
    if (q->allow) {
        cn_buf_str(&q->scope, "parsers=");
        if (q->run.filestat)
            cn_buf_str(&q->scope, "filestat,");
        for (size_t i = 0; i < cn_parsers_count; i++)
            if (q->allow[i])
                cn_buf_printf(&q->scope, "%s,", cn_parsers[i]->name);
        cn_buf_char(&q->scope, ' ');
    }
    if (q->run.volume)
        cn_buf_printf(&q->scope, "partition=%s ", q->run.volume);
    if (q->filter)
        cn_buf_printf(&q->scope, "filter=%016llx ", (unsigned long long) cn_filter_hash(q->filter));
    cn_buf_str(&q->options, cn_buf_cstr(&q->scope));
    if (q->timezone)
        cn_buf_printf(&q->options, "timezone=%s ", q->timezone);
    q->run.scope = cn_buf_cstr(&q->scope);
    q->run.options = cn_buf_cstr(&q->options);
}

static int take_data(request *q, cn_err *err)
{
    q->run.outputs = &q->outputs;
    if (q->outputs.n && !q->outputs.keep) {
        if (q->run.resume)
            return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                           "--resume needs the data folder: add --to data");
        return CN_OK;
    }
    int r = cn_data_folder(q->data, &q->folder, err);
    if (r >= 0)
        q->run.folder = cn_buf_cstr(&q->folder);
    return r;
}

static int take_passphrase(request *q, cn_err *err)
{
    bool has = false;
    int r = cn_evidence_passphrase(q->passphrase_file, &q->passphrase, &has, err);
    if (r < 0 || !has)
        return r;
    q->run.has_passphrase = true;
    q->run.passphrase = cn_span_str(q->passphrase);
    return CN_OK;
}

static int parse(request *q, int argc, char **argv, cn_err *err)
{
    cn_args args = cn_args_of(argc, argv);
    const char *hash = NULL, *sandbox = NULL, *to = NULL, *partition = NULL;
    int r;
    while ((r = cn_args_next(&args, err)) > 0) {
        if (cn_args_text(&args, "--to", &to)) {
            if (to && (r = cn_outputs_add(&q->outputs, to, err)) < 0)
                return r;
        } else if (args.positional) {
            if (q->n_sources == SOURCES_MAX)
                return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "too many sources");
            q->sources[q->n_sources++] = args.positional;
        } else if (!cn_args_text(&args, "--case", &q->run.case_name) &&
                   !cn_args_text(&args, "--system", &q->run.system_name) &&
                   !cn_args_text(&args, "--name", &q->run.name) &&
                   !cn_args_text(&args, "--partition", &partition) &&
                   !cn_args_text(&args, "--parsers", &q->parsers) &&
                   !cn_args_text(&args, "--filter", &q->filter_file) &&
                   !cn_args_text(&args, "--timezone", &q->timezone) &&
                   !cn_args_text(&args, "--passphrase-file", &q->passphrase_file) &&
                   !cn_args_text(&args, "--data", &q->data) &&
                   !cn_args_text(&args, "--hash", &hash) &&
                   !cn_args_text(&args, "--sandbox", &sandbox) &&
                   !cn_args_number(&args, "--workers", 1, CN_WORKERS_MAX, &q->run.workers) &&
                   !cn_args_number(&args, "--file-timeout", 1, 86400, &q->run.file_timeout_s) &&
                   !cn_args_flag(&args, "--resume", &q->run.resume) &&
                   !cn_args_flag(&args, "--strict", &q->strict) &&
                   !cn_args_flag(&args, "--quiet", &q->run.quiet)) {
            return cn_args_unknown(&args, err);
        }
        if (args.failed)
            return cn_args_failed(&args, err);
    }
    if (r < 0)
        return r;
    if (!q->n_sources)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "name the evidence: cairn process SOURCE...");
    if (hash && strcmp(hash, "sha256") != 0)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "--hash %s: there is sha256", hash);
    if (sandbox && strcmp(sandbox, "best-effort") != 0 && strcmp(sandbox, "required") != 0)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                       "--sandbox %s: there are required and best-effort", sandbox);
    q->run.hash = hash != NULL;
    q->run.best_effort = sandbox && strcmp(sandbox, "best-effort") == 0;
    q->run.volume = partition && strcmp(partition, "all") != 0 ? partition : NULL;
    if ((r = take_parsers(q, err)) < 0 || (r = take_timezone(q, err)) < 0 ||
        (r = take_filter(q, err)) < 0 || (r = take_data(q, err)) < 0 ||
        (r = take_passphrase(q, err)) < 0)
        return r;
    describe(q);
    return CN_OK;
}

/* ---- running ---- */

static int one_source(request *q, const char *source, bool *out_warned)
{
    cn_process_result result;
    cn_err err = CN_ERR_INIT;
    const char *others[SOURCES_MAX];
    q->run.source = source;
    q->run.others = others;
    q->run.n_others = 0;
    for (size_t i = 0; i < q->n_sources; i++)
        if (q->sources[i] != source)
            others[q->run.n_others++] = q->sources[i];
    int r = cn_process_run(&q->run, &result, &err);
    FILE *out = q->outputs.to_stdout ? stderr : stdout;
    if (result.timeline || r >= 0)
        cn_report_print(out, &q->run, &result);
    fflush(out);
    *out_warned = *out_warned || result.warnings > 0;
    if (r >= 0)
        return CN_EXIT_OK;
    if (result.elsewhere) {
        cn_log_note("%s: %s", source, err.text);
        return CN_EXIT_OK;
    }
    int status = cn_verb_failed(&err);
    if (result.timeline)
        cn_log_note("what was found until then can be searched; the same command with --resume "
                    "goes on");
    return status;
}

static int run(request *q)
{
    cn_err err = CN_ERR_INIT;
    bool warned = false;
    int status = CN_EXIT_OK;
    if (cn_outputs_open(&q->outputs, &err) < 0)
        return cn_verb_failed(&err);
    for (size_t i = 0; i < q->n_sources; i++) {
        int one = one_source(q, q->sources[i], &warned);
        status = CN_MAX(status, one);
    }
    if (cn_outputs_close(&q->outputs, &err) < 0)
        status = CN_MAX(status, cn_verb_failed(&err));
    return status == CN_EXIT_OK && warned && q->strict ? CN_EXIT_WARNINGS : status;
}

int cn_verb_process(int argc, char **argv)
{
    CN_CLEANUP(free_request)
    request q = {
        .run = {.case_name = "",
                .system_name = "",
                .name = "",
                .file_timeout_s = CN_FILE_TIMEOUT_S},
        .folder = cn_buf_of(CN_KIB(4)),
        .scope = cn_buf_of(CN_KIB(16)),
        .options = cn_buf_of(CN_KIB(16)),
        .zone = cn_buf_of(CN_KIB(64)),
    };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    q.run.workers = cores > 0 ? (unsigned) CN_MIN(cores, (long) CN_WORKERS_MAX) : 1;
    cn_err err = CN_ERR_INIT;
    if (parse(&q, argc, argv, &err) < 0)
        return cn_verb_failed(&err);
    return run(&q);
}
