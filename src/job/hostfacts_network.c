/* Addresses of the machine as its configuration and its DHCP leases have them: interfaces(5),
 * netplan(5), systemd.network(5), NetworkManager keyfiles, ifcfg files, dhclient.leases(5). */
#include "job/hostfacts_internal.h"

#include <stdio.h>

/* The text without quotes, commas and brackets at its ends. */
static cn_span bare(cn_span s)
{
    while (s.len && strchr(" \t\r\"'[],;", *s.p))
        s = cn_span_sub(s, 1, SIZE_MAX);
    while (s.len && strchr(" \t\r\"'[],;", s.p[s.len - 1]))
        s.len--;
    return s;
}

/* Adds an address, with or without the length of its network; all else is none. */
static void add_address(cn_hf *hf, const char *name, cn_span value, const cn_hf_file *f)
{
    value = bare(value);
    cn_span rest = value;
    cn_span address = cn_text_until(&rest, '/');
    uint64_t bits = 0;
    if (!cn_text_is_address(address) || (rest.len && !cn_text_u64(rest, &bits)) || bits > 128 ||
        cn_span_is(address, "0.0.0.0") || cn_span_is(address, "::") ||
        cn_span_starts(address, "127.") || cn_span_is(address, "::1"))
        return;
    cn_hf_add(hf, name, value, f);
}

/* Each of several, divided by blanks, commas or semicolons. */
static void add_addresses(cn_hf *hf, const char *name, cn_span values, const cn_hf_file *f)
{
    size_t from = 0;
    for (size_t i = 0; i <= values.len; i++)
        if (i == values.len || strchr(" \t,;[]", values.p[i])) {
            add_address(hf, name, cn_span_sub(values, from, i - from), f);
            from = i + 1;
        }
}

static void add_mac(cn_hf *hf, cn_span value, const cn_hf_file *f)
{
    value = bare(value);
    bool good = value.len == 17;
    for (size_t i = 0; good && i < value.len; i++) {
        uint8_t c = cn_lower(value.p[i]);
        good = i % 3 == 2 ? c == ':' || c == '-' : cn_is_digit(c) || (c >= 'a' && c <= 'f');
    }
    if (good)
        cn_hf_add(hf, "mac_address", value, f);
}

/* The rest of a line behind a word and blanks; false where it does not begin with the word. */
static bool behind_word(cn_span line, const char *word, cn_span *out)
{
    size_t n = strlen(word);
    if (!cn_span_starts(line, word) || line.len == n || (line.p[n] != ' ' && line.p[n] != '\t'))
        return false;
    *out = cn_text_trim(cn_span_sub(line, n, SIZE_MAX));
    return true;
}

/* A netmask (255.255.255.0) as the length of the network; the address alone where it is none. */
static void add_with_mask(cn_hf *hf, cn_span address, cn_span mask, const cn_hf_file *f)
{
    uint64_t value = 0, part;
    unsigned bits = 0;
    cn_span rest = mask;
    for (unsigned i = 0; i < 4; i++) {
        if (!cn_text_u64(cn_text_until(&rest, '.'), &part) || part > 255)
            bits = 99;
        value = value << 8 | part;
    }
    for (; bits < 32 && value >> (31 - bits) & 1; bits++)
        ;
    char text[80];
    int n = bits > 0 && bits <= 32 && mask.len
                ? snprintf(text, sizeof text, "%.*s/%u", (int) CN_MIN(address.len, 50u),
                           (const char *) address.p, bits)
                : snprintf(text, sizeof text, "%.*s", (int) CN_MIN(address.len, 50u),
                           (const char *) address.p);
    add_address(hf, "address", cn_span_of(text, (size_t) n), f);
}

/* interfaces(5): address and netmask are options of one stanza. */
static void read_interfaces(cn_hf *hf, const char *path)
{
    cn_hf_file f;
    cn_span line, address = {NULL, 0}, mask = {NULL, 0}, value;
    if (!path || !cn_hf_read(hf, path, CN_HF_TEXT_BYTES, &f))
        return;
    cn_span text = f.bytes;
    for (bool more = true; more;) {
        more = cn_hf_line(&text, &line);
        line = more ? cn_text_trim(line) : (cn_span){NULL, 0};
        if (!more || behind_word(line, "iface", &value)) {
            if (address.len)
                add_with_mask(hf, address, mask, &f);
            address = mask = (cn_span){NULL, 0};
        } else if (behind_word(line, "address", &value)) {
            address = value;
        } else if (behind_word(line, "netmask", &value)) {
            mask = value;
        } else if (behind_word(line, "gateway", &value)) {
            add_address(hf, "gateway", value, &f);
        } else if (behind_word(line, "dns-nameservers", &value)) {
            add_addresses(hf, "dns_server", value, &f);
        } else if (behind_word(line, "hwaddress", &value)) {
            (void) behind_word(value, "ether", &value);
            add_mac(hf, value, &f);
        }
    }
}

static size_t indent_of(cn_span line)
{
    size_t n = 0;
    while (n < line.len && line.p[n] == ' ')
        n++;
    return n;
}

/* netplan(5), line by line: what hangs below "addresses:" is an address, and a DNS server where that
 * hangs below "nameservers:". */
