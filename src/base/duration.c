#include "base/duration.h"

#include "base/text.h"
#include "base/timestamp.h"

static const struct unit {
    const char *sign, *name;
    int64_t ns;
} units[] = {
    {"w", "week", 7 * 86400 * CN_NS_PER_S}, {"d", "day", 86400 * CN_NS_PER_S},
    {"h", "hour", 3600 * CN_NS_PER_S},      {"m", "minute", 60 * CN_NS_PER_S},
    {"s", "second", CN_NS_PER_S},           {"ms", "millisecond", 1000000},
    {"us", "microsecond", CN_NS_PER_US},    {"ns", "nanosecond", 1},
};

bool cn_duration_parse(cn_span text, int64_t *out_ns)
{
    size_t digits = 0;
    while (digits < text.len && cn_is_digit(text.p[digits]))
        digits++;
    uint64_t n, ns;
    if (!cn_text_u64(cn_span_sub(text, 0, digits), &n) || n == 0)
        return false;
    cn_span sign = cn_span_sub(text, digits, text.len);
    for (size_t i = 0; i < CN_LEN(units); i++) {
        if (!cn_span_is(sign, units[i].sign))
            continue;
        if (!cn_mul(n, (uint64_t) units[i].ns, &ns) || ns > INT64_MAX)
            return false;
        *out_ns = (int64_t) ns;
        return true;
    }
    return false;
}

void cn_duration_format(cn_buf *out, int64_t ns)
{
    for (size_t i = 0; i < CN_LEN(units); i++) {
        if (ns % units[i].ns || (ns == 0 && i + 1 < CN_LEN(units)))
            continue;
        int64_t n = ns / units[i].ns;
        cn_buf_i64(out, n);
        cn_buf_char(out, ' ');
        cn_buf_str(out, units[i].name);
        if (n != 1)
            cn_buf_char(out, 's');
        return;
    }
}
