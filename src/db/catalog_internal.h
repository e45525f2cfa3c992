/* What the files of the catalog share. */
#pragma once

#include "db/catalog.h"

#define CN_RUN_NAME_MAX 64

struct cn_catalog {
    cn_db *db;
    int folder_fd;
    char folder[3072];
};

/* True where a live process holds the lock of the run. */
bool cn_run_alive(const cn_catalog *catalog, const char *run);

/* Text of a column in the arena; NULL without memory. */
const char *cn_catalog_text(cn_arena *arena, const cn_rows *rows, int column);

/* A growing array of rows in the arena: the next free one, zeroed; NULL without memory. */
void *cn_catalog_row(cn_arena *arena, void **array, size_t *n, size_t *capacity, size_t size);
int cn_catalog_no_memory(cn_err *err);
