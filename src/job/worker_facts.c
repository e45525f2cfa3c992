/* What the disk says about its machine, asked of one file system. */
#include "job/worker_internal.h"

#include <unistd.h>

void cn_worker_facts(cn_worker *w, const cn_msg_facts *ask)
{
    uint32_t mount = ask->mount;
    CN_CONTROL_SET(w->control->phase, CN_PHASE_FACTS);
    int r = cn_worker_open(w);
    cn_worker_check(w, r);
    if (r < 0 || mount >= w->n_mounts)
        _exit(CN_WORKER_FAILED);
}
