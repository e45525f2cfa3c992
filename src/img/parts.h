/* The parts of a split image by their names: image.001, image.002 ...; image.aa, image.ab ...;
 * image.E01 ... image.E99, image.EAA ... image.ZZZ; image.Ex01 ...; the letters of either case. */
#pragma once

#include "base/err.h"

typedef struct cn_parts {
    char **paths; /* in order, paths[0] the first; owned */
    size_t n;
    bool raw;      /* counted as split raw images are */
    char *missing; /* path of the first that is not there although later ones are; NULL; owned */
} cn_parts;

/* Looks into the folder of `first` for what follows it; first alone where it is not named as a
 * first part. */
int cn_parts_find(const char *first, cn_parts *out, cn_err *err) CN_MUST_USE;
void cn_parts_free(cn_parts *parts);