static void read_netplan(cn_hf *hf, const char *path)
{
    cn_hf_file f;
    cn_span line;
    size_t servers = SIZE_MAX, list = SIZE_MAX; /* indent of the keys that are open */
    if (!path || !cn_hf_read(hf, path, CN_HF_TEXT_BYTES, &f))
        return;
    for (cn_span text = f.bytes; cn_hf_line(&text, &line);) {
        size_t indent = indent_of(line);
        cn_span item = cn_text_trim(line);
        if (item.len == 0 || *item.p == '#')
            continue;
        bool dash = cn_span_starts(item, "- ");
        if (dash)
            item = cn_text_trim(cn_span_sub(item, 2, SIZE_MAX));
        if (indent < list || (indent == list && !dash))
            list = SIZE_MAX;
        if (indent <= servers && !(indent == servers && dash))
            servers = SIZE_MAX;
        const char *name = servers == SIZE_MAX ? "address" : "dns_server";
        cn_span value = item, key = cn_text_until(&value, ':');
        if (cn_span_is(key, "nameservers")) {
            servers = indent;
        } else if (cn_span_is(key, "addresses")) {
            list = indent;
            add_addresses(hf, name, value, &f);
        } else if (cn_span_is(key, "gateway4") || cn_span_is(key, "gateway6") ||
                   cn_span_is(key, "via")) {
            add_address(hf, "gateway", value, &f);
        } else if (cn_span_is(key, "macaddress")) {
            add_mac(hf, value, &f);
        } else if (list != SIZE_MAX && dash) {
            value = item; /* "10.0.0.5/24", or "10.0.0.5/24:" with options below it */
            if (value.len && value.p[value.len - 1] == ':')
                value.len--;
            add_address(hf, name, value, &f);
        }
    }
}

/* Key=value files: systemd.network(5), NetworkManager keyfiles, ifcfg files. */
static void read_pairs(cn_hf *hf, const char *path)
{
    cn_hf_file f;
    cn_span line, address = {NULL, 0}, mask = {NULL, 0};
    if (!path || !cn_hf_read(hf, path, CN_HF_TEXT_BYTES, &f))
        return;
    for (cn_span text = f.bytes; cn_hf_line(&text, &line);) {
        cn_span value = cn_text_trim(line);
        cn_span key = cn_text_trim(cn_text_until(&value, '='));
        value = bare(value);
        if (cn_span_is(key, "Address") || cn_span_starts(key, "address") ||
            cn_span_is(key, "IPV6ADDR")) {
            cn_span rest = value;
            add_address(hf, "address", cn_text_until(&rest, ','), &f);
            add_address(hf, "gateway", cn_text_until(&rest, ','), &f); /* "10.0.0.2/24,10.0.0.1" */
        } else if (cn_span_is(key, "IPADDR") || cn_span_is(key, "IPADDR0")) {
            address = value;
        } else if (cn_span_is(key, "NETMASK") || cn_span_is(key, "NETMASK0")) {
            mask = value;
        } else if (cn_span_is(key, "Gateway") || cn_span_is(key, "GATEWAY") ||
                   cn_span_is(key, "gateway")) {
            add_address(hf, "gateway", value, &f);
        } else if (cn_span_is(key, "DNS") || cn_span_is(key, "dns") || cn_span_is(key, "DNS1") ||
                   cn_span_is(key, "DNS2")) {
            add_addresses(hf, "dns_server", value, &f);
        } else if (cn_span_is(key, "MACAddress") || cn_span_is(key, "HWADDR") ||
                   cn_span_is(key, "mac-address")) {
            add_mac(hf, value, &f);
        }
    }
    if (address.len)
        add_with_mask(hf, address, mask, &f);
}

/* dhclient.leases(5) and the leases that NetworkManager and networkd write (ADDRESS=). */
static void read_leases(cn_hf *hf, const char *path)
{
    cn_hf_file f;
    cn_span line, value;
    if (!path || !cn_hf_read(hf, path, CN_MIB(8), &f))
        return;
    for (cn_span text = f.bytes; cn_hf_line(&text, &line);) {
        line = cn_text_trim(line);
        if (behind_word(line, "fixed-address", &value))
            add_address(hf, "address", value, &f);
        else if (behind_word(line, "iaaddr", &value))
            add_address(hf, "address", cn_text_until(&value, ' '), &f);
        else if (behind_word(line, "option routers", &value))
            add_addresses(hf, "gateway", value, &f);
        else if (cn_span_starts(line, "ADDRESS="))
            add_address(hf, "address", cn_span_sub(line, strlen("ADDRESS="), SIZE_MAX), &f);
    }
}

static void each(cn_hf *hf, const char *directory, const char *pattern,
                 void (*read)(cn_hf *hf, const char *path))
{
    for (cn_hf_name *n = cn_hf_list(hf, directory); n; n = n->next)
        if (cn_text_glob(pattern, cn_span_str(n->name)))
            read(hf, cn_hf_path(hf, n));
}

void cn_hf_network(cn_hf *hf)
{
    read_interfaces(hf, "/etc/network/interfaces");
    each(hf, "/etc/network/interfaces.d", "*", read_interfaces);
    each(hf, "/etc/netplan", "*.yaml", read_netplan);
    each(hf, "/etc/systemd/network", "*.network", read_pairs);
    each(hf, "/etc/NetworkManager/system-connections", "*", read_pairs);
    each(hf, "/etc/sysconfig/network-scripts", "ifcfg-*", read_pairs);
    each(hf, "/etc/sysconfig/network", "ifcfg-*", read_pairs);
    each(hf, "/var/lib/dhcp", "*lease*", read_leases);
    each(hf, "/var/lib/dhclient", "*lease*", read_leases);
    each(hf, "/var/lib/NetworkManager", "*lease*", read_leases);
}
