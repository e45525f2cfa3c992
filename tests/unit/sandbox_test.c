/* The sandbox from inside: what is refused, what ends the process, what goes on working. Each case
 * runs in a child, since there is no way out. */
#include "job/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs the case in a sandboxed child: its exit status, or minus the signal that ended it. */
static int sandboxed(int (*what)(int fd), int fd, const cn_sandbox_options *options)
{
    pid_t child = fork();
    if (child == 0) {
        cn_err err = CN_ERR_INIT;
        if (cn_sandbox_enter(options, NULL, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            _exit(99);
        }
        _exit(what(fd));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_file(int fd)
{
    (void) fd;
    return open("/etc/passwd", O_RDONLY) >= 0 ? 0 : errno;
}
static int make_file(int fd)
{
    return openat(fd, "new", O_WRONLY | O_CREAT, 0600) >= 0 ? 0 : errno;
}
static int read_beneath(int fd)
{
    int file = openat(fd, "passwd", O_RDONLY | O_CLOEXEC);
    char byte;
    return file >= 0 && read(file, &byte, 1) == 1 ? 0 : errno;
}
static int open_above(int fd) { return openat(fd, "../proc/stat", O_RDONLY) >= 0 ? 0 : errno; }
static int network(int fd)
{
    (void) fd;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}
static int program(int fd)
{
    (void) fd;
    return execl("/bin/true", "true", (char *) NULL), errno;
}
static int another_process(int fd)
{
    (void) fd;
    return fork() >= 0 ? 0 : errno;
}
static int other_signal(int fd)
{
    (void) fd;
    return kill(getppid(), 0) == 0 ? 0 : errno;
}
static int code_in_memory(int fd)
{
    (void) fd;
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? 0 : errno;
}
static int wider_limits(int fd)
{
    (void) fd;
    const struct rlimit l = {1, 1};
    return setrlimit(RLIMIT_CORE, &l) == 0 ? 0 : errno;
}
#ifndef __SANITIZE_ADDRESS__
static int too_much_memory(int fd)
{
    (void) fd;
    void *p = mmap(NULL, CN_MIB(128), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? 0 : errno;
}
#endif
static int honest_work(int fd)
{
    char bytes[64];
    char *copy = malloc(1 << 20);
    void *reserved =
        mmap(NULL, CN_GIB(8), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool good = copy && reserved != MAP_FAILED && lseek(fd, 0, SEEK_END) > 0 &&
                pread(fd, bytes, sizeof bytes, 0) == sizeof bytes;
    free(copy);
    return good ? 0 : 1;
}

static void refuses(void **state)
{
    (void) state;
    const cn_sandbox_options all = {.parent = getpid(), .data_bytes = CN_MIB(64)};
    int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(sandboxed(open_file, -1, &all), EPERM);
    assert_int_equal(sandboxed(make_file, etc, &all), EPERM);
    assert_int_equal(sandboxed(another_process, -1, &all), EPERM);
    assert_int_equal(sandboxed(other_signal, -1, &all), EPERM);
    assert_int_equal(sandboxed(code_in_memory, -1, &all), EPERM);
    assert_int_equal(sandboxed(wider_limits, -1, &all), EPERM);
    assert_int_equal(sandboxed(network, -1, &all), -SIGSYS);
    assert_int_equal(sandboxed(program, -1, &all), -SIGSYS);
#ifndef __SANITIZE_ADDRESS__
    assert_int_equal(sandboxed(too_much_memory, -1, &all), ENOMEM);
#endif
    close(etc);
}

static void allows(void **state)
{
    (void) state;
    const cn_sandbox_options all = {.parent = getpid(), .data_bytes = CN_MIB(64)};
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(sandboxed(honest_work, self, &all), 0);
    close(self);
}

static void folders_are_read_only_and_closed(void **state)
{
    (void) state;
    cn_sandbox_report report;
    assert_int_equal(cn_sandbox_try(&report, NULL), CN_OK);
    if (!report.holds[CN_SANDBOX_LANDLOCK])
        skip();
    int etc = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const cn_sandbox_options options = {.read_folders = &etc, .n_read_folders = 1};
    assert_int_equal(sandboxed(read_beneath, etc, &options), 0);
    assert_int_equal(sandboxed(open_above, etc, &options), EACCES);
    assert_int_equal(sandboxed(make_file, etc, &options), EPERM);
    assert_int_equal(sandboxed(network, -1, &options), -SIGSYS);
    close(etc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(allows),
        cmocka_unit_test(folders_are_read_only_and_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
