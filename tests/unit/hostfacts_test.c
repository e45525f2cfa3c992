/* Facts about machines of several kinds, from file systems made of a table: with directories that can be
 * listed, and walked only. */
#include "job/hostfacts.h"
#include "parse/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct table_file {
    const char *path, *content; /* content NULL: a directory; "-> TARGET": a link */
    size_t len;                 /* of content; 0: up to its NUL */
} table_file;

typedef struct table_fs {
    cn_fs fs;
    const table_file *files;
    size_t n;
} table_fs;

static int find(const table_fs *t, cn_span path, uint64_t *out)
{
    for (size_t i = 0; i < t->n; i++)
        if (cn_span_is(path, t->files[i].path)) {
            *out = i + 1;
            return CN_OK;
        }
    return CN_E_NOT_FOUND;
}

/* A directory is there when something is in it. */
static int lookup(cn_fs *fs, cn_span path, uint64_t *out, cn_err *err)
{
    (void) err;
    const table_fs *t = (table_fs *) fs;
    if (find(t, path, out) == CN_OK)
        return CN_OK;
    for (size_t i = 0; i < t->n; i++)
        if (cn_span_is(path, "/") ||
            (strlen(t->files[i].path) > path.len && t->files[i].path[path.len] == '/' &&
             memcmp(t->files[i].path, path.p, path.len) == 0)) {
            *out = 1000 + i * 1000 + path.len;
            return CN_OK;
        }
    return CN_E_NOT_FOUND;
}

static int stat_file(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    (void) err;
    const table_fs *t = (table_fs *) fs;
    *out = (cn_file_meta){.inode = inode, .type = CN_FILE_DIRECTORY};
    if (inode >= 1000 || !t->files[inode - 1].content)
        return CN_OK;
    const char *content = t->files[inode - 1].content;
    out->type = strncmp(content, "-> ", 3) == 0 ? CN_FILE_LINK : CN_FILE_REGULAR;
    out->size = t->files[inode - 1].len ? t->files[inode - 1].len : strlen(content);
    if (out->type == CN_FILE_LINK)
        out->link_target = cn_span_str(content + 3);
    return CN_OK;
}

static int open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    cn_file_meta meta;
    const table_fs *t = (table_fs *) fs;
    assert_int_equal(stat_file(fs, inode, &meta, err), CN_OK);
    *out = cn_src_memory(cn_span_of(t->files[inode - 1].content, meta.size));
    return CN_OK;
}

static int list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err)
{
    (void) err;
    const table_fs *t = (table_fs *) fs;
    if (directory < 1000)
        return CN_OK;
    size_t len = directory % 1000;
    const char *path = t->files[directory / 1000 - 1].path;
    char last[256] = "";
    for (size_t i = 0; i < t->n; i++) {
        const char *p = t->files[i].path;
        if (strncmp(p, path, len) != 0 || p[len] != '/')
            continue;
        cn_span part = cn_span_of(p + len + 1, strcspn(p + len + 1, "/"));
        if (cn_span_is(part, last))
            continue;
        snprintf(last, sizeof last, "%.*s", (int) part.len, (const char *) part.p);
        int code = name(context, part, i + 1);
        if (code < 0)
            return code;
    }
    return CN_OK;
}

static int walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    const table_fs *t = (table_fs *) fs;
    char seen[64][128];
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        for (const char *p = t->files[i].path, *slash = strchr(p + 1, '/');;
             slash = strchr(slash + 1, '/')) {
            size_t len = slash ? (size_t) (slash - p) : strlen(p);
            bool known = false;
            for (size_t k = 0; k < n; k++)
                known = known || (strlen(seen[k]) == len && memcmp(seen[k], p, len) == 0);
            assert_true(n < CN_LEN(seen));
            if (!known) {
                cn_file_meta meta;
                uint64_t inode;
                cn_span path = cn_span_of(p, len);
                snprintf(seen[n++], sizeof seen[0], "%.*s", (int) len, p);
                assert_int_equal(lookup(fs, path, &inode, err), CN_OK);
                assert_int_equal(stat_file(fs, inode, &meta, err), CN_OK);
                int code = visit->entry(visit->context, &(cn_fs_entry){path, &meta});
                if (code < 0)
                    return code;
            }
            if (!slash)
                break;
        }
    return CN_OK;
}

