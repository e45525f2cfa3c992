/* What MBR and GPT share. */
#pragma once

#include "vol/volume.h"

/* Adds partition `number` at [offset, offset + size) with its window of src. A range that goes
 * beyond the medium is kept, cut, and said in its err. CN_E_LIMIT at CN_VOLUMES_MAX. *out is
 * borrowed until the next is added. */
int cn_partition_add(cn_volumes *volumes, cn_src *src, uint32_t number, uint64_t offset,
                     uint64_t size, cn_volume **out, cn_err *err) CN_MUST_USE;
/* Warns of each partition that overlaps one before it. */
void cn_partition_check_overlap(cn_volumes *volumes);
/* Text of a GUID whose first three fields are little-endian, as on disk. */
void cn_partition_guid(const uint8_t guid[16], char out[40]);
