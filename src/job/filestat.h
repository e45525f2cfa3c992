/* What a file system says about its names, as fs:stat events: one per time that is set. The parser
 * name is "filestat". */
#pragma once

#include "base/buf.h"
#include "event/event.h"
#include "fs/fs.h"

#define CN_FILESTAT_EVENTS_MAX CN_FT_COUNT /* of one name */
/* Bytes that the events of one name take at most beside path, link target and attributes. */
#define CN_FILESTAT_BYTES_MAX CN_KIB(16)

typedef struct cn_filestat {
    cn_sink *sink;    /* borrowed */
    cn_origin origin; /* image, image_id and volume; path and inode are set for each name */
    cn_buf text;      /* work; freed by the owner */
} cn_filestat;

/* Emits the events of one name, one after the other, all at the inode's offset in the file system.
 * A name without a valid time gives one event without. Negative: the sink's word. */
int cn_filestat_emit(cn_filestat *filestat, const cn_fs_entry *entry) CN_MUST_USE;