static const cn_fs_ops listed = {.name = "table",
                                 .walk = walk,
                                 .open_file = open_file,
                                 .stat = stat_file,
                                 .lookup = lookup,
                                 .list = list};
static const cn_fs_ops walked = {
    .name = "table", .walk = walk, .open_file = open_file, .stat = stat_file, .lookup = lookup};

static const char wtmp_boot[384] =
    "\2\0\0\0\0\0\0\0~\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0~~\0\0reboot\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0"
    "6.1.0-26-amd64";
static char wtmp[384];

static const table_file debian[] = {
    {"/bin", "-> usr/bin", 0},
    {"/boot/System.map-6.1.0-26-amd64", "x", 0},
    {"/boot/vmlinuz-6.1.0-26-amd64", "x", 0},
    {"/boot/vmlinuz-6.1.0-28-amd64", "x", 0},
    {"/etc/debian_version", "12.8\n", 0},
    {"/etc/group", "root:x:0:\nsudo:x:27:alice,bob\nadm:x:4:carol\n", 0},
    {"/etc/hostname", "# set by hand\nweb01\n", 0},
    {"/etc/localtime", "-> /usr/share/zoneinfo/Europe/Berlin", 0},
    {"/etc/machine-id", "0123456789abcdef0123456789abcdef\n", 0},
    {"/etc/network/interfaces",
     "auto lo\niface lo inet loopback\n\naddress 127.0.0.1\niface eth0 inet static\n"
     "  address 10.0.1.23\n  netmask 255.255.255.0\n  gateway 10.0.1.1\n"
     "  dns-nameservers 10.0.1.2 2001:db8::53\niface eth0 inet6 static\n"
     "  address 2001:db8::23/64\n",
     0},
    {"/etc/network/interfaces.d/more", "iface eth1 inet static\n address 192.0.2.7/28\n", 0},
    {"/etc/os-release",
     "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n", 0},
    {"/etc/passwd",
     "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
     "alice:x:1000:1000:Alice,,,:/home/alice:/bin/zsh\nbob:x:1001:1001::/home/bob:\n"
     "eve:$6$old:0:0::/tmp:/bin/sh\ncut:x:12\nnobody:x:abc:1:::\n",
     0},
    {"/etc/shadow",
     "root:!:19000:0:99999:7:::\ndaemon:*:1::::::\nalice:$y$j9T$abc:1::::::\nbob::1:\n", 0},
    {"/lib/modules/6.1.0-26-amd64/modules.dep", "", 0},
    {"/usr/bin/sh", "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\267\0", 20},
    {"/usr/share/zoneinfo/Europe/Berlin",
     "TZif\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
     "\0\0\16\20\0\0CET\0",
     54},
    {"/var/lib/cloud/data/instance-id", "i-0123456789abcdef0\n", 0},
    {"/var/lib/cloud/instance/datasource", "DataSourceEc2Local: DataSourceEc2Local\n", 0},
    {"/var/lib/dhcp/dhclient.eth0.leases",
     "lease {\n  interface \"eth0\";\n  fixed-address 172.31.5.9;\n  option routers "
     "172.31.0.1;\n}\n"
     "lease {\n  fixed-address 172.31.5.9;\n}\n",
     0},
    {"/var/lib/dpkg/status",
     "Package: a\nStatus: install ok installed\n\nPackage: b\nStatus: deinstall ok config-files\n\n"
     "Package: c\nStatus: install ok installed\n",
     0},
    {"/var/log/wtmp", wtmp, sizeof wtmp},
};

