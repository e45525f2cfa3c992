/* What the generated code is made of: routes, and tables by which a request is decoded and checked
 * into plain structs. All of it is const and may be shared. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

typedef struct cn_call cn_call; /* http/call.h */

/* A value of a field: what JSON gave. */
typedef struct cn_api_value {
    enum {
        CN_API_ABSENT,
        CN_API_NULL,
        CN_API_STRING,
        CN_API_NUMBER,
        CN_API_REAL,
        CN_API_TRUTH
    } type;
    cn_span text; /* CN_API_STRING */
    int64_t num;  /* CN_API_NUMBER, CN_API_TRUTH */
    double real;  /* CN_API_REAL */
} cn_api_value;

typedef enum cn_api_kind {
    CN_API_TEXT,    /* cn_span; p is NULL where it is absent */
    CN_API_INT,     /* int64_t */
    CN_API_BOOL,    /* bool */
    CN_API_CHOICE,  /* int, index into choices */
    CN_API_VALUE,   /* cn_api_value */
    CN_API_TEXTS,   /* struct { const cn_span *p; size_t n; } */
    CN_API_INTS,    /* struct { const int64_t *p; size_t n; } */
    CN_API_OBJECTS, /* struct { const SHAPE *p; size_t n; } */
} cn_api_kind;

typedef enum cn_api_place { CN_API_BODY, CN_API_PATH, CN_API_QUERY, CN_API_HEADER } cn_api_place;

typedef struct cn_api_member {
    const char *name;
    cn_api_kind kind;
    size_t at, has_at;  /* offsets in the struct; has_at is SIZE_MAX where there is no has_NAME */
    bool required, hex; /* hex: 40 lower-case hexadecimal digits */
    bool json;          /* a parameter that holds JSON */
    cn_api_place in;
    int64_t min, max; /* of the number, the length in bytes, the number of items; max 0: any */
    int64_t item_min, item_max; /* of each item: its value or its length */
    int64_t fallback;           /* of a number, truth or choice that is absent */
    const char *text;           /* of a text that is absent */
    const char *const *choices; /* NULL-terminated */
    const struct cn_api_shape *shape;
} cn_api_member;

typedef struct cn_api_shape {
    const char *name;
    size_t size;
    const cn_api_member *members;
    size_t n_members;
} cn_api_shape;

typedef struct cn_api_route {
    const char *name, *method;
    const char *path; /* below /api/v1, with {parameters} */
    const cn_api_shape *params, *body;
    int (*run)(cn_call *call, const void *params, const void *body);
} cn_api_route;

/* Sorted so that the first that fits is the right one. */
extern const cn_api_route cn_api_routes[];
extern const size_t cn_api_routes_count;
/* The description, as JSON. */
extern const char cn_api_openapi[];
