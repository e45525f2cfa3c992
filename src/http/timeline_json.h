/* A timeline as the API shows it. */
#pragma once

#include "db/catalog.h"
#include "http/json_out.h"
#include "job/library.h"

/* "NAME": "2026-11-18T01:12:19.660431+00:00", nanoseconds where they matter. */
void cn_json_put_time(cn_json_out *json, const char *name, int64_t time_ns);
/* One object, as lists and the event stream have it. hostname may be "", library NULL. */
void cn_timeline_put_brief(cn_json_out *json, const cn_timeline *timeline, const char *hostname,
                           cn_library *library);
/* One object with all its facts. */
void cn_timeline_put(cn_json_out *json, const cn_timeline *timeline, const cn_fact *facts,
                     size_t n_facts, cn_library *library);
