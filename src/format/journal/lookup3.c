/* Source: Bob Jenkins, "lookup3", May 2006 (public domain): three 32-bit words of state, into which
 * twelve bytes at a time are added and mixed; the last one to twelve bytes get a final mixing. */
#include "format/journal/lookup3.h"

#include "base/cur.h"

static uint32_t rotate(uint32_t v, unsigned bits) { return v << bits | v >> (32 - bits); }

/* One step of the mixing: x is subtracted from, turned into and added to its neighbours. */
static void mix_step(uint32_t *x, uint32_t *y, uint32_t *z, unsigned bits)
{
    *x -= *z;
    *x ^= rotate(*z, bits);
    *z += *y;
}

static void mix(uint32_t s[3])
{
    static const unsigned bits[] = {4, 6, 8, 16, 19, 4};
    for (unsigned i = 0; i < 6; i++)
        mix_step(&s[i % 3], &s[(i + 1) % 3], &s[(i + 2) % 3], bits[i]);
}

static void mix_last(uint32_t s[3])
{
    static const unsigned bits[] = {14, 11, 25, 16, 4, 14, 24};
    for (unsigned i = 0; i < 7; i++) {
        uint32_t *x = &s[(i + 2) % 3], y = s[(i + 1) % 3];
        *x ^= y;
        *x -= rotate(y, bits[i]);
    }
}

uint64_t cn_lookup3(cn_span bytes)
{
    uint32_t start = 0xdeadbeefu + (uint32_t) bytes.len;
    uint32_t s[3] = {start, start, start};
    cn_cur c = cn_cur_of(bytes, 0);
    while (cn_cur_left(&c) > 12) {
        for (unsigned i = 0; i < 3; i++)
            s[i] += cn_cur_le32(&c);
        mix(s);
    }
    if (cn_cur_left(&c) > 0) {
        for (unsigned i = 0; cn_cur_left(&c) > 0; i++)
            s[i / 4] += (uint32_t) cn_cur_u8(&c) << (i % 4 * 8);
        mix_last(s);
    }
    uint64_t upper = s[2];
    return upper * (UINT64_C(1) << 32) + s[1];
}