static const char *const debian_facts[] = {
    "hostname=web01",
    "machine_id=0123456789abcdef0123456789abcdef",
    "os=Debian GNU/Linux 12 (bookworm)",
    "os_id=debian",
    "os_version=12",
    "os_release=12.8",
    "architecture=aarch64",
    "cloud_instance=i-0123456789abcdef0",
    "cloud_datasource=DataSourceEc2Local",
    "time_zone=Europe/Berlin",
    "gateway=10.0.1.1",
    "dns_server=10.0.1.2",
    "dns_server=2001:db8::53",
    "address=10.0.1.23/24",
    "address=2001:db8::23/64",
    "address=192.0.2.7/28",
    "address=172.31.5.9",
    "gateway=172.31.0.1",
    "user=root uid=0 gid=0 home=/root shell=/bin/bash password=locked",
    "system_account=daemon uid=1 gid=1 home=/usr/sbin shell=/usr/sbin/nologin password=locked",
    "user=alice uid=1000 gid=1000 home=/home/alice shell=/bin/zsh password=set",
    "user=bob uid=1001 gid=1001 home=/home/bob shell=/bin/sh password=empty",
    "user=eve uid=0 gid=0 home=/tmp shell=/bin/sh password=set",
    "admin=alice",
    "admin=bob",
    "kernel=6.1.0-26-amd64",
    "kernel=6.1.0-28-amd64",
    "boot=2026-11-17T07:20:00+00:00 kernel 6.1.0-26-amd64",
    "packages=2 (dpkg)",
};

static const table_file others[] = {
    {"/etc/NetworkManager/system-connections/eth0.nmconnection",
     "[ipv4]\naddress1=10.1.0.2/"
     "24,10.1.0.1\ndns=10.1.0.3;\n[ethernet]\nmac-address=52:54:00:12:34:56\n",
     0},
    {"/etc/localtime", "-> ../usr/share/zoneinfo/Etc/UTC", 0},
    {"/etc/netplan/50-cloud-init.yaml",
     "network:\n  version: 2\n  ethernets:\n    eth0:\n      match:\n"
     "        macaddress: 0a:1b:2c:3d:4e:5f\n      addresses:\n      - 10.2.0.5/24\n"
     "      - \"2001:db8:2::5/64\"\n      nameservers:\n        addresses: [10.2.0.2, 10.2.0.3]\n"
     "        search: [x]\n      routes:\n      - to: default\n        via: 10.2.0.1\n    eth1:\n"
     "      addresses: [192.0.2.99/24]\n",
     0},
    {"/etc/redhat-release", "Rocky Linux release 8.9 (Green Obsidian)\n", 0},
    {"/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=db02.example.org\n", 0},
    {"/etc/sysconfig/network-scripts/ifcfg-eth0",
     "DEVICE=eth0\nIPADDR=10.3.0.7\nNETMASK=255.255.252.0\nGATEWAY=10.3.0.1\nDNS1=10.3.0.2\n", 0},
    {"/etc/systemd/network/10-eth.network",
     "[Match]\nName=eth0\n[Network]\nAddress=10.4.0.8/16\nGateway=10.4.0.1\n", 0},
    {"/lib/apk/db/installed", "P:musl\nV:1\n\nP:busybox\n", 0},
};

static const char *const other_facts[] = {
    "hostname=db02.example.org", "os=Rocky Linux release 8.9 (Green Obsidian)",
    "time_zone=Etc/UTC",         "mac_address=0a:1b:2c:3d:4e:5f",
    "address=10.2.0.5/24",       "address=2001:db8:2::5/64",
    "dns_server=10.2.0.2",       "dns_server=10.2.0.3",
    "gateway=10.2.0.1",          "address=192.0.2.99/24",
    "address=10.4.0.8/16",       "gateway=10.4.0.1",
    "address=10.1.0.2/24",       "gateway=10.1.0.1",
    "dns_server=10.1.0.3",       "mac_address=52:54:00:12:34:56",
    "gateway=10.3.0.1",          "dns_server=10.3.0.2",
    "address=10.3.0.7/22",       "packages=2 (apk)",
};

