/* Events of an answer, with what people said about them. */
#pragma once

#include "event/encode.h"
#include "http/call.h"

/* An array of Hit. choice: as for cn_encode_event(). */
int cn_hits_put(cn_call *call, cn_json_out *json, const cn_stored_event *events, size_t n,
                const cn_encode_choice *choice) CN_MUST_USE;
/* The members of Annotations beside event_id: starred, tags, comments, as notes of one event. */
void cn_notes_put(cn_json_out *json, const cn_annotation *notes, size_t n);
