/* What libtsk 4.11 reads and we do not: NTFS, FAT, exFAT, HFS+, ISO 9660, UFS and YAFFS2, as a file
 * system of Cairn. The library is given our byte source as its image and opens nothing itself.
 *
 * It hands out one name at a time with its metadata. An alternate data stream or a second file
 * name of NTFS comes as a name of its own where the library says so. */
#include "fs/fs.h"

#include "base/cur.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <tsk/libtsk.h>

#define PATH_BYTES        CN_KIB(64)
#define WARNINGS_MAX      1000u
#define READ_MAX          CN_MIB(64) /* bytes that are asked of the library at once */
#define NTFS_VOLUME_INODE 3
/* A signature of four bytes and more. The partitions that carry one are seldom anything else. */
#define BITS_SIGNED  30u
#define BITS_FAT     16u
#define BITS_GUESSED 1u

/* What the library calls an image: its own head first, as it is cast to it. */
typedef struct image {
    TSK_IMG_INFO base;
    cn_src *src;
    uint64_t short_reads; /* where the source could not be read */
    uint64_t short_at;
} image;

extern const cn_fs_ops cn_fs_tsk_ops;

typedef struct tsk_fs {
    cn_fs fs;
    image *image;
    TSK_FS_INFO *info;
    TSK_FS_FILE *kept; /* the file whose link target was handed out last */
    bool any_case;     /* names are found whatever their case */
} tsk_fs;

/* --- The image. */

static ssize_t image_read(TSK_IMG_INFO *base, TSK_OFF_T offset, char *out, size_t n)
{
    image *im = (image *) base;
    size_t got = 0;
    if (offset < 0 || n > SSIZE_MAX)
        return -1;
    cn_err err = CN_ERR_INIT;
    if (cn_src_read_some(im->src, (uint64_t) offset, out, n, &got, &err) != CN_OK) {
        /* A fault of the evidence: what could be read is there, zeros stand for the rest. */
        if (im->short_reads++ == 0)
            im->short_at = err.offset;
        return (ssize_t) n;
    }
    return (ssize_t) got;
}

static void image_close(TSK_IMG_INFO *base) { free(base); }

static void image_stat(TSK_IMG_INFO *base, FILE *out)
{
    (void) base;
    (void) out;
}

static image *image_open(cn_src *src)
{
    image *im = calloc(1, sizeof *im);
    if (!im)
        return NULL;
    im->src = src;
    if (!tsk_img_open_external(&im->base, (TSK_OFF_T) src->size, src->sector_size, image_read,
                               image_close, image_stat)) {
        free(im);
        return NULL;
    }
    return im;
}

/* --- Recognising. The library's own detection takes the first that does not refuse. */

static bool stands(cn_src *src, uint64_t offset, cn_span bytes)
{
    uint8_t at[16];
    return bytes.len <= sizeof at && cn_src_read(src, offset, at, bytes.len, NULL) == CN_OK &&
           cn_span_eq(cn_span_of(at, bytes.len), bytes);
}

/* A boot sector of FAT: two jumps, a plausible table and the last two bytes. */
static bool is_fat(cn_src *src)
{
    uint8_t sector[512];
    if (cn_src_read(src, 0, sector, sizeof sector, NULL) != CN_OK)
        return false;
    cn_cur c = cn_cur_of(cn_span_of(sector, sizeof sector), 0);
    uint8_t jump = cn_cur_u8(&c);
    cn_cur_seek(&c, 11);
    uint16_t sector_bytes = cn_cur_le16(&c);
    uint8_t per_cluster = cn_cur_u8(&c);
    uint16_t reserved = cn_cur_le16(&c);
    uint8_t tables = cn_cur_u8(&c);
    cn_cur_seek(&c, 21);
    uint8_t media = cn_cur_u8(&c);
    cn_cur_seek(&c, 510);
    return cn_cur_le16(&c) == 0xAA55 && (jump == 0xEB || jump == 0xE9) &&
           (sector_bytes == 512 || sector_bytes == 1024 || sector_bytes == 2048 ||
            sector_bytes == 4096) &&
           per_cluster && !(per_cluster & (per_cluster - 1)) && reserved &&
           (tables == 1 || tables == 2) && (media == 0xF0 || media >= 0xF8);
}