static void check(const cn_fs_ops *ops, const table_file *files, size_t n_files,
                  const char *const *want, size_t n_want, const char *zone)
{
    table_fs t = {{.ops = ops}, files, n_files};
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(16));
    cn_hostfacts facts;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_hostfacts_read(&t.fs, &arena, NULL, NULL, &facts, &err), CN_OK);
    for (size_t i = 0; i < CN_MAX(facts.n, n_want); i++) {
        char got[256] = "nothing";
        if (i < facts.n) {
            snprintf(got, sizeof got, "%s=%s", facts.facts[i].name, facts.facts[i].value);
            assert_true(facts.facts[i].path[0] == '/' && facts.facts[i].inode != 0);
        }
        assert_string_equal(got, i < n_want ? want[i] : "nothing");
    }
    assert_string_equal(facts.zone_name, zone);
    cn_zone *read = NULL;
    assert_int_equal(cn_zone_from_tzif(facts.zone_tzif, facts.zone_name, &read, &err), CN_OK);
    cn_zone_free(read);
}

static void debian_is_read(void **state)
{
    (void) state;
    memcpy(wtmp, wtmp_boot, sizeof wtmp);
    uint32_t seconds = 1794900000;
    memcpy(wtmp + 340, &seconds, sizeof seconds);
    check(&listed, debian, CN_LEN(debian), debian_facts, CN_LEN(debian_facts), "Europe/Berlin");
    check(&walked, debian, CN_LEN(debian), debian_facts, CN_LEN(debian_facts), "Europe/Berlin");
}

static void others_are_read(void **state)
{
    (void) state;
    check(&listed, others, CN_LEN(others), other_facts, CN_LEN(other_facts), "Etc/UTC");
    check(&walked, others, CN_LEN(others), other_facts, CN_LEN(other_facts), "Etc/UTC");
}

static int stop_at_once(void *context)
{
    (void) context;
    return CN_E_CANCELLED;
}

static void nothing_and_too_much(void **state)
{
    (void) state;
    table_fs t = {{.ops = &listed}, NULL, 0};
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(16));
    cn_hostfacts facts;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_hostfacts_read(&t.fs, &arena, NULL, NULL, &facts, &err), CN_OK);
    assert_int_equal(facts.n, 0);
    assert_null(facts.zone_name);
    t = (table_fs){{.ops = &listed}, debian, CN_LEN(debian)};
    CN_CLEANUP(cn_arena_free) cn_arena small = cn_arena_of(1000);
    assert_int_equal(cn_hostfacts_read(&t.fs, &small, NULL, NULL, &facts, &err), CN_E_NO_MEMORY);
    assert_int_equal(cn_hostfacts_read(&t.fs, &arena, stop_at_once, NULL, &facts, &err),
                     CN_E_CANCELLED);
    /* 5000 accounts: what is over the limit is left out; a name of 3000 bytes is cut. */
    CN_CLEANUP(cn_buf_free) cn_buf many = cn_buf_of(CN_MIB(1));
    for (unsigned i = 0; i < 5000; i++)
        cn_buf_printf(&many, "u%u:x:%u:1::/h:/bin/sh\n", i, i);
    CN_CLEANUP(cn_buf_free) cn_buf name = cn_buf_of(CN_KIB(4));
    for (unsigned i = 0; i < 1500; i++)
        cn_buf_str(&name, "\xc3\xa4");
    const table_file large[] = {{"/etc/hostname", cn_buf_cstr(&name), 0},
                                {"/etc/passwd", cn_buf_cstr(&many), 0}};
    t = (table_fs){{.ops = &listed}, large, CN_LEN(large)};
    cn_arena_reset(&arena);
    assert_int_equal(cn_hostfacts_read(&t.fs, &arena, NULL, NULL, &facts, &err), CN_OK);
    assert_int_equal(facts.n, CN_HOSTFACTS_MAX);
    assert_int_equal(strlen(facts.facts[0].value), CN_HOSTFACT_VALUE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(debian_is_read),
        cmocka_unit_test(others_are_read),
        cmocka_unit_test(nothing_and_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
