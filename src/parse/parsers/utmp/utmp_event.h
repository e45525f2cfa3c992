/* Events from utmp records. One owner. */
#pragma once

#include "parse/parser.h"
#include "utmp_record.h"

/* "0." to "255.", 4 bytes each, the length of each behind them. */
typedef struct utmp_octets {
    char text[256][4];
    uint8_t len[256];
} utmp_octets;

typedef struct utmp_writer {
    cn_parse_job *job;
    bool failed_logins; /* the file is a btmp */
    cn_buf message;
    utmp_octets octets;
    char termination[8], session[24];
} utmp_writer;

/* job is borrowed. */
void utmp_writer_open(utmp_writer *w, cn_parse_job *job);
/* One event for the record that has `length` bytes at `offset`; what emit returns. */
int utmp_writer_emit(utmp_writer *w, const utmp_record *rec, uint64_t offset,
                     uint32_t length) CN_MUST_USE;
void utmp_writer_close(utmp_writer *w);
