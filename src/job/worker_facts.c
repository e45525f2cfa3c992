/* What the disk says about its machine, asked of one file system. */
#include "job/hostfacts.h"
#include "job/worker_internal.h"

#include <unistd.h>

#define FACTS_MEMORY CN_MIB(64)
#define ZONE_MAX     CN_KIB(32)

static int step(void *context)
{
    cn_worker *w = context;
    CN_CONTROL_ADD(w->control->beat, 1);
    return CN_CONTROL_GET(w->control->cancel) ? CN_E_CANCELLED : CN_OK;
}

void cn_worker_facts(cn_worker *w, const cn_msg_facts *ask)
{
    uint32_t mount = ask->mount;
    CN_CONTROL_SET(w->control->phase, CN_PHASE_FACTS);
    int r = cn_worker_open(w);
    cn_worker_check(w, r);
    if (r < 0 || mount >= w->n_mounts)
        _exit(CN_WORKER_FAILED);
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(FACTS_MEMORY);
    cn_hostfacts facts = {0};
    w->err = CN_ERR_INIT;
    r = cn_hostfacts_read(w->mounts[mount].fs, &arena, step, w, &facts, &w->err);
    if (r < 0 && r != CN_E_CANCELLED)
        cn_worker_warn(w, mount, cn_code_name(r), (cn_span){NULL, 0}, 0, "", w->err.offset,
                       w->err.text);
    for (size_t i = 0; i < facts.n; i++) {
        const cn_host_fact *fact = &facts.facts[i];
        cn_put_text(&w->tail, cn_span_str(fact->name));
        cn_put_text(&w->tail, cn_span_str(fact->value));
        cn_put_text(&w->tail, cn_span_str(fact->path));
        cn_worker_send(w, CN_M_FACT, &(cn_msg_fact){.inode = fact->inode, .mount = mount}, true);
    }
    if (facts.zone_name) {
        cn_span tzif = facts.zone_tzif.len <= ZONE_MAX ? facts.zone_tzif : (cn_span){NULL, 0};
        cn_put_text(&w->tail, cn_span_str(facts.zone_name));
        cn_put_text(&w->tail, tzif);
        cn_worker_send(w, CN_M_ZONE_FOUND, &(cn_msg_zone_found){.mount = mount}, true);
    }
    w->warnings = 0;
}
