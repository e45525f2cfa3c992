#include "utmp_record.h"

/* 1990-01-01 and 2106-02-07 (32 unsigned bits, as glibc reads the field since 2.40). */
#define SECONDS_MIN INT64_C(631152000)
#define SECONDS_MAX INT64_C(4294967295)
#define PID_MAX     4194304 /* PID_MAX_LIMIT of Linux */

const utmp_layout utmp_layouts[UTMP_LAYOUTS] = {
    {"384 bytes, little-endian", 384, false, false},
    {"400 bytes, little-endian", 400, false, true},
    {"384 bytes, big-endian", 384, true, false},
    {"400 bytes, big-endian", 400, true, true},
};

static inline uint16_t read_u16(cn_cur *c, bool big)
{
    return big ? cn_cur_be16(c) : cn_cur_le16(c);
}
static inline uint32_t read_u32(cn_cur *c, bool big)
{
    return big ? cn_cur_be32(c) : cn_cur_le32(c);
}
static inline int64_t read_long(cn_cur *c, const utmp_layout *layout)
{
    bool big = layout->big_endian;
    if (layout->time64)
        return (int64_t) (big ? cn_cur_be64(c) : cn_cur_le64(c));
    return read_u32(c, big);
}

void utmp_record_read(const utmp_layout *layout, cn_span bytes, utmp_record *out)
{
    bool big = layout->big_endian;
    cn_cur c = cn_cur_of(bytes, 0);
    out->type = read_u16(&c, big);
    out->padding = read_u16(&c, big);
    out->pid = (int32_t) read_u32(&c, big);
    out->line = cn_cur_text(&c, 32);
    out->id = cn_cur_text(&c, 4);
    out->user = cn_cur_text(&c, 32);
    out->host = cn_cur_text(&c, 256);
    out->termination = (int16_t) read_u16(&c, big);
    out->exit_status = (int16_t) read_u16(&c, big);

    out->session = read_long(&c, layout);
    out->seconds = read_long(&c, layout);
    out->microseconds = read_long(&c, layout);
    out->address = cn_cur_span(&c, 16);
    out->unused = cn_cur_le64(&c);
    out->unused |= cn_cur_le64(&c);
    out->unused |= cn_cur_le32(&c);
}

bool utmp_record_blank(cn_span bytes)
{
    return bytes.len == 0 || (*bytes.p == 0 && memcmp(bytes.p, bytes.p + 1, bytes.len - 1) == 0);
}

static bool printable(cn_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

bool utmp_record_possible(const utmp_record *record)
{
    return record->type < UTMP_TYPES && printable(record->line) &&
           (record->seconds != 0 || record->line.len || record->user.len || record->host.len ||
            record->pid > 0);
}

bool utmp_record_certain(const utmp_layout *layout, cn_span bytes)
{
    utmp_record r;
    cn_cur first = cn_cur_of(bytes, 0);
    uint16_t type = read_u16(&first, layout->big_endian);
    if (type < UTMP_RUN_LEVEL || type >= UTMP_TYPES) /* most of what is none ends here */
        return false;
    utmp_record_read(layout, bytes, &r);
    if (r.padding != 0 || r.pid < 0 || r.pid > PID_MAX || r.line.len == 0 || !printable(r.line) ||
        !printable(r.id) || r.seconds < SECONDS_MIN || r.seconds > SECONDS_MAX ||
        r.microseconds < 0 || r.microseconds > 999999)
        return false;
    cn_cur c = cn_cur_of(bytes, 0);
    cn_cur_skip(&c, 8 + r.line.len);
    cn_span line_rest = cn_cur_span(&c, 32 - r.line.len);
    return utmp_record_blank(line_rest) && r.unused == 0;
}
