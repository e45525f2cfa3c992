/* See sandbox.h. The allow list is what our own code and the libraries that read evidence need,
 * seen by running them; a call that is missing from it fails with EPERM and its caller reports
 * that. */
#include "job/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Landlock as of ABI 7; the installed header may be older than the kernel. */
#define ACCESS_REFER               (UINT64_C(1) << 13) /* ABI 2 */
#define ACCESS_TRUNCATE            (UINT64_C(1) << 14) /* ABI 3 */
#define ACCESS_IOCTL_DEV           (UINT64_C(1) << 15) /* ABI 5 */
#define ACCESS_FS_FIRST            ((UINT64_C(1) << 13) - 1)
#define ACCESS_NET_TCP             UINT64_C(3) /* ABI 4: bind, connect */
#define SCOPE_ALL                  UINT64_C(3) /* ABI 6: abstract sockets, signals */
#define SYSCALL_CREATE_RULESET     444
#define SYSCALL_ADD_RULE           445
#define SYSCALL_RESTRICT_SELF      446
#define CREATE_RULESET_ASK_VERSION 1u

struct ruleset {
    uint64_t access_fs, access_net, scoped;
};

const char *cn_sandbox_layer_name(cn_sandbox_layer layer)
{
    static const char *const names[] = {"limits", "no_new_privs", "landlock", "seccomp"};
    static_assert(CN_LEN(names) == CN_SANDBOX_LAYERS, "a name per layer");
    return names[layer];
}

static int limit(int resource, uint64_t value)
{
    const struct rlimit l = {value, value};
    return setrlimit(resource, &l) == 0 ? 0 : errno;
}

static int enter_limits(const cn_sandbox_options *o)
{
    if (o->parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            return errno;
        if (getppid() != o->parent) /* it died before the call */
            _exit(1);
    }
    int r = limit(RLIMIT_CORE, 0);
    if (!r && prctl(PR_SET_DUMPABLE, 0) != 0)
        r = errno;
#if !defined(__SANITIZE_ADDRESS__) && !defined(CN_FUZZING)
    if (!r && o->data_bytes)
        r = limit(RLIMIT_DATA, o->data_bytes);
    if (!r && o->address_bytes)
        r = limit(RLIMIT_AS, o->address_bytes);
#endif
    return r;
}

