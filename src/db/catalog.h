/* The catalog: what changes in a data folder. Timelines with their segments, warnings and host
 * facts, the work that a resumed run need not repeat, and what people say about events (stars,
 * tags, labels, comments).
 *
 *     DIR/cairn.db                       the catalog
 *     DIR/segments/TIMELINE/RUN-N.seg    committed segments; a file that no row names is a leftover
 *     DIR/tmp/RUN/                       work of one run, which holds a lock on DIR/tmp/RUN/lock
 *
 * A handle has one owner and one thread; each thread or process opens its own. Several processes
 * may work on one folder. Rows that are returned live in the arena that is handed in. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "db/db.h"

typedef struct cn_catalog cn_catalog;

/* The data folder: `option` (--data) where it is set, CAIRN_DATA, or ~/.local/share/cairn. Absolute
 * only if the words are. */
int cn_data_folder(const char *option, cn_buf *out, cn_err *err) CN_MUST_USE;

/* Opens the catalog in a data folder. CN_DB_CREATE makes folder and database where they are not
 * there; CN_DB_READ and CN_DB_WRITE give CN_E_NOT_FOUND. Owned. */
int cn_catalog_open(const char *folder, cn_db_mode mode, cn_catalog **out, cn_err *err) CN_MUST_USE;
cn_catalog *cn_catalog_close(cn_catalog *catalog);
CN_DEFINE_CLEANUP(cn_catalog, cn_catalog_close)
const char *cn_catalog_folder(const cn_catalog *catalog);
cn_db *cn_catalog_db(cn_catalog *catalog);
/* A number that changes when another process or thread has changed anything. For polling. */
int cn_catalog_version(cn_catalog *catalog, int64_t *out, cn_err *err) CN_MUST_USE;

/* ---- timelines ---- */

typedef enum cn_timeline_status {
    CN_TIMELINE_MAKING,      /* a live process works on it */
    CN_TIMELINE_READY,       /* whole */
    CN_TIMELINE_INTERRUPTED, /* what is there can be searched; --resume goes on */
    CN_TIMELINE_FAILED, /* ended by an error; what is there can be searched; --resume goes on */
} cn_timeline_status;
/* "making", "ready", "interrupted", "failed". */
const char *cn_timeline_status_name(cn_timeline_status status);

typedef struct cn_timeline {
    int64_t id;
    const char *name;        /* shown to people and used by timeline: in queries; unique */
    const char *source;      /* as the user named it, absolute */
    const char *image;       /* name of the image, as in events */
    uint64_t image_id;       /* fingerprint of the media */
    const char *case_name;   /* "" where none was given */
    const char *system_name; /* "" where none was given */
    const char *options;     /* what the run was asked for, in words; "" for everything */
    cn_timeline_status status;
    const char *error; /* of a failed one, else "" */
    /* False while an earlier timeline of the same source still stands for it: not searched unless
     * it is asked for by name. */
    bool visible;
    uint64_t events, bytes; /* committed: of all segments */
    bool has_times;
    int64_t first_ns, last_ns; /* where has_times */
    uint32_t segments, warnings;
    int64_t started_ns;
    bool has_finished;
    int64_t finished_ns;
    /* Progress while it is being made. */
    uint64_t bytes_done, bytes_total, files_done, files_total;
    const char *sha256; /* of the whole image, hexadecimal; "" where it was not asked for */
} cn_timeline;

/* All timelines, oldest first. */
int cn_catalog_timelines(cn_catalog *catalog, cn_arena *arena, cn_timeline **out, size_t *out_n,
                         cn_err *err) CN_MUST_USE;
/* One. CN_E_NOT_FOUND. */
int cn_catalog_timeline(cn_catalog *catalog, int64_t id, cn_arena *arena, cn_timeline *out,
                        cn_err *err) CN_MUST_USE;
/* The id of a timeline by its name or by its number. CN_E_NOT_FOUND. */
int cn_catalog_timeline_by_name(cn_catalog *catalog, const char *name, int64_t *out,
                                cn_err *err) CN_MUST_USE;
int cn_catalog_rename(cn_catalog *catalog, int64_t id, const char *name, cn_err *err) CN_MUST_USE;
/* Removes a timeline with its segments. What people said about its events stays. */
int cn_catalog_remove(cn_catalog *catalog, int64_t id, cn_err *err) CN_MUST_USE;

