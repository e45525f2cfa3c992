#include "img/parts.h"

#include "base/text.h"
#include "img/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define SUFFIX_MAX 5u /* ".00001"; images of more than 99,999 parts are not seen */

typedef enum scheme { NONE, DIGITS, LETTERS, EWF } scheme;

typedef struct pattern {
    scheme scheme;
    size_t stem;   /* bytes of the name before the suffix, the dot included */
    size_t width;  /* of the suffix */
    uint32_t base; /* index of the first part: 0 or 1 */
    char lead[2];  /* EWF: 'E', or 'E' and 'x' */
    char letter;   /* 'a' or 'A': the case of letters that count */
} pattern;

/* Decimal number of exactly n digits; -1 otherwise. */
static int64_t digits(const char *s, size_t n)
{
    uint64_t v;
    return cn_text_u64(cn_span_of(s, n), &v) && v <= INT32_MAX ? (int64_t) v : -1;
}

static bool all_are(const char *s, size_t n, char c)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] != c)
            return false;
    return true;
}

static pattern pattern_of(const char *name)
{
    pattern p = {.scheme = NONE};
    const char *dot = strrchr(name, '.');
    if (!dot)
        return p;
    const char *s = dot + 1;
    p.stem = (size_t) (s - name);
    p.width = strlen(s);
    if (p.width >= 3 && p.width <= SUFFIX_MAX &&
        (digits(s, p.width) == 0 || digits(s, p.width) == 1)) {
        p.scheme = DIGITS;
        p.base = (uint32_t) digits(s, p.width);
    } else if (p.width >= 2 && p.width <= 4 && all_are(s, p.width, 'a')) {
        p.scheme = LETTERS;
        p.letter = 'a';
    } else if ((p.width == 3 || (p.width == 4 && (s[1] | 32) == 'x')) && strchr("EeSsLl", s[0]) &&
               strcmp(s + p.width - 2, "01") == 0) {
        p.scheme = EWF;
        p.base = 1;
        p.lead[0] = s[0];
        p.lead[1] = p.width == 4 ? s[1] : 0;
        p.letter = s[0] >= 'a' ? 'a' : 'A';
    }
    return p;
}

/* The counting letters as a number of base 26; -1 where one is none. */
static int64_t letters(const char *s, size_t n, char a)
{
    int64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < a || s[i] > a + 25)
            return -1;
        v = v * 26 + (s[i] - a);
    }
    return v;
}

/* E01 to E99, then EAA to EZZ, FAA to ZZZ: the letter that leads counts on. Ex01, ExAA, EyAA the
 * same way. */
static int64_t ewf_index(const pattern *p, const char *s)
{
    size_t turning = p->lead[1] ? 1 : 0;
    if (p->lead[1] && s[0] != p->lead[0])
        return -1;
    int64_t n = digits(s + turning + 1, 2);
    if (n >= 0)
        return s[turning] == p->lead[turning] && n > 0 ? n : -1;
    int64_t turn = s[turning] - p->lead[turning];
    int64_t rest = letters(s + turning + 1, 2, p->letter);
    return rest < 0 || turn < 0 || s[turning] > p->letter + 25 ? -1 : 100 + turn * 676 + rest;
}

/* The index of a name among the parts; -1 where it is none of them. */
static int64_t index_of(const pattern *p, const char *first, const char *name)
{
    if (strlen(name) != p->stem + p->width || strncmp(name, first, p->stem) != 0)
        return -1;
    const char *s = name + p->stem;
    switch (p->scheme) {
    case DIGITS:
        return digits(s, p->width);
    case LETTERS:
        return letters(s, p->width, p->letter);
    case EWF:
        return ewf_index(p, s);
    default:
        return -1;
    }
}

