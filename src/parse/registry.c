#include "parse/parser.h"

#define CN_PARSER(name) extern const cn_parser cn_parser_##name;
#include "parse/parsers.def"
#undef CN_PARSER
#ifdef CN_TEST_PARSERS
extern const cn_parser cn_parser_test; /* test_parser.c */
#endif

const cn_parser *const cn_parsers[] = {
#define CN_PARSER(name) &cn_parser_##name,
#include "parse/parsers.def"
#undef CN_PARSER
#ifdef CN_TEST_PARSERS
    &cn_parser_test,
#endif
    NULL,
};
const size_t cn_parsers_count = CN_LEN(cn_parsers) - 1;

const cn_parser *cn_parser_by_name(cn_span name)
{
    for (size_t i = 0; i < cn_parsers_count; i++)
        if (cn_span_is(name, cn_parsers[i]->name))
            return cn_parsers[i];
    return NULL;
}

const cn_parser *cn_parser_pick(const cn_probe *probe, const bool *allow)
{
    cn_probe looked = *probe;
    looked.look = cn_probe_look(probe);
    const cn_parser *best = NULL;
    unsigned best_bits = 0;
    for (size_t i = 0; i < cn_parsers_count; i++) {
        unsigned bits = allow && !allow[i] ? 0 : cn_parsers[i]->probe(&looked);
        if (bits > best_bits) {
            best = cn_parsers[i];
            best_bits = bits;
        }
    }
    return best;
}
