#include "job/filestat.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const type_names[] = {
    [CN_FILE_REGULAR] = "file", [CN_FILE_DIRECTORY] = "directory", [CN_FILE_LINK] = "link",
    [CN_FILE_BLOCK] = "device", [CN_FILE_CHAR] = "device",         [CN_FILE_FIFO] = "pipe",
    [CN_FILE_SOCKET] = "socket"};

static const cn_desc descs[CN_FT_COUNT] = {
    [CN_FT_M] = CN_DESC_MODIFICATION, [CN_FT_A] = CN_DESC_ACCESS,   [CN_FT_C] = CN_DESC_CHANGE,
    [CN_FT_B] = CN_DESC_CREATION,     [CN_FT_D] = CN_DESC_DELETION,
};

static const char *type_name(cn_file_type type)
{
    return type < CN_LEN(type_names) ? type_names[type] : NULL;
}

static void put_message(cn_buf *out, const cn_fs_entry *entry)
{
    const cn_file_meta *m = entry->meta;
    const char *type = type_name(m->type);
    cn_buf_bytes(out, entry->path);
    if (m->link_target.len) {
        cn_buf_str(out, " -> ");
        cn_buf_bytes(out, m->link_target);
    }
    cn_buf_str(out, " Type: ");
    cn_buf_str(out, type ? type : "unknown");
    if (m->type == CN_FILE_REGULAR) {
        cn_buf_str(out, " Size: ");
        cn_buf_u64(out, m->size);
    }
    const char mode[] = {'0', (char) ('0' + (m->mode >> 9 & 7)), (char) ('0' + (m->mode >> 6 & 7)),
                         (char) ('0' + (m->mode >> 3 & 7)), (char) ('0' + (m->mode & 7))};
    cn_buf_str(out, " Mode: ");
    cn_buf_bytes(out, cn_span_of(mode + (mode[1] == '0'), sizeof mode - (mode[1] == '0')));
    cn_buf_str(out, " Owner: ");
    cn_buf_u64(out, m->uid);
    cn_buf_str(out, " Group: ");
    cn_buf_u64(out, m->gid);
    cn_buf_str(out, " Links: ");
    cn_buf_u64(out, m->links);
    if (m->deleted)
        cn_buf_str(out, " (deleted)");
    else if (m->orphan)
        cn_buf_str(out, " (no name leads to it)");
}

/* Times that do not fit, with their seconds as stored; empty where all do. */
static void put_odd_times(cn_buf *out, const cn_file_meta *m)
{
    const char *between = "";
    for (size_t i = 0; i < CN_FT_COUNT; i++) {
        if (m->has_time[i] || !m->odd_time_s[i])
            continue;
        cn_buf_printf(out, "%s%s out of range: %" PRId64 " s since 1970", between,
                      cn_desc_text(descs[i]), m->odd_time_s[i]);
        between = "; ";
    }
}

static void macb(const cn_file_meta *m, size_t of, char out[4])
{
    for (size_t i = 0; i < 4; i++) {
        bool same = m->has_time[i] && m->time_ns[i] == m->time_ns[of];
        out[i] = same ? "MACB"[i] : '.';
    }
}

typedef struct fields {
    cn_field list[12]; /* eleven in common, and macb */
    size_t n;
} fields;

static void add(fields *f, cn_field field) { f->list[f->n++] = field; }

static void common_fields(fields *f, const cn_file_meta *m, cn_span device, cn_span odd)
{
    const char *type = type_name(m->type);
    if (type)
        add(f, cn_field_text(CN_F_file_entry_type, cn_span_str(type)));
    add(f, cn_field_int(CN_F_file_size, m->size > INT64_MAX ? INT64_MAX : (int64_t) m->size));
    add(f, cn_field_int(CN_F_mode, m->mode & 07777));
    add(f, cn_field_int(CN_F_uid, m->uid));
    add(f, cn_field_int(CN_F_gid, m->gid));
    add(f, cn_field_int(CN_F_number_of_links, m->links));
    add(f, cn_field_int(CN_F_is_allocated, !m->deleted));
    if (m->link_target.len)
        add(f, cn_field_text(CN_F_link_target, m->link_target));
    if (m->attribute_names.len)
        add(f, cn_field_text(CN_F_attribute_names, m->attribute_names));
    if (device.len)
        add(f, cn_field_text(CN_F_device, device));
    if (odd.len)
        add(f, cn_field_text(CN_F_time_note, odd));
}

int cn_filestat_emit(cn_filestat *s, const cn_fs_entry *entry)
{
    const cn_file_meta *m = entry->meta;
    s->origin.path = entry->path;
    s->origin.inode = m->inode;
    int r = s->sink->origin(s->sink, &s->origin);
    if (r < 0)
        return r;

    cn_buf_clear(&s->text);
    put_message(&s->text, entry);
    size_t message_len = s->text.len;
    if (m->type == CN_FILE_BLOCK || m->type == CN_FILE_CHAR)
        cn_buf_printf(&s->text, "%s %" PRIu32 ":%" PRIu32,
                      m->type == CN_FILE_BLOCK ? "block" : "character", m->device_major,
                      m->device_minor);
    size_t device_len = s->text.len - message_len;
    put_odd_times(&s->text, m);
    if (s->text.failed)
        return CN_E_NO_MEMORY;
    cn_span text = cn_buf_span(&s->text);
    fields f = {.n = 0};
    common_fields(&f, m, cn_span_sub(text, message_len, device_len),
                  cn_span_sub(text, message_len + device_len, SIZE_MAX));

    cn_event event = {
        .data_type = "fs:stat",
        .message = cn_span_sub(text, 0, message_len),
        .offset = m->inode_offset == CN_NO_OFFSET ? 0 : m->inode_offset,
        .fields = f.list,
        .n_fields = f.n,
    };
    bool any = false;
    for (size_t i = 0; i < CN_FT_COUNT && r >= 0; i++) {
        if (!m->has_time[i])
            continue;
        char which[4];
        event.has_time = any = true;
        event.time_ns = m->time_ns[i];
        event.desc = descs[i];
        event.n_fields = f.n;
        if (i != CN_FT_D) {
            macb(m, i, which);
            f.list[event.n_fields++] = cn_field_text(CN_F_macb, cn_span_of(which, sizeof which));
        }
        r = s->sink->emit(s->sink, &event);
    }
    if (any || r < 0)
        return r;
    event.desc = CN_DESC_NOT_A_TIME;
    return s->sink->emit(s->sink, &event);
}
