#include "query/address.h"

#include "base/text.h"

#include <arpa/inet.h>

bool cn_address_parse(cn_span text, uint8_t out[16])
{
    char z[INET6_ADDRSTRLEN];
    uint8_t four[4];
    if (text.len < 2 || text.len >= sizeof z || memchr(text.p, 0, text.len))
        return false;
    memcpy(z, text.p, text.len);
    z[text.len] = 0;
    if (inet_pton(AF_INET, z, four) == 1) {
        memset(out, 0, 10);
        out[10] = out[11] = 0xff;
        memcpy(out + 12, four, 4);
        return true;
    }
    return inet_pton(AF_INET6, z, out) == 1;
}

bool cn_network_parse(cn_span text, cn_network *out)
{
    cn_span rest = text, address = cn_text_until(&rest, '/');
    uint64_t bits = 128;
    cn_network n;
    if (!cn_address_parse(address, n.address))
        return false;
    if (address.len < text.len) {
        bool is_v4 = !memchr(address.p, ':', address.len);
        if (!cn_text_u64(rest, &bits) || bits > (is_v4 ? 32 : 128))
            return false;
        if (is_v4)
            bits += 96;
    }
    n.bits = (uint8_t) bits;
    *out = n;
    return true;
}

bool cn_network_has(const cn_network *network, const uint8_t address[16])
{
    size_t whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->address, address, whole) != 0)
        return false;
    return rest == 0 || ((network->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}
