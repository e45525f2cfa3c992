#include "event/event.h"

#include "base/hash.h"

#include <assert.h>
#include <stdio.h>

#define CN_FIELD(field, kind, meaning) [CN_F_##field] = {#field, CN_##kind, meaning},
const cn_field_info cn_vocabulary[CN_F_COUNT] = {
#include "event/vocabulary.def"
};
#undef CN_FIELD

cn_field_id cn_field_by_name(cn_span name)
{
    for (cn_field_id id = CN_F_DYNAMIC + 1; id < CN_F_COUNT; id++)
        if (cn_span_is(name, cn_vocabulary[id].name))
            return id;
    return CN_F_DYNAMIC;
}

const char *cn_desc_text(cn_desc desc)
{
    static const char *const texts[] = {
#define CN_DESC_TEXT(id, text) text,
        CN_DESCS(CN_DESC_TEXT)
#undef CN_DESC_TEXT
    };
    static_assert(CN_LEN(texts) == CN_DESC_COUNT, "one text per description");
    return desc < CN_DESC_COUNT ? texts[desc] : "Not a time";
}

uint64_t cn_origin_key(const cn_origin *origin)
{
    const cn_span parts[] = {origin->volume, origin->path, origin->stream, origin->parser};
    uint64_t key = cn_hash64(cn_span_of(&origin->image_id, sizeof origin->image_id));
    key = cn_hash64_seed(cn_span_of(&origin->inode, sizeof origin->inode), key);
    for (size_t i = 0; i < CN_LEN(parts); i++)
        key = cn_hash64_seed(parts[i], key);
    return key;
}

void cn_event_id_format(cn_event_id id, char out[CN_EVENT_ID_TEXT])
{
    snprintf(out, CN_EVENT_ID_TEXT, "%016llx%016llx%08x", (unsigned long long) id.origin_key,
             (unsigned long long) id.offset, id.ordinal);
}

static bool hex(cn_span s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        unsigned digit = c >= '0' && c <= '9' ? c - 48u : c >= 'a' && c <= 'f' ? c - 87u : 16;
        if (digit > 15)
            return false;
        v = v << 4 | digit;
    }
    *out = v;
    return true;
}

bool cn_event_id_parse(cn_span text, cn_event_id *out)
{
    uint64_t key, offset, ordinal;
    if (text.len != CN_EVENT_ID_TEXT - 1 || !hex(cn_span_sub(text, 0, 16), &key) ||
        !hex(cn_span_sub(text, 16, 16), &offset) || !hex(cn_span_sub(text, 32, 8), &ordinal))
        return false;
    *out = (cn_event_id){key, offset, (uint32_t) ordinal};
    return true;
}
