/* cairn serve: the page and the API, until it is told to end. */
#include "cli/verb.h"

#include "base/log.h"
#include "base/text.h"
#include "http/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT    8471

static const struct option options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"data", required_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
};

typedef struct request {
    char address[64];
    uint16_t port;
    const char *data;
} request;

/* "ADDRESS", "ADDRESS:PORT", ":PORT", "[V6]:PORT", "localhost:PORT". */
static int parse_listen(request *r, const char *text)
{
    cn_span s = cn_span_str(text), address = s, port = {NULL, 0};
    const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
    uint64_t number = DEFAULT_PORT;
    if (colon && (!bracket || colon > bracket) && (bracket || strchr(text, ':') == colon)) {
        address = cn_span_sub(s, 0, (size_t) (colon - text));
        port = cn_span_str(colon + 1);
        if (!cn_text_u64(port, &number) || number > UINT16_MAX)
            return cn_verb_usage("serve", "--listen '%s': '%s' is no port", text, colon + 1);
    }
    if (address.len > 1 && address.p[0] == '[' && address.p[address.len - 1] == ']')
        address = cn_span_sub(address, 1, address.len - 2);
    if (cn_span_is(address, "localhost") || address.len == 0)
        address = CN_SPAN_LIT(DEFAULT_ADDRESS);
    if (address.len >= sizeof r->address)
        return cn_verb_usage("serve", "--listen '%s' is no address", text);
    memcpy(r->address, address.p, address.len);
    r->address[address.len] = 0;
    r->port = (uint16_t) number;
    return CN_EXIT_OK;
}

static int parse(request *r, int argc, char **argv)
{
    int option;
    opterr = 0;
    optind = 1;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option == '?')
            return cn_verb_usage("serve", "there is no option %s", argv[optind - 1]);
        if (option == ':')
            return cn_verb_usage("serve", "%s needs a value", argv[optind - 1]);
        int status = CN_EXIT_OK;
        if (option == 'l')
            status = parse_listen(r, optarg);
        else
            r->data = optarg;
        if (status)
            return status;
    }
    if (optind < argc)
        return cn_verb_usage("serve", "'%s' is not wanted here", argv[optind]);
    return CN_EXIT_OK;
}

static int open_library(const request *r, cn_library **out, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf folder = cn_buf_of(CN_KIB(64));
    int rc = cn_data_folder(r->data, &folder, err);
    return rc ? rc : cn_library_open(cn_buf_cstr(&folder), CN_DB_CREATE, out, err);
}

int cn_verb_serve(int argc, char **argv)
{
    CN_CLEANUP(cn_library_close_p) cn_library *library = NULL;
    cn_server *server = NULL;
    cn_err err = CN_ERR_INIT;
    request r = {.address = DEFAULT_ADDRESS, .port = DEFAULT_PORT};
    sigset_t ends;
    int signal_number, status = parse(&r, argc, argv);
    if (status)
        return status;
    /* Blocked before there are threads, so that only sigwait() sees them. */
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (open_library(&r, &library, &err))
        return cn_verb_failed(&err);
    if (cn_server_start(r.address, r.port, library, &server, &err))
        return cn_verb_failed(&err);
    printf("%s\n", cn_server_url(server));
    fflush(stdout);
    while (sigwait(&ends, &signal_number))
        ;
    if (!cn_server_stop(server)) {
        fflush(NULL);
        _exit(CN_EXIT_OK); /* something still runs: the operating system takes it down */
    }
    return CN_EXIT_OK;
}
