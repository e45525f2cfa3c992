/* What a disk says about its machine, asked of one of its file systems: host name, OS, time zone,
 * addresses, users, kernels, boots. Everything is read through cn_fs, and symbolic links are followed
 * inside it only.
 *
 *   name             value
 *   hostname         web01
 *   machine_id       32 hexadecimal digits (machine-id(5))
 *   os               "Debian GNU/Linux 12 (bookworm)"; os_id debian; os_version 12; os_release 12.8, where
 *                    a file says more exactly
 *   time_zone        Europe/Berlin
 *   address          10.0.1.23/24, 2001:db8::5/64; gateway, dns_server, mac_address likewise
 *   user             alice uid=1000 gid=1000 home=/home/alice shell=/bin/bash password=set
 *                    (password: set, locked, empty, or absent where no shadow file says); accounts that
 *                    cannot log in are system_account
 *   admin            a member of sudo, wheel or admin
 *   kernel           6.1.0-26-amd64
 *   architecture     x86_64
 *   boot             2026-11-17T07:20:00Z, with the kernel where the record says it
 *   packages         312 (dpkg)
 *   cloud_instance   i-0123456789abcdef0; cloud_datasource
 */
#pragma once

#include "base/arena.h"
#include "fs/fs.h"

#define CN_HOSTFACTS_MAX        4000u /* facts; more are left out */
#define CN_HOSTFACT_VALUE_BYTES 1000u /* of one value, name or path; longer ones are cut */

typedef struct cn_host_fact {
    const char *name, *value; /* UTF-8, without controls */
    const char *path;         /* the file that says so, UTF-8 likewise */
    uint64_t inode;
} cn_host_fact;

typedef struct cn_hostfacts {
    cn_host_fact *facts; /* in the order of the table above; none twice */
    size_t n;
    const char *zone_name; /* NULL: unknown */
    cn_span zone_tzif;     /* content of the zone's file; empty where it is not there */
} cn_hostfacts;

/* Called now and then; negative stops and is returned. */
typedef int (*cn_hostfacts_step_fn)(void *context);

/* All in the arena. A file that is not there says nothing; one that cannot be read is passed over. step
 * may be NULL. CN_E_NO_MEMORY at the arena's cap, with what was found so far in *out. */
int cn_hostfacts_read(cn_fs *fs, cn_arena *arena, cn_hostfacts_step_fn step, void *context,
                      cn_hostfacts *out, cn_err *err) CN_MUST_USE;
