/* CRC-32C (Castagnoli), as ext4, XFS and others checksum their metadata (RFC 3720, appendix B.4,
 * gives test values). */
#pragma once

#include "base/base.h"

/* Continues a raw CRC register over bytes: no inversion before or after. Start with UINT32_MAX,
 * invert the end where the format says so. */
uint32_t cn_crc32c(uint32_t crc, cn_span bytes);