static bool is_ufs(cn_src *src)
{
    static const uint64_t supers[] = {8192, 65536, 0, 262144};
    static const char *const magics[] = {"\x54\x19\x01\x00", "\x00\x01\x19\x54", "\x19\x01\x54\x19",
                                         "\x19\x54\x01\x19"};
    for (size_t i = 0; i < CN_LEN(supers); i++)
        for (size_t k = 0; k < CN_LEN(magics); k++)
            if (stands(src, supers[i] + 1372, cn_span_of(magics[k], 4)))
                return true;
    return false;
}

static TSK_FS_TYPE_ENUM recognise(cn_src *src, unsigned *bits)
{
    *bits = BITS_SIGNED;
    if (stands(src, 3, CN_SPAN_LIT("NTFS    ")))
        return TSK_FS_TYPE_NTFS;
    if (stands(src, 3, CN_SPAN_LIT("EXFAT   ")))
        return TSK_FS_TYPE_EXFAT;
    if (stands(src, 32769, CN_SPAN_LIT("CD001")))
        return TSK_FS_TYPE_ISO9660;
    if (is_ufs(src))
        return TSK_FS_TYPE_FFS_DETECT;
    if (stands(src, 1024, CN_SPAN_LIT("H+\0\4")) || stands(src, 1024, CN_SPAN_LIT("HX\0\5")) ||
        (stands(src, 1024, CN_SPAN_LIT("BD")) && stands(src, 1148, CN_SPAN_LIT("H+"))))
        return TSK_FS_TYPE_HFS_DETECT;
    *bits = BITS_FAT;
    if (is_fat(src))
        return TSK_FS_TYPE_FAT_DETECT;
    *bits = 0;
    return TSK_FS_TYPE_UNSUPP;
}

static TSK_FS_INFO *info_open(image *im, TSK_FS_TYPE_ENUM type)
{
    tsk_error_reset();
    return tsk_fs_open_img(&im->base, 0, type);
}

/* YAFFS2 has no signature: it is recognised by reading it. It fills flash chips, where each page of
 * 2048 bytes is followed by 64 of its own. */
static bool is_yaffs(cn_src *src)
{
    if (src->size == 0 || src->size % (2048 + 64) != 0 || src->size > CN_GIB(16))
        return false;
    image *im = image_open(src);
    if (!im)
        return false;
    TSK_FS_INFO *info = info_open(im, TSK_FS_TYPE_YAFFS2);
    if (info)
        tsk_fs_close(info);
    tsk_img_close(&im->base);
    return info;
}

static unsigned tsk_probe(cn_src *src)
{
    unsigned bits;
    if (recognise(src, &bits) == TSK_FS_TYPE_UNSUPP)
        return is_yaffs(src) ? BITS_GUESSED : 0;
    return bits;
}

/* --- Metadata. */

static cn_file_type type_of(TSK_FS_META_TYPE_ENUM type)
{
    switch (type) {
    case TSK_FS_META_TYPE_REG:
    case TSK_FS_META_TYPE_VIRT:
        return CN_FILE_REGULAR;
    case TSK_FS_META_TYPE_DIR:
    case TSK_FS_META_TYPE_VIRT_DIR:
        return CN_FILE_DIRECTORY;
    case TSK_FS_META_TYPE_LNK:
        return CN_FILE_LINK;
    case TSK_FS_META_TYPE_CHR:
        return CN_FILE_CHAR;
    case TSK_FS_META_TYPE_BLK:
        return CN_FILE_BLOCK;
    case TSK_FS_META_TYPE_FIFO:
        return CN_FILE_FIFO;
    case TSK_FS_META_TYPE_SOCK:
        return CN_FILE_SOCKET;
    default:
        return CN_FILE_OTHER;
    }
}

static cn_file_type type_of_name(TSK_FS_NAME_TYPE_ENUM type)
{
    switch (type) {
    case TSK_FS_NAME_TYPE_REG:
    case TSK_FS_NAME_TYPE_VIRT:
        return CN_FILE_REGULAR;
    case TSK_FS_NAME_TYPE_DIR:
    case TSK_FS_NAME_TYPE_VIRT_DIR:
        return CN_FILE_DIRECTORY;
    case TSK_FS_NAME_TYPE_LNK:
        return CN_FILE_LINK;
    default:
        return CN_FILE_OTHER;
    }
}

