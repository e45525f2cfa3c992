/* Where in a line of an unknown log its time stands. */
#pragma once

#include "parse/textlog.h"

typedef struct cn_line_place {
    unsigned token; /* words before it; CN_PLACE_JSON for the value of a key in a JSON object */
    cn_time_kind kind;
} cn_line_place;

#define CN_PLACE_JSON 100u

/* The first time within the first words of a line, or the one that a JSON object gives as its own.
 * *out_at is where it begins. False where there is none. */
CN_MUST_USE bool cn_line_place_find(cn_textlog *log, cn_span text, cn_line_place *out,
                                    cn_linetime *out_time, size_t *out_at);
