/* cairn image info|ls|cat|hash: what is in an image, without processing it. */
#include "cli/verb_image.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/verb.h"
#include "job/sandbox.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATA_BYTES CN_GIB(4) /* writable memory: a LUKS2 key may be derived with one GiB */

static const struct option options[] = {
    {"volume", required_argument, NULL, 'v'},
    {"partition", required_argument, NULL, 'v'},
    {"passphrase-file", required_argument, NULL, 'P'},
    {"json", no_argument, NULL, 'j'},
    {"recursive", no_argument, NULL, 'r'},
    {"times", no_argument, NULL, 't'},
    {"offset", required_argument, NULL, 'o'},
    {"length", required_argument, NULL, 'n'},
    {"decompress", no_argument, NULL, 'd'},
    {"raw", no_argument, NULL, 'w'},
    {"strict", no_argument, NULL, 's'},
    {"sandbox", required_argument, NULL, 'b'},
    {NULL, 0, NULL, 0},
};

/* CN_EXIT_OK, or the status of a wrong use, which has been said. */
static int read_args(int argc, char **argv, cn_image_args *args)
{
    int c;
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, ":rj", options, NULL)) != -1) {
        switch (c) {
        case 'v':
            args->volume = optarg;
            break;
        case 'P':
            args->passphrase_file = optarg;
            break;
        case 'j':
            args->json = true;
            break;
        case 'r':
            args->recursive = true;
            break;
        case 't':
            args->times = true;
            break;
        case 'd':
            args->decompress = true;
            break;
        case 'w':
            args->raw = true;
            break;
        case 's':
            args->strict = true;
            break;
        case 'o':
            if (!cn_text_u64(cn_span_str(optarg), &args->offset))
                return cn_verb_usage("image", "--offset takes a number of bytes, not '%s'", optarg);
            break;
        case 'n':
            if (!cn_text_u64(cn_span_str(optarg), &args->length))
                return cn_verb_usage("image", "--length takes a number of bytes, not '%s'", optarg);
            args->has_length = true;
            break;
        case 'b':
            args->best_effort = strcmp(optarg, "best-effort") == 0;
            if (!args->best_effort && strcmp(optarg, "strict") != 0)
                return cn_verb_usage("image", "--sandbox is strict or best-effort");
            break;
        default:
            return cn_verb_usage("image",
                                 c == ':' ? "'%s' needs a value" : "there is no option '%s'",
                                 argv[optind - 1]);
        }
    }
    for (; optind < argc; optind++) {
        if (args->n_words == CN_LEN(args->words))
            return cn_verb_usage("image", "at most %zu sources in one call", CN_LEN(args->words));
        args->words[args->n_words++] = argv[optind];
    }
    return CN_EXIT_OK;
}

void cn_image_close_evidence(cn_image_open *open)
{
    cn_evidence_close(open->evidence);
    for (size_t i = 0; i < open->n; i++)
        cn_files_free(open->files[i]);
    *open = (cn_image_open){.n = 0};
}

static int enter_sandbox(const cn_image_open *open, bool best_effort, cn_err *err)
{
    int folders[CN_LEN(open->files)];
    size_t n = 0;
    for (size_t i = 0; i < open->n; i++)
        if (open->files[i]->kind == CN_FILES_FOLDER)
            folders[n++] = open->files[i]->list[0].fd;
    cn_sandbox_options sandbox = {.best_effort = best_effort,
                                  .read_folders = folders,
                                  .n_read_folders = n,
                                  .data_bytes = DATA_BYTES};
    return cn_sandbox_enter(&sandbox, NULL, err);
}

static int open_files(const cn_image_args *args, size_t n, cn_image_open *open,
                      cn_evidence_options *wanted, cn_err *err)
{
    for (; open->n < n; open->n++) {
        int r =
            cn_evidence_gather(args->words[open->n], args->best_effort, &open->files[open->n], err);
        if (r != CN_OK)
            return r;
    }
    int r = enter_sandbox(open, args->best_effort, err);
    return r == CN_OK ? cn_evidence_open(open->files, open->n, wanted, &open->evidence, err) : r;
}

int cn_image_open_evidence(const cn_image_args *args, size_t n, cn_image_open *out, cn_err *err)
{
    cn_image_open open = {.n = 0};
    char *passphrase = NULL;
    cn_evidence_options wanted = {.volume = args->volume};
    int r = cn_evidence_passphrase(args->passphrase_file, &passphrase, &wanted.has_passphrase, err);
    if (r == CN_OK) {
        wanted.passphrase = cn_span_str(passphrase);
        r = open_files(args, n, &open, &wanted, err);
    }
    if (passphrase)
        explicit_bzero(passphrase, strlen(passphrase));
    free(passphrase);
    if (r == CN_OK)
        *out = open;
    else
        cn_image_close_evidence(&open);
    return r;
}

int cn_image_pick(const cn_image_open *open, const cn_image_args *args, const cn_mount **out,
                  cn_err *err)
{
    const cn_mount *mounts;
    size_t n = cn_evidence_mounts(open->evidence, &mounts);
    const cn_node *source = cn_evidence_source(open->evidence, 0);
    if (n == 1) {
        *out = &mounts[0];
        return CN_OK;
    }
    if (n == 0 && source->err.code != CN_OK) {
        *err = source->err;
        return err->code;
    }
    if (n == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET,
                       "%s: no file system that can be read; see: cairn image info", source->name);
    CN_CLEANUP(cn_buf_free) cn_buf names = cn_buf_of(400);
    for (size_t i = 0; i < n; i++)
        cn_buf_printf(&names, "%s%s", i ? ", " : "", mounts[i].volume);
    return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                   "%s holds %zu file systems: say --volume with one of %s", args->words[0], n,
                   cn_buf_cstr(&names));
}

/* In a child process: evidence that crashes a reader ends in an error, not in a crash of the program. */
static int run_apart(int (*run)(const cn_image_args *args), const cn_image_args *args)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        cn_err err = CN_ERR_INIT;
        cn_fail_errno(&err, "fork");
        return cn_verb_failed(&err);
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int status = run(args);
        fflush(NULL);
        _exit(status);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return CN_EXIT_FAILED;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (WTERMSIG(status) != SIGINT && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGPIPE)
        cn_log_error("%s: the process that read it was ended by signal %d (%s); its bytes may be "
                     "damaged on purpose",
                     args->words[0], WTERMSIG(status), strsignal(WTERMSIG(status)));
    return CN_EXIT_FAILED;
}

int cn_verb_image(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const cn_image_args *args);
    } verbs[] = {{"info", cn_image_info},
                 {"ls", cn_image_ls},
                 {"cat", cn_image_cat},
                 {"hash", cn_image_hash}};
    if (argc < 2)
        return cn_verb_usage("image", "say what to do: info, ls, cat or hash");
    for (size_t i = 0; i < CN_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, argv[1]) != 0)
            continue;
        cn_image_args args = {.n_words = 0};
        int status = read_args(argc - 1, argv + 1, &args);
        if (status != CN_EXIT_OK)
            return status;
        if (args.n_words == 0)
            return cn_verb_usage("image", "%s needs a source", argv[1]);
        return run_apart(verbs[i].run, &args);
    }
    return cn_verb_usage("image", "there is no '%s'; there are info, ls, cat and hash", argv[1]);
}
