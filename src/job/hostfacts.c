#include "job/hostfacts.h"

#include "job/hostfacts_internal.h"

#include <stdlib.h>

enum { NAMES_MAX = 20000 }; /* of one directory, or of all when walking */

/* Directories that are listed; a file system that can only be walked is walked once for them. */
static const char *const directories[] = {
    "/boot",
    "/lib/modules",
    "/usr/lib/modules",
    "/etc/network/interfaces.d",
    "/etc/netplan",
    "/etc/systemd/network",
    "/etc/NetworkManager/system-connections",
    "/etc/sysconfig/network-scripts",
    "/etc/sysconfig/network",
    "/var/lib/dhcp",
    "/var/lib/dhclient",
    "/var/lib/NetworkManager",
    "/var/lib/pacman/local",
    "/var/log",
    "/var/log/journal",
};

bool cn_hf_goes_on(cn_hf *hf)
{
    if (hf->stop == CN_OK && hf->step)
        hf->stop = hf->step(hf->context);
    return hf->stop == CN_OK;
}

bool cn_hf_find(cn_hf *hf, const char *path, uint64_t *out_inode)
{
    cn_file_meta meta;
    return cn_hf_goes_on(hf) &&
           cn_fs_lookup(hf->fs, cn_span_str(path), true, out_inode, NULL) == CN_OK &&
           cn_fs_stat(hf->fs, *out_inode, &meta, NULL) == CN_OK && meta.type == CN_FILE_REGULAR;
}

bool cn_hf_read(cn_hf *hf, const char *path, size_t max, cn_hf_file *out)
{
    CN_CLEANUP(cn_src_close_p) cn_src *src = NULL;
    size_t n = 0;
    if (!cn_hf_find(hf, path, &out->inode) ||
        cn_fs_open_file(hf->fs, out->inode, &src, NULL) != CN_OK)
        return false;
    size_t want = (size_t) CN_MIN(src->size, max);
    cn_buf_clear(&hf->bytes);
    uint8_t *room = cn_buf_room(&hf->bytes, want);
    if (!room || want == 0)
        return false;
    /* Of a damaged file, what could be read. */
    if (cn_src_read_some(src, 0, room, want, &n, NULL) < 0)
        n = want;
    hf->bytes.len = n;
    out->bytes = cn_buf_span(&hf->bytes);
    out->path = path;
    out->cut = src->size > want;
    return true;
}

bool cn_hf_line(cn_span *rest, cn_span *line)
{
    if (rest->len == 0)
        return false;
    *line = cn_text_until(rest, '\n');
    return true;
}

/* Well-formed UTF-8 without controls, cut at the limit. */
static const char *clean(cn_hf *hf, cn_span text)
{
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(4 * CN_HOSTFACT_VALUE_BYTES);
    cn_text_put_utf8(&b, cn_span_sub(text, 0, CN_HOSTFACT_VALUE_BYTES));
    b.len = CN_MIN(b.len, CN_HOSTFACT_VALUE_BYTES);
    while (b.len > 0 && !cn_text_is_utf8(cn_buf_span(&b)))
        b.len--;
    for (size_t i = 0; i < b.len; i++)
        if (b.p[i] < 0x20 || b.p[i] == 0x7f)
            b.p[i] = '?';
    const char *kept = cn_arena_copy(hf->arena, cn_buf_span(&b));
    if (!kept)
        hf->stop = CN_E_NO_MEMORY;
    return kept;
}

static bool make_room(cn_hf *hf)
{
    cn_hostfacts *out = hf->out;
    if (out->n < hf->capacity)
        return true;
    size_t capacity = hf->capacity ? 2 * hf->capacity : 64;
    cn_host_fact *grown = cn_arena_alloc(hf->arena, capacity * sizeof *grown);
    if (!grown) {
        hf->stop = CN_E_NO_MEMORY;
        return false;
    }
    if (out->n)
        memcpy(grown, out->facts, out->n * sizeof *grown);
    out->facts = grown;
    hf->capacity = capacity;
    return true;
}

void cn_hf_add(cn_hf *hf, const char *name, cn_span value, const cn_hf_file *source)
{
    value = cn_text_trim(value);
    if (value.len == 0 || hf->stop || hf->out->n >= CN_HOSTFACTS_MAX || !make_room(hf))
        return;
    const char *kept = clean(hf, value), *path = clean(hf, cn_span_str(source->path));
    if (!kept || !path)
        return;
    for (size_t i = 0; i < hf->out->n; i++)
        if (strcmp(hf->out->facts[i].name, name) == 0 && strcmp(hf->out->facts[i].value, kept) == 0)
            return;
    hf->out->facts[hf->out->n++] = (cn_host_fact){name, kept, path, source->inode};
}

cn_span cn_hf_value(cn_hf *hf, cn_span text, const char *key)
{
    cn_span line;
    while (cn_hf_line(&text, &line)) {
        cn_span value = cn_text_trim(line);
        cn_span name = cn_text_until(&value, '=');
        if (!cn_span_is(cn_text_trim(name), key))
            continue;
        value = cn_text_trim(value);
        char quote = value.len > 1 && (*value.p == '"' || *value.p == '\'') ? (char) *value.p : 0;
        char *out = cn_arena_alloc(hf->arena, value.len + 1);
        size_t n = 0;
        for (size_t i = quote ? 1 : 0; out && i < value.len; i++) {
            if (quote && value.p[i] == (uint8_t) quote)
                break;
            if (value.p[i] == '\\' && quote == '"' && i + 1 < value.len)
                i++;
            out[n++] = (char) value.p[i];
        }
        return cn_span_of(out, n);
    }
    return (cn_span){NULL, 0};
}

