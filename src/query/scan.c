/* The plain scan: the tree over one event, with nothing but the meaning of each leaf. */
#include "query/match.h"

static int record_field(const cn_query_node *leaf, const cn_event *e, cn_err *err)
{
    cn_field_id id = cn_field_by_name(leaf->name);
    for (size_t i = 0; i < e->n_fields; i++) {
        const cn_field *f = &e->fields[i];
        if (f->id != id || (id == CN_F_DYNAMIC && !cn_span_eq(f->name, leaf->name)))
            continue;
        int rc = f->type == CN_INT || f->type == CN_BOOL
                     ? cn_query_matches_number(leaf, f->type, f->num, err)
                     : cn_query_matches_text(leaf, f->text, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int any_text(const cn_query_node *leaf, const cn_spooled *event, cn_err *err)
{
    const cn_event *e = &event->event;
    int rc = cn_query_matches_text(leaf, e->message, err);
    if (rc == 0 && event->origin->path.len)
        rc = cn_query_matches_text(leaf, event->origin->path, err);
    for (size_t i = 0; rc == 0 && i < e->n_fields; i++)
        if (e->fields[i].type == CN_TEXT || e->fields[i].type == CN_ADDR)
            rc = cn_query_matches_text(leaf, e->fields[i].text, err);
    return rc;
}

/* A text that is absent where it is empty. */
static int optional_text(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    return value.len ? cn_query_matches_text(leaf, value, err) : 0;
}

static int leaf_matches(const cn_scan *scan, const cn_query_node *leaf, const cn_spooled *event,
                        cn_err *err)
{
    const cn_event *e = &event->event;
    const cn_origin *o = event->origin;
    char id[CN_EVENT_ID_TEXT];
    switch (leaf->field) {
    case CN_QF_ANY:
        return any_text(leaf, event, err);
    case CN_QF_RECORD:
        return record_field(leaf, e, err);
    case CN_QF_message:
        return cn_query_matches_text(leaf, e->message, err);
    case CN_QF_data_type:
        return optional_text(leaf, cn_span_str(e->data_type), err);
    case CN_QF_timestamp_desc:
        return cn_query_matches_text(leaf, cn_span_str(cn_desc_text(e->desc)), err);
    case CN_QF_path:
        return optional_text(leaf, o->path, err);
    case CN_QF_inode:
        return o->inode ? cn_query_matches_number(leaf, CN_INT, (int64_t) o->inode, err) : 0;
    case CN_QF_volume:
        return optional_text(leaf, o->volume, err);
    case CN_QF_image:
        return optional_text(leaf, o->image, err);
    case CN_QF_stream:
        return optional_text(leaf, o->stream, err);
    case CN_QF_parser:
        return optional_text(leaf, o->parser, err);
    case CN_QF_datetime:
    case CN_QF_timestamp:
        if (leaf->kind == CN_Q_EXISTS)
            return e->has_time;
        if (!e->has_time)
            return leaf->field == CN_QF_timestamp && !leaf->time_empty && leaf->time_first <= 0 &&
                   leaf->time_last >= 0;
        return !leaf->time_empty && leaf->time_first <= e->time_ns && e->time_ns <= leaf->time_last;
    case CN_QF_offset:
        return cn_query_matches_number(leaf, CN_INT, (int64_t) e->offset, err);
    case CN_QF_length:
        return cn_query_matches_number(leaf, CN_INT, (int64_t) e->length, err);
    case CN_QF_event_id:
        cn_event_id_format(event->id, id);
        return cn_query_matches_text(leaf, cn_span_str(id), err);
    case CN_QF_timeline:
    case CN_QF_system:
    case CN_QF_tag:
    case CN_QF_label:
    case CN_QF_starred:
    case CN_QF_comment:
    case CN_QF_COUNT:
        break;
    }
    return scan && scan->other ? scan->other(scan->context, leaf, event, err) : 0;
}

int cn_scan_matches(const cn_scan *scan, const cn_query_node *node, const cn_spooled *event,
                    cn_err *err)
{
    switch (node->kind) {
    case CN_Q_ALL:
        return 1;
    case CN_Q_AND:
    case CN_Q_OR:
        for (size_t i = 0; i < node->n_children; i++) {
            int rc = cn_scan_matches(scan, node->children[i], event, err);
            if (rc < 0 || rc == (node->kind == CN_Q_OR))
                return rc;
        }
        return node->kind == CN_Q_AND;
    case CN_Q_NOT: {
        int rc = cn_scan_matches(scan, node->children[0], event, err);
        return rc < 0 ? rc : !rc;
    }
    default:
        return leaf_matches(scan, node, event, err);
    }
}