static uint32_t mode_of(cn_file_type type, uint32_t permissions)
{
    static const uint32_t bits[] = {S_IFREG, S_IFDIR, S_IFLNK,  S_IFBLK,
                                    S_IFCHR, S_IFIFO, S_IFSOCK, 0};
    return bits[type] | (permissions & 07777);
}

/* The library gives 0 where there is no time. */
static void put_time(cn_file_meta *m, enum cn_file_time which, time_t s, uint32_t ns)
{
    if (s == 0 && ns == 0)
        return;
    if (cn_time_from_unix(s, CN_MIN(ns, 999999999u), &m->time_ns[which]))
        m->has_time[which] = true;
    else
        m->odd_time_s[which] = s;
}

static void put_meta(const TSK_FS_META *meta, cn_file_meta *out)
{
    *out = (cn_file_meta){.inode = meta->addr,
                          .inode_offset = CN_NO_OFFSET,
                          .type = type_of(meta->type),
                          .uid = meta->uid,
                          .gid = meta->gid,
                          .links = meta->nlink > 0 ? (uint32_t) meta->nlink : 0,
                          .size = meta->size > 0 ? (uint64_t) meta->size : 0,
                          .deleted = !(meta->flags & TSK_FS_META_FLAG_ALLOC)};
    out->mode = mode_of(out->type, (uint32_t) meta->mode);
    put_time(out, CN_FT_M, meta->mtime, meta->mtime_nano);
    put_time(out, CN_FT_A, meta->atime, meta->atime_nano);
    put_time(out, CN_FT_C, meta->ctime, meta->ctime_nano);
    put_time(out, CN_FT_B, meta->crtime, meta->crtime_nano);
    if (meta->link && out->type == CN_FILE_LINK)
        out->link_target = cn_span_str(meta->link);
}

/* --- The walk. */

typedef struct walk {
    tsk_fs *t;
    const cn_fs_visit *visit;
    cn_buf path;
    int rc;
    uint64_t warnings;
} walk;

static void warn(walk *w, int code, uint64_t inode, const char *text)
{
    cn_fs_warning warning = {code, CN_NO_OFFSET, inode, text};
    if (w->visit->warning && w->warnings++ < WARNINGS_MAX)
        w->visit->warning(w->visit->context, &warning);
}

/* Only damage that the library noticed and went on from is left in its error state. */
static void tell_library(walk *w, uint64_t inode)
{
    const char *text = tsk_error_get();
    if (text)
        warn(w, CN_E_CORRUPT, inode, text);
    tsk_error_reset();
}

static TSK_WALK_RET_ENUM on_file(TSK_FS_FILE *file, const char *dir, void *context)
{
    walk *w = context;
    const TSK_FS_NAME *name = file->name;
    if (!name || !name->name || TSK_FS_ISDOT(name->name))
        return TSK_WALK_CONT;
    cn_buf_clear(&w->path);
    cn_buf_char(&w->path, '/');
    cn_buf_str(&w->path, dir);
    cn_buf_str(&w->path, name->name);
    if (w->path.failed) {
        warn(w, CN_E_LIMIT, name->meta_addr, "a path grows too long");
        return TSK_WALK_CONT;
    }
    cn_file_meta meta = {
        .inode = name->meta_addr, .inode_offset = CN_NO_OFFSET, .type = type_of_name(name->type)};
    bool gone = name->flags & TSK_FS_NAME_FLAG_UNALLOC;
    /* A deleted name whose inode belongs to another by now says nothing of that one. */
    if (file->meta && !(gone && (file->meta->flags & TSK_FS_META_FLAG_ALLOC)))
        put_meta(file->meta, &meta);
    meta.deleted = meta.deleted || gone;
    meta.orphan = w->path.p && cn_span_starts(cn_buf_span(&w->path), "/$OrphanFiles/");
    cn_fs_entry entry = {cn_buf_span(&w->path), &meta};
    /* The folder of orphans is the library's own. */
    if (file->meta && file->meta->addr == TSK_FS_ORPHANDIR_INUM(w->t->info))
        return TSK_WALK_CONT;
    w->rc = w->visit->entry(w->visit->context, &entry);
    return w->rc == CN_OK ? TSK_WALK_CONT : TSK_WALK_STOP;
}

