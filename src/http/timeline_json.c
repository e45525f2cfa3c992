#include "http/timeline_json.h"

#include "base/timestamp.h"

void cn_json_put_time(cn_json_out *json, const char *name, int64_t time_ns)
{
    cn_json_key(json, name);
    cn_json_next(json);
    cn_buf_char(json->buf, '"');
    cn_time_format(json->buf, time_ns, time_ns % CN_NS_PER_US ? 9 : 6);
    cn_buf_char(json->buf, '"');
}

static void put_progress(cn_json_out *j, const cn_timeline *t)
{
    cn_json_begin(j, "progress", '{');
    int64_t seconds = (cn_time_now() - t->started_ns) / CN_NS_PER_S;
    cn_json_put_u64(j, "events", t->events);
    if (seconds > 0)
        cn_json_put_u64(j, "events_per_second", t->events / (uint64_t) seconds);
    if (t->bytes_total) {
        cn_json_put_u64(j, "bytes", t->bytes_done);
        cn_json_put_u64(j, "bytes_total", t->bytes_total);
    }
    if (t->files_total) {
        cn_json_put_u64(j, "files", t->files_done);
        cn_json_put_u64(j, "files_total", t->files_total);
    }
    if (t->bytes_done && seconds > 0 && t->bytes_total >= t->bytes_done)
        cn_json_put_int(j, "seconds_left",
                        (int64_t) ((double) (t->bytes_total - t->bytes_done) * (double) seconds /
                                   (double) t->bytes_done));
    cn_json_close(j, '}');
}

typedef struct unreadable_out {
    cn_json_out *json;
    int64_t timeline;
    size_t n;
} unreadable_out;

static void put_unreadable(void *context, int64_t timeline, const char *text)
{
    unreadable_out *u = context;
    if (timeline != u->timeline)
        return;
    if (u->n++ == 0)
        cn_json_begin(u->json, "unreadable", '[');
    cn_json_text(u->json, cn_span_str(text));
}

static void put_facts(cn_json_out *j, const cn_fact *facts, size_t n)
{
    cn_json_begin(j, "facts", '[');
    for (size_t i = 0; i < n; i++) {
        cn_json_open(j, '{');
        cn_json_put_str(j, "name", facts[i].name);
        cn_json_put_str(j, "value", facts[i].value);
        cn_json_put_set(j, "source", facts[i].path);
        cn_json_close(j, '}');
    }
    cn_json_close(j, ']');
}

static void put_members(cn_json_out *json, const cn_timeline *t)
{
    cn_json_put_int(json, "id", t->id);
    cn_json_put_str(json, "name", t->name);
    cn_json_put_str(json, "status", cn_timeline_status_name(t->status));
    cn_json_put_bool(json, "visible", t->visible);
    cn_json_put_int(json, "colour", t->id - 1);
    cn_json_begin(json, "images", '[');
    cn_json_text(json, cn_span_str(t->image));
    cn_json_close(json, ']');
    cn_json_put_u64(json, "events", t->events);
    cn_json_put_u64(json, "segments", t->segments);
    cn_json_put_u64(json, "bytes", t->bytes);
    cn_json_put_u64(json, "warnings", t->warnings);
    if (t->has_times) {
        cn_json_put_time(json, "first", t->first_ns);
        cn_json_put_time(json, "last", t->last_ns);
    }
    cn_json_put_time(json, "created", t->started_ns);
    if (t->has_finished)
        cn_json_put_time(json, "finished", t->finished_ns);
    cn_json_put_set(json, "source", t->source);
    cn_json_put_set(json, "sha256", t->sha256);
    cn_json_put_set(json, "options", t->options);
    cn_json_put_set(json, "case", t->case_name);
    cn_json_put_set(json, "system", t->system_name);
    cn_json_put_set(json, "error", t->error);
    if (t->status == CN_TIMELINE_MAKING)
        put_progress(json, t);
}

static void put_damage(cn_json_out *json, const cn_timeline *t, cn_library *library)
{
    unreadable_out u = {json, t->id, 0};
    if (library)
        cn_library_unreadable(library, put_unreadable, &u);
    if (u.n)
        cn_json_close(json, ']');
}

void cn_timeline_put_brief(cn_json_out *json, const cn_timeline *timeline, const char *hostname,
                           cn_library *library)
{
    cn_json_open(json, '{');
    put_members(json, timeline);
    cn_json_put_set(json, "hostname", hostname);
    put_damage(json, timeline, library);
    cn_json_close(json, '}');
}

void cn_timeline_put(cn_json_out *json, const cn_timeline *timeline, const cn_fact *facts,
                     size_t n_facts, cn_library *library)
{
    cn_json_open(json, '{');
    put_members(json, timeline);
    for (size_t i = 0; i < n_facts; i++) {
        if (strcmp(facts[i].name, "hostname") != 0)
            continue;
        cn_json_put_str(json, "hostname", facts[i].value);
        break;
    }
    put_facts(json, facts, n_facts);
    put_damage(json, timeline, library);
    cn_json_close(json, '}');
}
