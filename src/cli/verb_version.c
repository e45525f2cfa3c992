#include "cli/verb.h"

#include <stdio.h>

int cn_verb_version(int argc, char **argv)
{
    (void) argc, (void) argv;
    printf("cairn %s\n", CN_VERSION);
    return CN_EXIT_OK;
}
