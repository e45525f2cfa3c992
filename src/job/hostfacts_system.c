/* Host name, machine id, OS, time zone, kernels, architecture, cloud instance. */
#include "base/cur.h"
#include "job/hostfacts_internal.h"

/* The first line that is no comment. */
static cn_span first_line(cn_span text)
{
    cn_span line;
    while (cn_hf_line(&text, &line)) {
        line = cn_text_trim(line);
        if (line.len && *line.p != '#')
            return line;
    }
    return (cn_span){NULL, 0};
}

static void add_first_line(cn_hf *hf, const char *name, const char *path)
{
    cn_hf_file f;
    if (cn_hf_read(hf, path, CN_HF_TEXT_BYTES, &f))
        cn_hf_add(hf, name, first_line(f.bytes), &f);
}

static bool add_value(cn_hf *hf, const char *name, const char *path, const char *key)
{
    cn_hf_file f;
    if (!cn_hf_read(hf, path, CN_HF_TEXT_BYTES, &f))
        return false;
    cn_span value = cn_hf_value(hf, f.bytes, key);
    cn_hf_add(hf, name, value, &f);
    return value.len > 0;
}

static void add_os(cn_hf *hf)
{
    static const char *const releases[] = {"/etc/os-release", "/usr/lib/os-release"};
    bool found = false;
    for (size_t i = 0; i < CN_LEN(releases) && !found; i++) {
        found = add_value(hf, "os", releases[i], "PRETTY_NAME");
        if (found) {
            (void) add_value(hf, "os_id", releases[i], "ID");
            (void) add_value(hf, "os_version", releases[i], "VERSION_ID");
        }
    }
    static const char *const older[] = {"/etc/redhat-release", "/etc/SuSE-release",
                                        "/etc/system-release", "/etc/alpine-release"};
    for (size_t i = 0; i < CN_LEN(older) && !found; i++) {
        size_t before = hf->out->n;
        add_first_line(hf, "os", older[i]);
        found = hf->out->n > before;
    }
    add_first_line(hf, "os_release", "/etc/debian_version");
}

static void add_machine_id(cn_hf *hf)
{
    static const char *const paths[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
    for (size_t i = 0; i < CN_LEN(paths); i++) {
        cn_hf_file f;
        if (!cn_hf_read(hf, paths[i], 4096, &f))
            continue;
        cn_span id = first_line(f.bytes);
        bool good = id.len == 32;
        for (size_t k = 0; good && k < id.len; k++)
            good = cn_is_digit(id.p[k]) || (id.p[k] >= 'a' && id.p[k] <= 'f');
        if (good) { /* "uninitialized" is none */
            cn_hf_add(hf, "machine_id", id, &f);
            return;
        }
    }
}

static void add_architecture(cn_hf *hf)
{
    static const char *const programs[] = {"/bin/sh", "/usr/bin/env", "/sbin/init"};
    static const struct {
        uint16_t machine;
        uint8_t class, order; /* ELF class (1: 32 bits, 2: 64) and byte order (1: little) */
        const char *name;
    } machines[] = {
        {62, 2, 1, "x86_64"},   {62, 1, 1, "x32"},          {3, 1, 1, "i386"},
        {183, 2, 1, "aarch64"}, {40, 1, 1, "arm"},          {243, 2, 1, "riscv64"},
        {22, 2, 2, "s390x"},    {21, 2, 1, "ppc64le"},      {21, 2, 2, "ppc64"},
        {8, 2, 1, "mips64el"},  {258, 2, 1, "loongarch64"},
    };
    for (size_t i = 0; i < CN_LEN(programs); i++) {
        cn_hf_file f;
        if (!cn_hf_read(hf, programs[i], 64, &f) || !cn_span_starts(f.bytes, "\177ELF"))
            continue;
        cn_cur c = cn_cur_of(f.bytes, 0);
        cn_cur_skip(&c, 4);
        uint8_t class = cn_cur_u8(&c), order = cn_cur_u8(&c);
        cn_cur_seek(&c, 18);
        uint16_t machine = order == 2 ? cn_cur_be16(&c) : cn_cur_le16(&c);
        for (size_t k = 0; k < CN_LEN(machines) && !c.fail; k++)
            if (machines[k].machine == machine && machines[k].class == class &&
                machines[k].order == order) {
                cn_hf_add(hf, "architecture", cn_span_str(machines[k].name), &f);
                return;
            }
    }
}

/* "/var/lib/cloud/instance/datasource": "DataSourceEc2Local: DataSourceEc2Local" */
static void add_cloud(cn_hf *hf)
{
    cn_hf_file f;
    add_first_line(hf, "cloud_instance", "/var/lib/cloud/data/instance-id");
    if (cn_hf_read(hf, "/var/lib/cloud/instance/datasource", 4096, &f)) {
        cn_span line = first_line(f.bytes);
        cn_hf_add(hf, "cloud_datasource", cn_text_until(&line, ':'), &f);
    }
}

void cn_hf_system(cn_hf *hf)
{
    add_first_line(hf, "hostname", "/etc/hostname");
    add_first_line(hf, "hostname", "/etc/HOSTNAME");
    (void) add_value(hf, "hostname", "/etc/sysconfig/network", "HOSTNAME");
    add_machine_id(hf);
    add_os(hf);
    add_architecture(hf);
    add_cloud(hf);
}

void cn_hf_kernels(cn_hf *hf)
{
    static const char *const modules[] = {"/lib/modules", "/usr/lib/modules"};
    for (cn_hf_name *n = cn_hf_list(hf, "/boot"); n; n = n->next) {
        cn_span name = cn_span_str(n->name);
        cn_hf_file source = {.path = cn_hf_path(hf, n)};
        if ((!cn_span_starts(name, "vmlinuz-") && !cn_span_starts(name, "vmlinux-")) ||
            cn_span_starts(name, "vmlinuz-0-rescue") || !source.path ||
            !cn_hf_find(hf, source.path, &source.inode))
            continue;
        cn_hf_add(hf, "kernel", cn_span_sub(name, strlen("vmlinuz-"), SIZE_MAX), &source);
    }
    for (size_t i = 0; i < CN_LEN(modules); i++)
        for (cn_hf_name *n = cn_hf_list(hf, modules[i]); n; n = n->next) {
            cn_hf_file source = {.path = cn_hf_path(hf, n)};
            if (source.path && cn_is_digit((uint8_t) n->name[0]) &&
                cn_fs_lookup(hf->fs, cn_span_str(source.path), true, &source.inode, NULL) == CN_OK)
                cn_hf_add(hf, "kernel", cn_span_str(n->name), &source);
        }
}
