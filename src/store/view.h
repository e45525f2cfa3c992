/* An event of the store as the encoders take it. */
#pragma once

#include "event/encode.h"
#include "store/store.h"

/* Good as long as the event is. */
static inline cn_event_view cn_view_stored(const cn_stored_event *e)
{
    cn_event_view view = cn_view_spooled(&e->s);
    view.desc = e->desc;
    return view;
}