static int tell_root(walk *w)
{
    tsk_fs *t = w->t;
    TSK_FS_FILE *root = tsk_fs_file_open_meta(t->info, NULL, t->info->root_inum);
    cn_file_meta meta = {
        .inode = t->info->root_inum, .inode_offset = CN_NO_OFFSET, .type = CN_FILE_DIRECTORY};
    if (root && root->meta)
        put_meta(root->meta, &meta);
    cn_fs_entry entry = {CN_SPAN_LIT("/"), &meta};
    int rc = w->visit->entry(w->visit->context, &entry);
    if (root)
        tsk_fs_file_close(root);
    return rc;
}

static int tsk_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    (void) err;
    tsk_fs *t = (tsk_fs *) fs;
    walk w = {.t = t, .visit = visit, .path = cn_buf_of(PATH_BYTES)};
    t->image->short_reads = 0;
    w.rc = tell_root(&w);
    tsk_error_reset();
    if (w.rc == CN_OK) {
        const int flags = TSK_FS_DIR_WALK_FLAG_ALLOC | TSK_FS_DIR_WALK_FLAG_UNALLOC |
                          TSK_FS_DIR_WALK_FLAG_RECURSE;
        uint8_t failed = tsk_fs_dir_walk(t->info, t->info->root_inum,
                                         (TSK_FS_DIR_WALK_FLAG_ENUM) flags, on_file, &w);
        if (failed || tsk_error_get_errno())
            tell_library(&w, t->info->root_inum);
    }
    if (t->image->short_reads)
        warn(&w, CN_E_TRUNCATED, 0, "parts of the image could not be read");
    cn_buf_free(&w.path);
    return w.rc;
}

/* --- Files. */

typedef struct tsk_content {
    cn_src base;
    TSK_FS_FILE *file;
} tsk_content;

static int content_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const tsk_content *c = (const tsk_content *) src;
    size_t done = 0;
    while (done < n) {
        size_t step = (size_t) CN_MIN((uint64_t) (n - done), READ_MAX);
        tsk_error_reset();
        ssize_t got = tsk_fs_file_read(c->file, (TSK_OFF_T) (offset + done), (char *) out + done,
                                       step, TSK_FS_FILE_READ_FLAG_NONE);
        if (got <= 0) {
            const char *text = tsk_error_get();
            memset((char *) out + done, 0, n - done);
            return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "%s",
                           text ? text : "the file's content ends early");
        }
        done += CN_MIN((size_t) got, step);
    }
    return CN_OK;
}

static void content_close(cn_src *src)
{
    tsk_content *c = (tsk_content *) src;
    tsk_fs_file_close(c->file);
    free(c);
}

static const cn_src_ops content_ops = {.read = content_read, .close = content_close};

static int file_of(tsk_fs *t, uint64_t inode, TSK_FS_FILE **out, cn_err *err)
{
    tsk_error_reset();
    TSK_FS_FILE *file = tsk_fs_file_open_meta(t->info, NULL, inode);
    if (file && file->meta)
        return *out = file, CN_OK;
    if (file)
        tsk_fs_file_close(file);
    return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no inode %llu",
                   (unsigned long long) inode);
}

static int tsk_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    TSK_FS_FILE *file = NULL;
    int rc = file_of((tsk_fs *) fs, inode, &file, err);
    if (rc != CN_OK)
        return rc;
    tsk_content *c = calloc(1, sizeof *c);
    if (!c) {
        tsk_fs_file_close(file);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file");
    }
    /* The default stream can be longer or shorter than what the metadata say. */
    const TSK_FS_ATTR *stream = tsk_fs_file_attr_get(file);
    TSK_OFF_T size = stream ? stream->size : 0;
    c->base = (cn_src){&content_ops, size > 0 ? (uint64_t) size : 0, 512, "file"};
    c->file = file;
    *out = &c->base;
    return CN_OK;
}

static int tsk_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    tsk_fs *t = (tsk_fs *) fs;
    if (t->kept)
        tsk_fs_file_close(t->kept);
    t->kept = NULL;
    int rc = file_of(t, inode, &t->kept, err);
    if (rc == CN_OK)
        put_meta(t->kept->meta, out);
    return rc;
}

static bool same_name(cn_span a, cn_span b, bool any_case)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; any_case && i < a.len; i++)
        if (cn_lower(a.p[i]) != cn_lower(b.p[i]))
            return false;
    return any_case || cn_span_eq(a, b);
}

/* A name of a directory: as it is written, else whatever its case where the file system finds it
 * so.
 */
