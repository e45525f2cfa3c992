#include "job/progress.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_NS (150 * CN_NS_PER_US * 1000)
#define WIDTH_MAX 200

struct cn_progress {
    uint64_t shown_ns;
    bool on_screen;
};

cn_progress *cn_progress_new(bool quiet)
{
    return quiet || !isatty(STDERR_FILENO) ? NULL : calloc(1, sizeof(cn_progress));
}

static size_t width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 79;
    return CN_MIN((size_t) size.ws_col - 1, (size_t) WIDTH_MAX);
}

static void clear_line(cn_progress *p)
{
    if (p->on_screen)
        fputs("\r\033[K", stderr);
    p->on_screen = false;
}

static void figures(cn_buf *out, const cn_progress_state *s)
{
    double seconds = (double) s->elapsed_ns / 1e9;
    double part = s->bytes_total ? (double) s->bytes_done / (double) s->bytes_total : 0;
    part = part > 1 ? 1 : part;
    cn_buf_printf(out, "%3.0f%%  %.1f of %.1f MB  %" PRIu64 " files  %" PRIu64 " events",
                  part * 100, (double) s->bytes_done / 1e6, (double) s->bytes_total / 1e6, s->files,
                  s->events);
    if (seconds > 0.5)
        cn_buf_printf(out, "  %.0f k/s", (double) s->events / seconds / 1e3);
    if (seconds > 2 && part > 0.02) {
        unsigned left = (unsigned) (seconds * (1 - part) / part);
        cn_buf_printf(out, "  %u:%02u left", left / 60, left % 60);
    }
}

void cn_progress_show(cn_progress *p, const cn_progress_state *s)
{
    uint64_t now = cn_clock_ns();
    if (!p || (p->on_screen && now - p->shown_ns < REDRAW_NS))
        return;
    CN_CLEANUP(cn_buf_free) cn_buf line = cn_buf_of(CN_KIB(4));
    cn_buf_printf(&line, "%s  ", s->image);
    if (s->doing)
        cn_buf_str(&line, s->doing);
    else
        figures(&line, s);
    fprintf(stderr, "\r%.*s\033[K", (int) CN_MIN(line.len, width()), cn_buf_cstr(&line));
    fflush(stderr);
    p->shown_ns = now;
    p->on_screen = true;
}

void cn_progress_warning(cn_progress *p, const cn_warning *w)
{
    static const char *const told[] = {"crash", "hang", "memory", "sandbox"};
    for (size_t i = 0; p && i < CN_LEN(told); i++)
        if (strcmp(w->kind, told[i]) == 0) {
            clear_line(p);
            fprintf(stderr, "cairn: %s%s%s: %s\n", w->volume, *w->volume ? " " : "", w->path,
                    w->text);
        }
}

cn_progress *cn_progress_end(cn_progress *p)
{
    if (p)
        clear_line(p);
    free(p);
    return NULL;
}
