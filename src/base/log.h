/* Messages for the person at the terminal, on standard error. Only job, http and cli write any;
 * libraries return. */
#pragma once

#include "base/base.h"

/* "cairn: TEXT\n"; controls in the text become '?'. */
void cn_log_error(const char *format, ...) CN_PRINTF(1, 2);
void cn_log_note(const char *format, ...) CN_PRINTF(1, 2);