static void put_suffix(const pattern *p, int64_t index, char out[SUFFIX_MAX + 1])
{
    size_t n = p->width;
    out[n] = 0;
    if (p->scheme == DIGITS) {
        snprintf(out, SUFFIX_MAX + 1, "%0*d", (int) n, (int) index);
        return;
    }
    memcpy(out, p->lead, sizeof p->lead);
    if (p->scheme == EWF && index < 100) {
        snprintf(out + n - 2, 3, "%02d", (int) index);
        return;
    }
    size_t from = p->scheme == EWF ? n - 2 : 0;
    int64_t rest = p->scheme == EWF ? index - 100 : index;
    for (size_t i = n; i-- > from; rest /= 26)
        out[i] = (char) (p->letter + rest % 26);
    if (p->scheme == EWF)
        out[n - 3] = (char) (out[n - 3] + rest);
}

void cn_parts_free(cn_parts *parts)
{
    for (size_t i = 0; i < parts->n; i++)
        free(parts->paths[i]);
    free(parts->paths);
    free(parts->missing);
    *parts = (cn_parts){0};
}

static int add_path(cn_parts *parts, char *path, cn_err *err)
{
    char **grown = path ? realloc(parts->paths, (parts->n + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(path);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    }
    parts->paths = grown;
    grown[parts->n++] = path;
    return CN_OK;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* The sorted indexes of the parts that the folder holds. */
static int list_folder(const char *folder, const pattern *p, const char *first, int64_t **out,
                       size_t *out_n, cn_err *err)
{
    DIR *d = opendir(folder);
    if (!d)
        return cn_fail_errno(err, "%s", folder);
    int64_t *found = NULL;
    size_t n = 0;
    int r = CN_OK;
    for (const struct dirent *e; r == CN_OK && (e = readdir(d));) {
        int64_t i = index_of(p, first, e->d_name);
        if (i < (int64_t) p->base)
            continue;
        int64_t *grown = n < CN_FILES_MAX ? realloc(found, (n + 1) * sizeof *found) : NULL;
        if (!grown) {
            r = cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "%s has too many parts", first);
            break;
        }
        found = grown;
        found[n++] = i;
    }
    closedir(d);
    if (r != CN_OK) {
        free(found);
        return r;
    }
    if (n)
        qsort(found, n, sizeof *found, compare);
    *out = found;
    *out_n = n;
    return CN_OK;
}

static char *part_path(const char *first, const pattern *p, int64_t index)
{
    char suffix[SUFFIX_MAX + 1], *path;
    put_suffix(p, index, suffix);
    size_t keep = strlen(first) - p->width;
    return asprintf(&path, "%.*s%s", (int) keep, first, suffix) < 0 ? NULL : path;
}

static int add_following(const char *first, const pattern *p, cn_parts *parts, cn_err *err)
{
    const char *name = strrchr(first, '/');
    name = name ? name + 1 : first;
    char *folder = name == first ? strdup(".") : strndup(first, (size_t) (name - first));
    int64_t *found = NULL;
    size_t n = 0;
    int r = folder ? list_folder(folder, p, name, &found, &n, err)
                   : cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    for (size_t i = 1; r == CN_OK && i < n; i++) {
        int64_t expected = (int64_t) p->base + (int64_t) i;
        if (found[i] != expected) {
            parts->missing = part_path(first, p, expected);
            break;
        }
        r = add_path(parts, part_path(first, p, expected), err);
    }
    free(found);
    free(folder);
    return r;
}

int cn_parts_find(const char *first, cn_parts *out, cn_err *err)
{
    CN_CLEANUP(cn_parts_free) cn_parts parts = {0};
    int r = add_path(&parts, strdup(first), err);
    const char *name = strrchr(first, '/');
    pattern p = pattern_of(name ? name + 1 : first);
    if (r == CN_OK && p.scheme != NONE)
        r = add_following(first, &p, &parts, err);
    if (r != CN_OK)
        return r;
    parts.raw = p.scheme == DIGITS || p.scheme == LETTERS;
    *out = parts;
    parts = (cn_parts){0};
    return CN_OK;
}
