/* Bob Jenkins' lookup3 hash (hashlittle2), which journals without keyed hashes use. */
#pragma once

#include "base/base.h"

/* Both 32-bit results as journald joins them: the first in the upper half. */
uint64_t cn_lookup3(cn_span bytes);
