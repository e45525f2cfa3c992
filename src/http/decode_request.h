/* From what came over the wire to the structs of api_generated.h, checked by their tables. */
#pragma once

#include "http/api.h"

/* What is wrong with a request. */
typedef struct cn_decode_fault {
    char field[200];
    char text[300];
} cn_decode_fault;

typedef struct cn_wire_parameter {
    cn_api_place in;
    cn_span name, value; /* decoded */
} cn_wire_parameter;

/* Fills `out` (of shape->size bytes) from a body of JSON. Everything lives in the arena. False,
 * with *fault set, where it is not what the shape says. Members that the shape lacks are refused.
 */
CN_MUST_USE bool cn_decode_body(const cn_api_shape *shape, cn_span json, cn_arena *arena, void *out,
                                cn_decode_fault *fault);
/* The same from parameters. One that is unknown or given twice is refused, headers excepted. */
CN_MUST_USE bool cn_decode_params(const cn_api_shape *shape, const cn_wire_parameter *params,
                                  size_t n, cn_arena *arena, void *out, cn_decode_fault *fault);
/* Percent-decoding into the arena; `plus` takes '+' for a blank. False on a broken escape, a NUL or
 * bad UTF-8. */
CN_MUST_USE bool cn_decode_percent(cn_span text, bool plus, cn_arena *arena, cn_span *out);