static int enter_landlock(const cn_sandbox_options *o, int *out_abi)
{
    long abi = syscall(SYSCALL_CREATE_RULESET, NULL, 0, CREATE_RULESET_ASK_VERSION);
    if (abi < 1)
        return errno == EOPNOTSUPP ? ENOSYS : errno;
    *out_abi = (int) abi;
    struct ruleset rules = {.access_fs = ACCESS_FS_FIRST};
    rules.access_fs |= abi >= 2 ? ACCESS_REFER : 0;
    rules.access_fs |= abi >= 3 ? ACCESS_TRUNCATE : 0;
    rules.access_net = abi >= 4 ? ACCESS_NET_TCP : 0;
    rules.access_fs |= abi >= 5 ? ACCESS_IOCTL_DEV : 0;
    rules.scoped = abi >= 6 ? SCOPE_ALL : 0;
    size_t size = abi >= 6 ? sizeof rules : abi >= 4 ? 16 : 8;
    int fd = (int) syscall(SYSCALL_CREATE_RULESET, &rules, size, 0);
    if (fd < 0)
        return errno;
    int r = 0;
    for (size_t i = 0; i < o->n_read_folders && !r; i++) {
        struct landlock_path_beneath_attr beneath = {
            .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
            .parent_fd = o->read_folders[i],
        };
        if (syscall(SYSCALL_ADD_RULE, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0)
            r = errno;
    }
    if (!r && syscall(SYSCALL_RESTRICT_SELF, fd, 0) != 0)
        r = errno;
    close(fd);
    return r;
}

static const char *const allowed[] = {
    /* descriptors that are there */
    "read", "pread64", "readv", "preadv", "write", "pwrite64", "writev", "pwritev", "lseek",
    "_llseek", "close", "fstat", "fstat64", "ftruncate", "ftruncate64", "fallocate", "fadvise64",
    "sync_file_range", "fsync", "fdatasync", "poll", "ppoll", "sendmsg", "recvmsg", "sendto",
    "recvfrom", "fstatfs",
    /* memory */
    "brk", "munmap", "mremap", "madvise", "membarrier", "mincore",
    /* time, waiting, the process itself */
    "futex", "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep",
    "clock_nanosleep", "sched_yield", "sched_getaffinity", "getrandom", "getpid", "gettid",
    "getppid", "getuid", "geteuid", "getgid", "getegid", "getrusage", "getrlimit", "ugetrlimit",
    "times", "sysinfo", "uname", "getcpu", "rt_sigprocmask", "rt_sigaction", "rt_sigreturn",
    "sigreturn", "sigaltstack", "rt_sigpending", "restart_syscall", "rseq", "set_robust_list",
    "exit", "exit_group"};

/* What only an attacker would ask for: the process ends at once, by SIGSYS. */
static const char *const killed[] = {"execve",
                                     "execveat",
                                     "ptrace",
                                     "process_vm_readv",
                                     "process_vm_writev",
                                     "socket",
                                     "socketpair",
                                     "connect",
                                     "bind",
                                     "listen",
                                     "accept",
                                     "accept4",
                                     "mount",
                                     "umount2",
                                     "pivot_root",
                                     "chroot",
                                     "unshare",
                                     "setns",
                                     "bpf",
                                     "perf_event_open",
                                     "userfaultfd",
                                     "io_uring_setup",
                                     "keyctl",
                                     "add_key",
                                     "request_key",
                                     "init_module",
                                     "finit_module",
                                     "delete_module",
                                     "kexec_load",
                                     "reboot",
                                     "setuid",
                                     "setgid",
                                     "setresuid",
                                     "setresgid",
                                     "capset",
                                     "personality",
                                     "open_by_handle_at",
                                     "pidfd_getfd",
                                     "pidfd_open"};

/* Only with folders to read. */
static const char *const folder_calls[] = {"getdents64", "newfstatat", "fstatat64", "statx",
                                           "readlinkat", "flistxattr", "fgetxattr", "fcntl"};

static int rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned n,
                const struct scmp_arg_cmp *args)
{
    int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR || call < 0)
        return 0; /* not a call of this machine */
    return seccomp_rule_add_array(filter, action, call, n, args);
}

static int rules(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
    int r = 0;
    for (size_t i = 0; i < n && !r; i++)
        r = rule(filter, action, names[i], 0, NULL);
    return r;
}

static int conditional_rules(scmp_filter_ctx filter, bool folders)
{
    const uint64_t writes = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE;
    const struct {
        const char *name;
        unsigned n;
        struct scmp_arg_cmp args[2];
    } table[] = {
        {"mmap", 1, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)}},
        {"mmap2", 1, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)}},
        {"mprotect", 1, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)}},
        {"prlimit64", 1, {SCMP_A2(SCMP_CMP_EQ, 0)}}, /* asking only */
        {"tgkill", 1, {SCMP_A0(SCMP_CMP_EQ, (uint64_t) getpid())}},
        {"kill", 1, {SCMP_A0(SCMP_CMP_EQ, (uint64_t) getpid())}},
        {"ioctl", 1, {SCMP_A1(SCMP_CMP_EQ, BLKGETSIZE64)}},
        {"ioctl", 1, {SCMP_A1(SCMP_CMP_EQ, BLKSSZGET)}},
        {"fcntl", 1, {SCMP_A1(SCMP_CMP_EQ, F_GETFL)}},
        {"fcntl", 1, {SCMP_A1(SCMP_CMP_EQ, F_GETFD)}},
        {"fcntl", 1, {SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC)}},
        {"newfstatat", 1, {SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH)}},
        {"openat", 1, {SCMP_A2(SCMP_CMP_MASKED_EQ, writes & ~(uint64_t) O_DIRECTORY, O_RDONLY)}},
    };
    int r = 0;
    for (size_t i = 0; i < CN_LEN(table) && !r; i++) {
        bool only_folders = strcmp(table[i].name, "openat") == 0;
        bool widened = folders && (strcmp(table[i].name, "newfstatat") == 0 ||
                                   strcmp(table[i].name, "fcntl") == 0);
        if ((only_folders && !folders) || widened)
            continue;
        r = rule(filter, SCMP_ACT_ALLOW, table[i].name, table[i].n, table[i].args);
    }
    return r;
}

