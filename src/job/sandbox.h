/* The sandbox of a process that interprets evidence. Entered once, before the first byte of it is
 * looked at; there is no way out. What stays allowed: reading and writing descriptors that the
 * process already has, memory, time, and ending. New files, network, other processes, exec and
 * ptrace are gone.
 *
 * Layers, in the order they are entered:
 *   limits           RLIMIT_CORE 0, not dumpable, RLIMIT_DATA, RLIMIT_AS, dies with its parent
 *   no_new_privs     no set-user-id program can give back what is dropped
 *   landlock         the file system is closed (or read-only beneath some folders), where the
 * kernel has it; TCP and signals to others too, where it knows them seccomp          an allow list
 * of system calls; what attacks use kills the process, the rest is refused with EPERM
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>

typedef enum cn_sandbox_layer {
    CN_SANDBOX_LIMITS,
    CN_SANDBOX_NO_NEW_PRIVS,
    CN_SANDBOX_LANDLOCK,
    CN_SANDBOX_SECCOMP,
    CN_SANDBOX_LAYERS
} cn_sandbox_layer;
/* "limits", "no_new_privs", "landlock", "seccomp". */
const char *cn_sandbox_layer_name(cn_sandbox_layer layer);

typedef struct cn_sandbox_options {
    /* Go on without a layer that the kernel refuses; else that is an error. */
    bool best_effort;
    /* Folders whose contents may be opened for reading (a folder as evidence); by descriptor. */
    const int *read_folders;
    size_t n_read_folders;
    uint64_t data_bytes; /* private writable memory; 0: no limit. Reserved address space (PROT_NONE)
                            does not count */
    uint64_t address_bytes; /* address space; 0: no limit */
    pid_t parent;           /* ends with this process; 0: with none */
} cn_sandbox_options;

typedef struct cn_sandbox_report {
    bool holds[CN_SANDBOX_LAYERS];
    /* Why a layer does not hold, as errno; ENOSYS: the kernel lacks it. */
    int refused[CN_SANDBOX_LAYERS];
    int landlock_abi; /* 0 where there is none */
} cn_sandbox_report;

/* Enters all layers. *report (may be NULL) is set in any case. A refused layer is CN_E_DENIED, with
 * its name and --sandbox=best-effort in the text, unless best_effort; a kernel without Landlock is
 * not a refusal, since seccomp closes the same doors, except where folders are to be read: there
 * Landlock is what keeps the process inside them. The limits are not set in a build with the
 * address sanitizer, which needs terabytes of address space. */
int cn_sandbox_enter(const cn_sandbox_options *options, cn_sandbox_report *report,
                     cn_err *err) CN_MUST_USE;

/* What holds on this machine: enters the sandbox in a child and asks it. For `cairn doctor`. */
int cn_sandbox_try(cn_sandbox_report *out, cn_err *err) CN_MUST_USE;
