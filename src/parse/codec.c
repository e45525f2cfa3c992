#include "parse/codec.h"

const cn_codec_ops *cn_codec_find(cn_span head)
{
    static const cn_codec_ops *const all[] = {&cn_codec_gzip, &cn_codec_bzip2, &cn_codec_xz,
                                              &cn_codec_zstd};
    for (size_t i = 0; i < CN_LEN(all); i++)
        if (all[i]->begins(head))
            return all[i];
    return NULL;
}