static int find_name(tsk_fs *t, uint64_t inode, cn_span part, uint64_t *out, cn_err *err)
{
    tsk_error_reset();
    TSK_FS_DIR *dir = tsk_fs_dir_open_meta(t->info, inode);
    bool found = false;
    for (int pass = 0; dir && !found && pass <= (t->any_case ? 1 : 0); pass++)
        for (size_t i = 0; !found && i < tsk_fs_dir_getsize(dir); i++) {
            const TSK_FS_NAME *name = tsk_fs_dir_get_name(dir, i);
            if (!name || !name->name || (name->flags & TSK_FS_NAME_FLAG_UNALLOC) ||
                !same_name(cn_span_str(name->name), part, pass == 1))
                continue;
            *out = name->meta_addr;
            found = true;
        }
    if (dir)
        tsk_fs_dir_close(dir);
    return found ? CN_OK : cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "no such name");
}

static int tsk_lookup(cn_fs *fs, cn_span path, uint64_t *out_inode, cn_err *err)
{
    tsk_fs *t = (tsk_fs *) fs;
    uint64_t inode = t->info->root_inum;
    while (path.len) {
        cn_span part = cn_text_until(&path, '/');
        int rc = part.len ? find_name(t, inode, part, &inode, err) : CN_OK;
        if (rc != CN_OK)
            return rc;
    }
    *out_inode = inode;
    return CN_OK;
}

static int tsk_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err)
{
    tsk_fs *t = (tsk_fs *) fs;
    tsk_error_reset();
    TSK_FS_DIR *dir = tsk_fs_dir_open_meta(t->info, directory);
    if (!dir)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "inode %llu is no directory",
                       (unsigned long long) directory);
    int rc = CN_OK;
    for (size_t i = 0; rc == CN_OK && i < tsk_fs_dir_getsize(dir); i++) {
        const TSK_FS_NAME *one = tsk_fs_dir_get_name(dir, i);
        if (one && one->name && !TSK_FS_ISDOT(one->name) && (one->flags & TSK_FS_NAME_FLAG_ALLOC))
            rc = name(context, cn_span_str(one->name), one->meta_addr);
    }
    tsk_fs_dir_close(dir);
    return rc;
}

/* --- Opening. */

static void tsk_close(cn_fs *fs)
{
    tsk_fs *t = (tsk_fs *) fs;
    if (t->kept)
        tsk_fs_file_close(t->kept);
    if (t->info)
        tsk_fs_close(t->info);
    if (t->image)
        tsk_img_close(&t->image->base);
    free(t);
}

static const struct {
    TSK_FS_TYPE_ENUM type;
    const char *name;
    bool any_case;
} kinds[] = {
    {TSK_FS_TYPE_NTFS, "ntfs", true},      {TSK_FS_TYPE_FAT12, "fat12", true},
    {TSK_FS_TYPE_FAT16, "fat16", true},    {TSK_FS_TYPE_FAT32, "fat32", true},
    {TSK_FS_TYPE_EXFAT, "exfat", true},    {TSK_FS_TYPE_ISO9660, "iso9660", false},
    {TSK_FS_TYPE_HFS, "hfs+", true},       {TSK_FS_TYPE_FFS1, "ufs1", false},
    {TSK_FS_TYPE_FFS1B, "ufs1", false},    {TSK_FS_TYPE_FFS2, "ufs2", false},
    {TSK_FS_TYPE_YAFFS2, "yaffs2", false},
};

static void put_utf16(cn_buf *out, cn_span s)
{
    cn_cur c = cn_cur_of(s, 0);
    while (cn_cur_left(&c) >= 2) {
        uint32_t u = cn_cur_le16(&c);
        cn_cur peek = c;
        uint32_t low = cn_cur_le16(&peek);
        if (u >= 0xD800 && u < 0xDC00 && !peek.fail && low >= 0xDC00 && low < 0xE000) {
            u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
            c = peek;
        }
        uint8_t b[4];
        size_t n = u < 0x80 ? 1 : u < 0x800 ? 2 : u < 0x10000 ? 3 : 4;
        static const uint8_t lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
        for (size_t i = n - 1; i > 0; i--, u >>= 6)
            b[i] = (uint8_t) (0x80 | (u & 0x3F));
        b[0] = (uint8_t) (lead[n] | u);
        cn_text_put_utf8(out, cn_span_of(b, n));
    }
}

