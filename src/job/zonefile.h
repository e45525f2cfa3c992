/* The zone database of the analyst's machine, for a zone that is known by name only. Trusted; for the
 * broker, which does not interpret it. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define CN_ZONEFILE_MAX CN_KIB(32)

/* The TZif bytes of a zone by its name ("Europe/Berlin"); UTC is always there. CN_E_NOT_FOUND. */
int cn_zonefile_read(const char *name, cn_buf *out, cn_err *err) CN_MUST_USE;
