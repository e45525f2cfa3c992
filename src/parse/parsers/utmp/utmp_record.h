/* One record of a utmp, wtmp or btmp file: four layouts of glibc's struct utmp, and how sure one
 * can be that some bytes are such a record. Source: utmp(5), glibc bits/types/struct_utmp.h.
 *
 *   384     400    size  field            384: 32-bit time also on 64-bit machines (x86-64, i386,
 * arm, offset  offset                             powerpc); 400: 64-bit time (aarch64, s390x,
 * riscv64) 0       0       2  type, 0 to 9 4       4       4  process id; of a run level change:
 * level + 256 * previous one 8       8      32  line: terminal, without /dev/ 40      40       4
 * id: short name of the line 44      44      32  user 76      76     256  host; of boot and run
 * level records the kernel's release 332     332       2  termination status 334     334       2
 * exit status 336     336     4/8  session 340     344     4/8  seconds 344     352     4/8
 * microseconds 348     360      16  address in network order; the last 12 bytes zero: IPv4 364 376
 * 20  unused, zero; 400: 4 bytes of padding after it
 */
#pragma once

#include "base/cur.h"

#define UTMP_SIZE_MIN 384u
#define UTMP_SIZE_MAX 400u

typedef enum utmp_type {
    UTMP_EMPTY,
    UTMP_RUN_LEVEL,
    UTMP_BOOT,
    UTMP_NEW_TIME,
    UTMP_OLD_TIME,
    UTMP_INIT,
    UTMP_LOGIN,
    UTMP_USER,
    UTMP_DEAD,
    UTMP_ACCOUNTING,
    UTMP_TYPES
} utmp_type;

typedef struct utmp_layout {
    const char *name;
    uint32_t size; /* bytes of a record */
    bool big_endian, time64;
} utmp_layout;

enum { UTMP_LAYOUTS = 4 };
extern const utmp_layout utmp_layouts[UTMP_LAYOUTS];

typedef struct utmp_record {
    uint16_t type, padding;
    int32_t pid;
    cn_span line, id, user, host; /* up to the NUL */
    int16_t termination, exit_status;
    int64_t session, seconds, microseconds;
    cn_span address; /* 16 bytes */
    uint64_t unused; /* 0 where the unused bytes are zero */
} utmp_record;

/* Takes layout->size bytes apart; spans point into them. */
void utmp_record_read(const utmp_layout *layout, cn_span bytes, utmp_record *out);
/* All zero. */
bool utmp_record_blank(cn_span bytes);
/* It may be a record that a program wrote: what damaged files are read by. */
bool utmp_record_possible(const utmp_record *record);
/* It can hardly be anything else: known type, padding zero, a terminal's name, a time from 1990 to
 * 2106. What files are recognised by. */
bool utmp_record_certain(const utmp_layout *layout, cn_span bytes);