/* Of FAT and exFAT the library makes the label a name of the root; NTFS keeps it in an attribute of
 * inode 3, in UTF-16. */
static void put_label(tsk_fs *t)
{
    const char mark[] = " (Volume Label Entry)";
    CN_CLEANUP(cn_buf_free) cn_buf label = cn_buf_of(sizeof t->fs.label - 1);
    if (t->info->ftype == TSK_FS_TYPE_NTFS) {
        TSK_FS_FILE *volume = tsk_fs_file_open_meta(t->info, NULL, NTFS_VOLUME_INODE);
        const TSK_FS_ATTR *name =
            volume ? tsk_fs_file_attr_get_type(volume, TSK_FS_ATTR_TYPE_NTFS_VNAME, 0, 0) : NULL;
        if (name && (name->flags & TSK_FS_ATTR_RES) && name->rd.buf && name->size > 0)
            put_utf16(&label,
                      cn_span_of(name->rd.buf, CN_MIN((size_t) name->size, name->rd.buf_size)));
        if (volume)
            tsk_fs_file_close(volume);
    } else if (t->info->ftype & TSK_FS_TYPE_FAT_DETECT) {
        TSK_FS_DIR *root = tsk_fs_dir_open_meta(t->info, t->info->root_inum);
        for (size_t i = 0; root && i < tsk_fs_dir_getsize(root) && !label.len; i++) {
            const TSK_FS_NAME *name = tsk_fs_dir_get_name(root, i);
            cn_span s = cn_span_str(name ? name->name : NULL);
            if (s.p && cn_span_ends(s, mark) && (name->flags & TSK_FS_NAME_FLAG_ALLOC))
                cn_text_put_utf8(&label, cn_text_trim(cn_span_sub(s, 0, s.len - strlen(mark))));
        }
        if (root)
            tsk_fs_dir_close(root);
    }
    (void) snprintf(t->fs.label, sizeof t->fs.label, "%s", cn_buf_cstr(&label));
    tsk_error_reset();
}

static void describe(tsk_fs *t)
{
    const TSK_FS_INFO *info = t->info;
    (void) snprintf(t->fs.type, sizeof t->fs.type, "tsk");
    for (size_t i = 0; i < CN_LEN(kinds); i++)
        if (kinds[i].type == info->ftype) {
            (void) snprintf(t->fs.type, sizeof t->fs.type, "%s", kinds[i].name);
            t->any_case = kinds[i].any_case;
        }
    t->fs.block_size = info->block_size;
    if (!cn_mul(info->block_count, info->block_size, &t->fs.size))
        t->fs.size = t->fs.src->size;
    CN_CLEANUP(cn_buf_free) cn_buf id = cn_buf_of(sizeof t->fs.uuid - 1);
    /* The serial number is kept in the order of the disk; it is written from its high end. */
    for (size_t i = CN_MIN(info->fs_id_used, (size_t) TSK_FS_INFO_FS_ID_LEN); i-- > 0;)
        cn_text_put_hex(&id, cn_span_of(&info->fs_id[i], 1));
    (void) snprintf(t->fs.uuid, sizeof t->fs.uuid, "%s", cn_buf_cstr(&id));
    put_label(t);
}

static int tsk_open(cn_src *src, cn_fs **out, cn_err *err)
{
    unsigned bits;
    TSK_FS_TYPE_ENUM type = recognise(src, &bits);
    tsk_fs *t = calloc(1, sizeof *t);
    if (!t)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file system");
    t->fs = (cn_fs){.ops = &cn_fs_tsk_ops, .src = src};
    t->image = image_open(src);
    if (t->image)
        t->info = info_open(t->image, type == TSK_FS_TYPE_UNSUPP ? TSK_FS_TYPE_YAFFS2 : type);
    if (!t->info) {
        const char *text = tsk_error_get();
        tsk_close(&t->fs);
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "%s",
                       text ? text : "the file system cannot be read");
    }
    describe(t);
    *out = &t->fs;
    return CN_OK;
}

const cn_fs_ops cn_fs_tsk_ops = {
    .name = "tsk",
    .probe = tsk_probe,
    .open = tsk_open,
    .walk = tsk_walk,
    .open_file = tsk_open_file,
    .stat = tsk_stat,
    .lookup = tsk_lookup,
    .list = tsk_list,
    .close = tsk_close,
};
