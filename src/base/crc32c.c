#include "base/crc32c.h"

enum { POLYNOMIAL = 0x82f63b78 }; /* reflected 0x1edc6f41 */

static uint32_t by_bits(uint32_t crc, cn_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        crc ^= s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? (uint32_t) POLYNOMIAL : 0);
    }
    return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, cn_span s)
{
    uint64_t c = crc;
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        c = __builtin_ia32_crc32di(c, word);
    }
    for (; i < s.len; i++)
        c = __builtin_ia32_crc32qi((uint32_t) c, s.p[i]);
    return (uint32_t) c;
}

uint32_t cn_crc32c(uint32_t crc, cn_span bytes)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes) : by_bits(crc, bytes);
}
#else
uint32_t cn_crc32c(uint32_t crc, cn_span bytes) { return by_bits(crc, bytes); }
#endif