static int enter_seccomp(const cn_sandbox_options *o)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return ENOMEM;
    bool folders = o->n_read_folders > 0;
    int r = rules(filter, SCMP_ACT_ALLOW, allowed, CN_LEN(allowed));
    if (!r)
        r = rules(filter, SCMP_ACT_KILL_PROCESS, killed, CN_LEN(killed));
    if (!r)
        r = conditional_rules(filter, folders);
    if (!r && folders)
        r = rules(filter, SCMP_ACT_ALLOW, folder_calls, CN_LEN(folder_calls));
    if (!r)
        (void) seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree: fewer compares */
    if (!r)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return -r;
}

static int refusal(const cn_sandbox_options *o, const cn_sandbox_report *report, cn_err *err)
{
    for (int i = 0; i < CN_SANDBOX_LAYERS; i++) {
        bool lacking = i == CN_SANDBOX_LANDLOCK && report->refused[i] == ENOSYS;
        if (report->holds[i] || (lacking && o->n_read_folders == 0) || o->best_effort)
            continue;
        return cn_fail(err, CN_E_DENIED, CN_NO_OFFSET,
                       "the kernel refuses the sandbox's layer %s: %s; --sandbox=best-effort goes "
                       "on without it",
                       cn_sandbox_layer_name((cn_sandbox_layer) i), strerror(report->refused[i]));
    }
    return CN_OK;
}

int cn_sandbox_enter(const cn_sandbox_options *options, cn_sandbox_report *out, cn_err *err)
{
    cn_sandbox_report report = {0};
    int *refused = report.refused;
    refused[CN_SANDBOX_LIMITS] = enter_limits(options);
    refused[CN_SANDBOX_NO_NEW_PRIVS] = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
    refused[CN_SANDBOX_LANDLOCK] = enter_landlock(options, &report.landlock_abi);
    refused[CN_SANDBOX_SECCOMP] = enter_seccomp(options);
    for (int i = 0; i < CN_SANDBOX_LAYERS; i++)
        report.holds[i] = refused[i] == 0;
    if (out)
        *out = report;
    return refusal(options, &report, err);
}

int cn_sandbox_try(cn_sandbox_report *out, cn_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return cn_fail_errno(err, "pipe");
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        cn_sandbox_report report;
        const cn_sandbox_options options = {
            .best_effort = true, .parent = parent, .data_bytes = CN_MIB(64)};
        int r = cn_sandbox_enter(&options, &report, NULL);
        _exit(r < 0 || write(ends[1], &report, sizeof report) != sizeof report);
    }
    close(ends[1]);
    cn_sandbox_report report = {0};
    ssize_t n = child < 0 ? -1 : read(ends[0], &report, sizeof report);
    close(ends[0]);
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) < 0)
        n = -1;
    if (n != sizeof report)
        return cn_fail(err, CN_E_DENIED, CN_NO_OFFSET, "the sandbox ends its own process (%s %d)",
                       WIFSIGNALED(status) ? "signal" : "status",
                       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    *out = report;
    return CN_OK;
}