/* ---- directories */

typedef struct collector {
    cn_hf *hf;
    const char *directory;
    cn_hf_name **list;
    size_t n, visited;
} collector;

/* What a listing or a walk found before a fault is kept, and the fault is told when the volume is walked
 * for its events; only what ends everything ends this. */
static void take_code(cn_hf *hf, int code)
{
    if (code == CN_E_CANCELLED || code == CN_E_NO_MEMORY)
        hf->stop = code;
}

static int add_name(collector *c, const char *directory, cn_span name)
{
    cn_hf_name *node = cn_arena_alloc(c->hf->arena, sizeof *node);
    char *kept = node ? cn_arena_copy(c->hf->arena, name) : NULL;
    if (!kept || c->n++ >= NAMES_MAX)
        return CN_E_LIMIT;
    *node = (cn_hf_name){*c->list, directory, kept};
    *c->list = node;
    return CN_OK;
}

static int on_name(void *context, cn_span name, uint64_t inode)
{
    (void) inode;
    collector *c = context;
    return add_name(c, c->directory, name);
}

/* Whether the walk keeps names of this directory, and which string stands for it. */
static const char *of_interest(cn_hf *hf, cn_span directory)
{
    for (size_t i = 0; i < CN_LEN(directories); i++)
        if (cn_span_is(directory, directories[i]))
            return directories[i];
    if (cn_span_starts(directory, "/var/log/journal/"))
        return cn_arena_copy(hf->arena, directory);
    return NULL;
}

static int on_entry(void *context, const cn_fs_entry *entry)
{
    collector *c = context;
    size_t slash = entry->path.len;
    while (slash > 0 && entry->path.p[slash - 1] != '/')
        slash--;
    if (++c->visited % 1024 == 0 && !cn_hf_goes_on(c->hf))
        return c->hf->stop;
    if (slash < 2 || entry->meta->deleted || entry->meta->orphan)
        return CN_OK;
    const char *directory = of_interest(c->hf, cn_span_sub(entry->path, 0, slash - 1));
    return directory ? add_name(c, directory, cn_span_sub(entry->path, slash, SIZE_MAX)) : CN_OK;
}

static void walk(cn_hf *hf)
{
    collector c = {.hf = hf, .list = &hf->walked};
    const cn_fs_visit visit = {.entry = on_entry, .context = &c};
    if (!hf->has_walked)
        take_code(hf, cn_fs_walk(hf->fs, &visit, NULL));
    hf->has_walked = true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(cn_hf_name *const *) a)->name, (*(cn_hf_name *const *) b)->name);
}

static cn_hf_name *sorted(cn_hf *hf, cn_hf_name *list)
{
    size_t n = 0;
    for (cn_hf_name *i = list; i; i = i->next)
        n++;
    cn_hf_name **all = n ? cn_arena_alloc(hf->arena, n * sizeof(void *)) : NULL;
    if (!all)
        return NULL;
    for (size_t i = 0; i < n; i++, list = list->next)
        all[i] = list;
    qsort(all, n, sizeof(void *), by_name);
    for (size_t i = 0; i < n; i++)
        all[i]->next = i + 1 < n ? all[i + 1] : NULL;
    return all[0];
}

cn_hf_name *cn_hf_list(cn_hf *hf, const char *directory)
{
    cn_hf_name *list = NULL;
    collector c = {.hf = hf, .directory = directory, .list = &list};
    uint64_t inode;
    if (!cn_hf_goes_on(hf))
        return NULL;
    if (hf->fs->ops->list) {
        if (cn_fs_lookup(hf->fs, cn_span_str(directory), true, &inode, NULL) == CN_OK)
            take_code(hf, cn_fs_list(hf->fs, inode, on_name, &c, NULL));
        return sorted(hf, list);
    }
    walk(hf);
    for (cn_hf_name *i = hf->walked; i; i = i->next)
        if (strcmp(i->directory, directory) == 0 &&
            add_name(&c, i->directory, cn_span_str(i->name)) < 0)
            break;
    return sorted(hf, list);
}

const char *cn_hf_path(cn_hf *hf, const cn_hf_name *name)
{
    const char *path = cn_arena_printf(hf->arena, "%s/%s", name->directory, name->name);
    if (!path)
        hf->stop = CN_E_NO_MEMORY;
    return path;
}

int cn_hostfacts_read(cn_fs *fs, cn_arena *arena, cn_hostfacts_step_fn step, void *context,
                      cn_hostfacts *out, cn_err *err)
{
    cn_hf hf = {
        .fs = fs,
        .arena = arena,
        .step = step,
        .context = context,
        .out = out,
        .bytes = cn_buf_of(CN_MIB(64)),
    };
    *out = (cn_hostfacts){.n = 0};
    cn_hf_system(&hf);
    cn_hf_zone(&hf);
    cn_hf_network(&hf);
    cn_hf_users(&hf);
    cn_hf_kernels(&hf);
    cn_hf_boots(&hf);
    cn_hf_packages(&hf);
    cn_buf_free(&hf.bytes);
    if (hf.stop < 0)
        return cn_fail(err, hf.stop, CN_NO_OFFSET, "stopped while reading facts about the machine");
    return CN_OK;
}
