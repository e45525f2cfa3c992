/* libFuzzer target of one parser, named by CN_FUZZ_PARSER: the input is the file's content. A rule
 * of event.h that the parser breaks is a finding too. */
#include "harness.h"

#include <stdlib.h>

extern const cn_parser CN_FUZZ_PARSER;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    harness h = harness_of(&CN_FUZZ_PARSER);
    h.file.has_mtime = true;
    h.file.mtime_ns = INT64_C(1790000000) * CN_NS_PER_S;
    harness_run(&h, cn_span_of(data, size), true);
    if (h.broken || h.events >= HARNESS_EVENTS_MAX)
        abort();
    return 0;
}
