/* A physical volume of LVM2: its label and the newest whole metadata text on it. */
#pragma once

#include "base/buf.h"
#include "img/source.h"

#define CN_LVM_TEXT_MAX CN_MIB(16) /* of one metadata text; vgcreate gives it 1 MiB */

typedef struct cn_lvm_pv {
    char id[33]; /* 32 letters and digits, without dashes */
    uint64_t label_at;
    uint64_t text_at; /* of the metadata; 0: this one carries none */
} cn_lvm_pv;

/* True where src begins with a physical volume's label (one of its first four sectors) with a right
 * checksum. */
CN_MUST_USE bool cn_lvm_is_pv(cn_src *src);
/* Reads label and metadata. Where only the metadata is damaged, out has the id all the same. text is given the metadata where there is one; its checksum is right.
 */
int cn_lvm_read_pv(cn_src *src, cn_lvm_pv *out, cn_buf *text, cn_err *err) CN_MUST_USE;
