/* What a run found, in words, for standard output. */
#pragma once

#include "job/process.h"

#include <stdio.h>

/* Figures of the run; of its timeline: span, data types, facts about the machine, warnings by kind. */
void cn_report_print(FILE *out, const cn_process_options *options, const cn_process_result *result);
