#include "base/text.h"
#include "parse/parser.h"

enum { TEXT_SAMPLE = 512 };

/* Hardly any control characters, after a hole at the beginning. */
static bool is_text(cn_span head)
{
    size_t n = CN_MIN(head.len, (size_t) TEXT_SAMPLE), controls = 0;
    for (size_t i = 0; i < n; i++)
        controls += head.p[i] < 0x20 && head.p[i] != '\n' && head.p[i] != '\t' &&
                    head.p[i] != '\r' && head.p[i] != 0x1b && head.p[i] != 0x1d;
    return n > 0 && controls * 20 <= n;
}

static bool has_clock(cn_span head)
{
    const uint8_t *p = head.p, *end = head.p + head.len;
    while (p < end && (p = memchr(p, ':', (size_t) (end - p))) != NULL) {
        if (p - head.p >= 2 && end - p >= 6 && p[3] == ':' && cn_is_digit(p[-2]) &&
            cn_is_digit(p[-1]) && cn_is_digit(p[1]) && cn_is_digit(p[2]) && cn_is_digit(p[4]) &&
            cn_is_digit(p[5]))
            return true;
        p++;
    }
    return false;
}

unsigned cn_probe_look(const cn_probe *probe)
{
    if (probe->look)
        return probe->look;
    cn_span head = probe->head;
    if (head.len > 4 && (cn_span_starts(head, "\xff\xfe") || cn_span_starts(head, "\xfe\xff")))
        return CN_LOOK_DONE | CN_LOOK_TEXT | CN_LOOK_CLOCK;
    size_t hole = 0;
    while (hole < head.len && head.p[hole] == 0)
        hole++;
    head = cn_span_sub(head, hole, head.len);
    if (!is_text(head))
        return CN_LOOK_DONE;
    return CN_LOOK_DONE | CN_LOOK_TEXT | (has_clock(head) ? CN_LOOK_CLOCK : 0);
}
