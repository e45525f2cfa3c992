/* The text in which LVM2 keeps its metadata: key = value, key { ... }, values are "text", numbers
 * or [lists] of both. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define CN_LVM_DEPTH_MAX 8u      /* of sections; LVM uses 4 */
#define CN_LVM_NODES_MAX 200000u /* some ten per logical volume */

typedef enum cn_lvm_kind { CN_LVM_SECTION, CN_LVM_TEXT, CN_LVM_NUMBER, CN_LVM_LIST } cn_lvm_kind;

typedef struct cn_lvm_node {
    cn_lvm_kind kind;
    const char *key;                  /* "" for the items of a list */
    const char *text;                 /* of CN_LVM_TEXT */
    uint64_t number;                  /* of CN_LVM_NUMBER */
    struct cn_lvm_node *first, *next; /* what a section or list holds, in order; its neighbour */
} cn_lvm_node;

/* Parses all of text, which stands at `origin` in the evidence. *out is a section; everything lives
 * in the arena. */
int cn_lvm_parse(cn_span text, uint64_t origin, cn_arena *arena, const cn_lvm_node **out,
                 cn_err *err) CN_MUST_USE;
/* What a section holds under key; NULL where there is no such key of that kind, or section is NULL.
 */
const cn_lvm_node *cn_lvm_get(const cn_lvm_node *section, const char *key, cn_lvm_kind kind);
/* The text or number under key; "" and false where there is none. */
const char *cn_lvm_get_text(const cn_lvm_node *section, const char *key);
CN_MUST_USE bool cn_lvm_get_number(const cn_lvm_node *section, const char *key, uint64_t *out);