/* ---- making a timeline ---- */

/* A run: a process that makes timelines. Its folder DIR/tmp/NAME holds its unfinished files; its
 * lock says that it lives. */
typedef struct cn_run cn_run;
/* Makes the folder and takes the lock; removes what dead runs have left (cn_catalog_sweep). Forked
 * children must not keep the lock: fork before. */
int cn_run_begin(cn_catalog *catalog, cn_run **out, cn_err *err) CN_MUST_USE;
const char *cn_run_name(const cn_run *run);
/* Descriptor of the folder, for openat and renameat. */
int cn_run_folder(const cn_run *run);
/* Removes the folder with all that is in it. */
cn_run *cn_run_end(cn_run *run);
CN_DEFINE_CLEANUP(cn_run, cn_run_end)

typedef struct cn_timeline_new {
    const char *source, *image, *case_name, *system_name;
    const char *options; /* all that bears on the result: a run may only be resumed with the same */
    const char *scope;   /* the part of it that leaves evidence out; "" for none */
    const char *run;     /* name of the run that makes it */
    uint64_t image_id;
    const char *name; /* wished for; a number is put behind it where it is taken */
} cn_timeline_new;
/* A timeline in the making, not visible where an earlier one of the same image is. */
int cn_catalog_create(cn_catalog *catalog, const cn_timeline_new *what, int64_t *out_id,
                      cn_err *err) CN_MUST_USE;
/* The latest timeline of an image and options: its id, 0 where there is none. Of equal rank, the
 * unfinished one that no live run owns goes before a finished one. */
int cn_catalog_find(cn_catalog *catalog, uint64_t image_id, const char *options, int64_t *out_id,
                    cn_timeline_status *out_status, cn_err *err) CN_MUST_USE;
/* Takes over an unfinished timeline. CN_E_LOCKED where a live run owns it. */
int cn_catalog_take_over(cn_catalog *catalog, int64_t id, const char *run, cn_err *err) CN_MUST_USE;
int cn_catalog_progress(cn_catalog *catalog, int64_t id, uint64_t bytes_done, uint64_t bytes_total,
                        uint64_t files_done, uint64_t files_total, cn_err *err) CN_MUST_USE;
/* Ends it: READY, INTERRUPTED or FAILED with words. A ready one takes the place of earlier
 * timelines of the image, which are removed: of all where its scope is everything, else of those of
 * the same scope; those that a live run owns stay. */
int cn_catalog_finish(cn_catalog *catalog, int64_t id, cn_timeline_status status, const char *error,
                      cn_err *err) CN_MUST_USE;
int cn_catalog_set_sha256(cn_catalog *catalog, int64_t id, const char *hex,
                          cn_err *err) CN_MUST_USE;
/* Removes what dead runs have left: their folders below tmp/ and segment files that no row names.
 */
int cn_catalog_sweep(cn_catalog *catalog, cn_err *err) CN_MUST_USE;

/* How much of a work item (a file, the walk of a file system) is committed. `key` is a hash of
 * volume, inode and path. */
typedef struct cn_work_item {
    uint64_t key;
    uint64_t events; /* emitted by it and committed, from its beginning */
    bool done;
} cn_work_item;
/* Sorted by key. */
int cn_catalog_work(cn_catalog *catalog, int64_t timeline, cn_arena *arena, cn_work_item **out,
                    size_t *out_n, cn_err *err) CN_MUST_USE;

typedef struct cn_segment_row {
    int64_t id, timeline;
    const char *path; /* absolute where the data folder is, else below it */
    uint64_t events, bytes, checksum;
    bool has_times;
    int64_t first_ns, last_ns;
} cn_segment_row;
/* Enters a segment file, which stands at its final place, and how far its items have come, in one
 * transaction. `path` is relative to the data folder. */
int cn_catalog_commit(cn_catalog *catalog, const cn_segment_row *segment, const cn_work_item *items,
                      size_t n_items, cn_err *err) CN_MUST_USE;
/* The segments of one timeline, or of all visible ones for timeline 0, in the order they were
 * committed. */
int cn_catalog_segments(cn_catalog *catalog, int64_t timeline, cn_arena *arena,
                        cn_segment_row **out, size_t *out_n, cn_err *err) CN_MUST_USE;

/* ---- warnings and facts ---- */

