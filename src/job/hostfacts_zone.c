/* The machine's time zone: /etc/localtime is a link into the zone database, or a copy of a file of it
 * (localtime(5)); /etc/timezone holds its name on Debian. */
#include "job/hostfacts_internal.h"

/* TZif (RFC 8536) that says UTC, for a disk that names it and lacks the database: header, one type,
 * header again, footer. */
#define HEADER "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
#define BLOCK  "\0\0\0\0\0\0UTC\0"
static const char utc[] = HEADER BLOCK HEADER BLOCK "\nUTC0\n";

/* "Europe/Berlin" of "/usr/share/zoneinfo/posix/Europe/Berlin"; empty where it is none. */
static cn_span name_of_target(cn_span target)
{
    size_t at = cn_text_find(target, "zoneinfo/");
    if (at == SIZE_MAX)
        return (cn_span){NULL, 0};
    cn_span name = cn_span_sub(target, at + strlen("zoneinfo/"), SIZE_MAX);
    if (cn_span_starts(name, "posix/") || cn_span_starts(name, "right/"))
        name = cn_span_sub(name, strlen("posix/"), SIZE_MAX);
    return name;
}

/* A name that may be put into a path. */
static bool is_name(cn_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!cn_is_alpha(name.p[i]) && !cn_is_digit(name.p[i]) && !strchr("/_+-", name.p[i]))
            return false;
    return name.len > 0 && name.len < 100;
}

static cn_span link_name(cn_hf *hf, cn_hf_file *source)
{
    cn_file_meta meta;
    source->path = "/etc/localtime";
    if (cn_fs_lookup(hf->fs, cn_span_str(source->path), false, &source->inode, NULL) != CN_OK ||
        cn_fs_stat(hf->fs, source->inode, &meta, NULL) != CN_OK || meta.type != CN_FILE_LINK)
        return (cn_span){NULL, 0};
    cn_span name = name_of_target(meta.link_target);
    char *kept = name.len ? cn_arena_copy(hf->arena, name) : NULL;
    return cn_span_of(kept, kept ? name.len : 0);
}

static cn_span written_name(cn_hf *hf, cn_hf_file *source)
{
    cn_span line = {NULL, 0};
    if (cn_hf_read(hf, "/etc/timezone", 4096, source)) {
        cn_span text = source->bytes;
        while (cn_hf_line(&text, &line)) {
            line = cn_text_trim(line);
            if (line.len && *line.p != '#')
                break;
        }
        char *kept = is_name(line) ? cn_arena_copy(hf->arena, line) : NULL;
        if (kept)
            return cn_span_of(kept, line.len);
    }
    if (cn_hf_read(hf, "/etc/sysconfig/clock", 4096, source)) {
        cn_span zone = cn_hf_value(hf, source->bytes, "ZONE");
        return zone.len ? zone : cn_hf_value(hf, source->bytes, "TIMEZONE");
    }
    return (cn_span){NULL, 0};
}

static bool is_utc(cn_span name)
{
    static const char *const names[] = {"UTC",  "Etc/UTC",  "Etc/UCT",   "UCT",
                                        "Zulu", "Etc/Zulu", "Universal", "Etc/Universal"};
    for (size_t i = 0; i < CN_LEN(names); i++)
        if (cn_span_is(name, names[i]))
            return true;
    return false;
}

static bool keep_content(cn_hf *hf, const char *path)
{
    cn_hf_file f;
    if (!path || !cn_hf_read(hf, path, CN_KIB(64), &f) || !cn_span_starts(f.bytes, "TZif") || f.cut)
        return false;
    char *kept = cn_arena_copy(hf->arena, f.bytes);
    hf->out->zone_tzif = cn_span_of(kept, kept ? f.bytes.len : 0);
    return kept != NULL;
}

void cn_hf_zone(cn_hf *hf)
{
    cn_hf_file source;
    cn_span name = link_name(hf, &source);
    if (!is_name(name))
        name = written_name(hf, &source);
    if (!is_name(name))
        name = (cn_span){NULL, 0};
    cn_hf_add(hf, "time_zone", name, &source);
    if (!keep_content(hf, "/etc/localtime") && name.len &&
        !keep_content(hf, cn_arena_printf(hf->arena, "/usr/share/zoneinfo/%.*s", (int) name.len,
                                          (const char *) name.p)) &&
        is_utc(name))
        hf->out->zone_tzif = cn_span_of(utc, sizeof utc - 1);
    if (name.len)
        hf->out->zone_name = cn_arena_copy(hf->arena, name);
    else if (hf->out->zone_tzif.len)
        hf->out->zone_name = "localtime";
}
