/* cairn VERB ...: looks the verb up and runs it. */
#include "cli/verb.h"

#include "base/log.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct verb {
    const char *name, *usage, *what;
    int (*run)(int argc, char **argv);
} verb;

static const verb verbs[] = {
#define CN_VERB(name, usage, what) {#name, usage, what, cn_verb_##name},
#include "cli/verbs.def"
#undef CN_VERB
};

static const verb *find(const char *name)
{
    for (size_t i = 0; i < CN_LEN(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static int help(const char *name)
{
    const verb *one = name ? find(name) : NULL;
    if (name && !one) {
        cn_log_error("there is no verb '%s'; see: cairn help", name);
        return CN_EXIT_USAGE;
    }
    if (one) {
        printf("usage: cairn %s %s\n\n%s\n", one->name, one->usage, one->what);
        return CN_EXIT_OK;
    }
    printf("usage: cairn VERB ...\n\n");
    for (size_t i = 0; i < CN_LEN(verbs); i++)
        printf("  %-10s %.*s\n", verbs[i].name, (int) strcspn(verbs[i].what, "\n"), verbs[i].what);
    printf("\ncairn help VERB says more.\n");
    return CN_EXIT_OK;
}

int main(int argc, char **argv)
{
    /* Names in archives come as UTF-8, which the library that reads them converts by the locale. */
    (void) setlocale(LC_CTYPE, "C.UTF-8");
    /* Local times on disks, as FAT has them, must not depend on this machine's zone. */
    (void) setenv("TZ", "UTC0", 1);
    if (argc < 2) {
        help(NULL);
        return CN_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(name, "--version") == 0)
        name = "version";
    const verb *v = find(name);
    if (!v) {
        cn_log_error("there is no verb '%s'; see: cairn help", name);
        return CN_EXIT_USAGE;
    }
    if (argc > 2 && strcmp(argv[2], "--help") == 0)
        return help(name);
    return v->run(argc - 1, argv + 1);
}
