/* Damages an image in memory, again and again, and reads it each time: names, metadata, contents. It
 * must end, and soon; under the sanitizers it is the check of memory.
 *
 * usage: fs_torture IMAGE SEED SECONDS [ROUND]   with ROUND: only that one, which a failure names */
#include "fs/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FLIPS_MAX = 400, FILES_MAX = 200, ENTRIES_MAX = 200000, ALARM_SECONDS = 20 };
#define SECTOR 512u

typedef struct flip {
    size_t at;
    uint8_t was;
} flip;

typedef struct torture {
    uint8_t *image;
    size_t size;
    uint32_t *sectors; /* that are not zero */
    size_t n_sectors;
    uint64_t state;
    uint64_t inodes[FILES_MAX];
    unsigned files, entries;
    uint64_t warnings;
} torture;

/* SplitMix64: each round has its own start, so that it can be repeated alone. */
static uint64_t next(torture *t)
{
    uint64_t z = t->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t below(torture *t, size_t n) { return (size_t) (next(t) % n); }

static int on_entry(void *context, const cn_fs_entry *e)
{
    torture *t = context;
    if (t->files < FILES_MAX && e->meta->type == CN_FILE_REGULAR)
        t->inodes[t->files++] = e->meta->inode;
    return ++t->entries > ENTRIES_MAX ? CN_E_CANCELLED : CN_OK;
}

static void on_warning(void *context, const cn_fs_warning *w)
{
    torture *t = context;
    t->warnings += w->text[0] != 0;
}

static void read_file(torture *t, cn_fs *fs, uint64_t inode)
{
    CN_CLEANUP(cn_src_close_p) cn_src *file = NULL;
    static uint8_t piece[100000];
    cn_file_meta meta;
    (void) !cn_fs_stat(fs, inode, &meta, NULL);
    if (cn_fs_open_file(fs, inode, &file, NULL) != CN_OK)
        return;
    size_t got;
    uint64_t places[] = {0, file->size / 2, file->size > 4096 ? file->size - 4096 : 0, next(t)};
    for (size_t i = 0; i < CN_LEN(places); i++)
        (void) !cn_src_read_some(file, places[i], piece, sizeof piece, &got, NULL);
    uint64_t at = 0;
    for (int i = 0; i < 100 && at < file->size; i++)
        at = cn_src_next_data(file, at) + 4096;
}

static void read_all(torture *t, size_t size)
{
    CN_CLEANUP(cn_src_close_p) cn_src *src = cn_src_memory(cn_span_of(t->image, size));
    CN_CLEANUP(cn_fs_close_p) cn_fs *fs = NULL;
    t->files = t->entries = 0;
    if (!src || cn_fs_open(src, &fs, NULL) != CN_OK)
        return;
    cn_fs_visit visit = {on_entry, on_warning, t};
    (void) !cn_fs_walk(fs, &visit, NULL);
    for (unsigned i = 0; i < t->files; i++)
        read_file(t, fs, t->inodes[i]);
    uint64_t inode;
    (void) !cn_fs_lookup(fs, CN_SPAN_LIT("/crowd/file-00001"), true, &inode, NULL);
    (void) !cn_fs_lookup(fs, CN_SPAN_LIT("/link-absolute"), true, &inode, NULL);
}

/* A byte of what is in use: one bit turned, or a value that means something. */
static void damage(torture *t, flip *f)
{
    size_t first = below(t, 4) == 0 ? CN_MIN(t->n_sectors, 16u) : t->n_sectors;
    f->at = (size_t) t->sectors[below(t, first)] * SECTOR + below(t, SECTOR);
    f->was = t->image[f->at];
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, 4, 8, 12};
    uint8_t becomes = (uint8_t) (f->was ^ (1u << below(t, 8)));
    if (below(t, 2))
        becomes = values[below(t, sizeof values)];
    t->image[f->at] = becomes;
}

static void one_round(torture *t, uint64_t seed, uint64_t round)
{
    static const unsigned counts[] = {1, 2, 4, 20, 100, FLIPS_MAX};
    flip flips[FLIPS_MAX];
    t->state = seed * UINT64_C(1000003) + round;
    unsigned n = counts[below(t, CN_LEN(counts))];
    for (unsigned i = 0; i < n; i++)
        damage(t, &flips[i]);
    size_t size = below(t, 10) == 0 ? below(t, t->size) : t->size;
    alarm(ALARM_SECONDS);
    read_all(t, size);
    alarm(0);
    while (n-- > 0)
        t->image[flips[n].at] = flips[n].was;
}

static bool find_sectors(torture *t)
{
    static const uint8_t zeros[SECTOR];
    t->sectors = malloc((t->size / SECTOR + 1) * sizeof *t->sectors);
    for (size_t i = 0; t->sectors && i < t->size / SECTOR; i++)
        if (memcmp(t->image + i * SECTOR, zeros, SECTOR) != 0)
            t->sectors[t->n_sectors++] = (uint32_t) i;
    return t->n_sectors > 0;
}

int main(int argc, char **argv)
{
    torture t = {0};
    int fd = argc >= 4 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size <= 0)
        return fprintf(stderr, "usage: fs_torture IMAGE SEED SECONDS [ROUND]\n"), 2;
    t.size = (size_t) size;
    t.image = mmap(NULL, t.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (t.image == MAP_FAILED || !find_sectors(&t)) {
        free(t.sectors);
        return perror(argv[1]), 3;
    }
    uint64_t seed = strtoull(argv[2], NULL, 10), seconds = strtoull(argv[3], NULL, 10), rounds = 0;
    bool alone = argc > 4;
    if (alone)
        one_round(&t, seed, strtoull(argv[4], NULL, 10));
    uint64_t until = cn_clock_ns() + seconds * 1000000000u, longest = 0;
    for (uint64_t now = cn_clock_ns(); !alone && now < until; rounds++) {
        /* Overwritten in place: after a crash the last line says which round it was. */
        printf("round %llu\r", (unsigned long long) rounds);
        (void) fflush(stdout);
        one_round(&t, seed, rounds);
        uint64_t then = now;
        now = cn_clock_ns();
        longest = CN_MAX(longest, now - then);
    }
    printf("%llu rounds, %llu warnings, the longest took %.2f s\n", (unsigned long long) rounds,
           (unsigned long long) t.warnings, (double) longest / 1e9);
    free(t.sectors);
    return 0;
}
