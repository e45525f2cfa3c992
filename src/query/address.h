/* IP addresses and networks as text. */
#pragma once

#include "query/query.h"

/* An IPv4 or IPv6 address; IPv4 becomes ::ffff:a.b.c.d. False on anything else. */
CN_MUST_USE bool cn_address_parse(cn_span text, uint8_t out[16]);
/* An address, or ADDRESS/BITS. */
CN_MUST_USE bool cn_network_parse(cn_span text, cn_network *out);
bool cn_network_has(const cn_network *network, const uint8_t address[16]);