typedef struct cn_warning {
    int64_t id;
    const char *kind;                   /* "truncated", "corrupt", "crash", "hang", "memory", ... */
    const char *volume, *path, *parser; /* "" where there is none; path as UTF-8, mended */
    uint64_t inode;                     /* 0 where there is none */
    uint64_t offset;                    /* CN_NO_OFFSET where there is none */
    const char *text;
} cn_warning;
/* Adds one; the same one again (of a resumed run) is not doubled. */
int cn_catalog_warn(cn_catalog *catalog, int64_t timeline, const cn_warning *warning,
                    cn_err *err) CN_MUST_USE;
/* At most `limit` warnings with an id above `after`, by id. */
int cn_catalog_warnings(cn_catalog *catalog, int64_t timeline, int64_t after, size_t limit,
                        cn_arena *arena, cn_warning **out, size_t *out_n, cn_err *err) CN_MUST_USE;
typedef struct cn_count {
    const char *name;
    uint64_t n;
} cn_count;
/* How many warnings of each kind, most first. */
int cn_catalog_warning_kinds(cn_catalog *catalog, int64_t timeline, cn_arena *arena, cn_count **out,
                             size_t *out_n, cn_err *err) CN_MUST_USE;

/* What the disk says about its machine. */
typedef struct cn_fact {
    const char *name, *value;  /* "hostname" "web01"; one name may have several values */
    const char *volume, *path; /* the file that says so */
    uint64_t inode;
} cn_fact;
int cn_catalog_add_fact(cn_catalog *catalog, int64_t timeline, const cn_fact *fact,
                        cn_err *err) CN_MUST_USE;
int cn_catalog_facts(cn_catalog *catalog, int64_t timeline, cn_arena *arena, cn_fact **out,
                     size_t *out_n, cn_err *err) CN_MUST_USE;

/* ---- annotations: what people say about events ---- */

typedef enum cn_annotation_kind {
    CN_NOTE_STAR,
    CN_NOTE_TAG,
    CN_NOTE_LABEL,
    CN_NOTE_COMMENT
} cn_annotation_kind;

typedef struct cn_annotation {
    int64_t id;
    const char *event_id; /* 40 hexadecimal digits */
    cn_annotation_kind kind;
    const char *text; /* of a tag, label or comment; "" for a star */
    const char *author;
    int64_t created_ns;
} cn_annotation;
/* Adds one and gives its id. A star, tag or label that is there already is not doubled (its id is
 * given). CN_E_ARG where the event id is none or the text is empty, longer than 64 KiB or no
 * UTF-8. */
int cn_catalog_annotate(cn_catalog *catalog, const char *event_id, cn_annotation_kind kind,
                        const char *text, const char *author, int64_t *out_id,
                        cn_err *err) CN_MUST_USE;
/* Removes one by its id, or by what it says (star: text ""). CN_E_NOT_FOUND. */
int cn_catalog_unannotate(cn_catalog *catalog, int64_t id, cn_err *err) CN_MUST_USE;
int cn_catalog_unannotate_text(cn_catalog *catalog, const char *event_id, cn_annotation_kind kind,
                               const char *text, cn_err *err) CN_MUST_USE;
/* Changes the text of a comment. CN_E_NOT_FOUND. */
int cn_catalog_reword(cn_catalog *catalog, int64_t id, const char *text, cn_err *err) CN_MUST_USE;
/* What is said about some events, by event and then by age. For a page of results. */
int cn_catalog_annotations(cn_catalog *catalog, const char *const *event_ids, size_t n,
                           cn_arena *arena, cn_annotation **out, size_t *out_n,
                           cn_err *err) CN_MUST_USE;
/* All of one kind, or of all kinds (any_kind), by event. For tag:, label:, starred: and comment: in
 * queries: the caller matches the texts. */
int cn_catalog_annotated(cn_catalog *catalog, bool any_kind, cn_annotation_kind kind,
                         cn_arena *arena, cn_annotation **out, size_t *out_n,
                         cn_err *err) CN_MUST_USE;
/* The texts of one kind with how often they are used, most first. For completion. */
int cn_catalog_annotation_texts(cn_catalog *catalog, cn_annotation_kind kind, cn_arena *arena,
                                cn_count **out, size_t *out_n, cn_err *err) CN_MUST_USE;
