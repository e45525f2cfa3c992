"""ext2, ext3 and ext4 in all their features, compared name by name with the kernel's own reading of the same image:
file list, times to the nanosecond, sizes, owners, targets, devices, attributes, and SHA-256 of all contents."""
import os
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from trees import can_mount, compare, fill, listing, make_image, mounted, need, run, truth  # noqa: E402

# name: size, mke2fs options, what the kernel need not be able to mount
CASES = {
    "ext4": ("96M", ["-t", "ext4"]),
    "ext4-1k-128": ("96M", ["-t", "ext4", "-b", "1024", "-I", "128"]),
    "ext4-2k": ("96M", ["-t", "ext4", "-b", "2048"]),
    "ext4-inode-1k": ("96M", ["-t", "ext4", "-I", "1024"]),
    "ext2-1k": ("400M", ["-t", "ext2", "-b", "1024"]),
    "ext2-4k": ("96M", ["-t", "ext2", "-b", "4096", "-I", "128"]),
    "ext3": ("96M", ["-t", "ext3", "-b", "1024"]),
    "ext2-rev0": ("96M", ["-t", "ext2", "-r", "0", "-O", "none"]),
    "inline-data": ("96M", ["-t", "ext4", "-O", "inline_data"]),
    "inline-data-inode-1k": ("96M", ["-t", "ext4", "-O", "inline_data", "-I", "1024"]),
    "bigalloc": ("256M", ["-t", "ext4", "-O", "bigalloc", "-C", "65536"]),
    "bigalloc-1k": ("256M", ["-t", "ext4", "-O", "bigalloc", "-b", "1024", "-C", "16384"]),
    "meta-bg": ("256M", ["-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode"]),
    "meta-bg-32": ("256M", ["-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode,^64bit"]),
    "uninit-bg": ("256M", ["-t", "ext4", "-O", "uninit_bg,^metadata_csum"]),
    "no-checksums": ("96M", ["-t", "ext4", "-O", "^uninit_bg,^metadata_csum,^64bit"]),
    "csum-seed": ("96M", ["-t", "ext4", "-O", "metadata_csum,metadata_csum_seed"]),
    "sparse-super2": ("256M", ["-t", "ext4", "-b", "1024", "-O", "sparse_super2,^resize_inode"]),
    "no-sparse-super": ("96M", ["-t", "ext4", "-b", "1024", "-O", "^sparse_super,^resize_inode"]),
    "flex-bg": ("256M", ["-t", "ext4", "-b", "1024", "-G", "64"]),
    "no-flex-bg": ("256M", ["-t", "ext4", "-b", "1024", "-O", "^flex_bg"]),
    "ea-inode": ("96M", ["-t", "ext4", "-O", "ea_inode"]),
    "large-dir": ("96M", ["-t", "ext4", "-O", "large_dir", "-b", "1024"]),
    "quota-project": ("96M", ["-t", "ext4", "-O", "quota,project"]),
    "orphan-file": ("96M", ["-t", "ext4", "-O", "orphan_file"]),
    "encrypt-casefold-verity": ("96M", ["-t", "ext4", "-O", "encrypt,casefold,verity"]),
    "no-filetype": ("96M", ["-t", "ext2", "-O", "^filetype"]),
    "blocks-64k": ("512M", ["-t", "ext4", "-b", "65536"]),
    "blocks-64k-no-checksums": ("512M", ["-t", "ext4", "-b", "65536", "-O", "^metadata_csum"]),
    "external-journal-feature": ("96M", ["-t", "ext4", "-O", "fast_commit"]),
    "no-journal": ("96M", ["-t", "ext4", "-O", "^has_journal"]),
}
THREE_LEVELS = 70_000_000  # beyond two levels of 1 KiB blocks


def populate(top, name):
    # Attributes of ea_inode need not be small; times before 1970 and after 2038 need large inodes.
    fill(top, many=10_000 if name in ("ext4", "ext3", "large-dir") else 1500)
    if name.startswith("ext2-1k"):
        with open(top / "three-levels", "wb") as f:
            f.write(b"start")
            for at in (300_000, THREE_LEVELS, THREE_LEVELS + 1_000_000, 300_000_000):
                f.seek(at)
                f.write(b"at %d" % at)
    if name == "ea-inode":
        os.setxattr(top / "attributes", "user.huge", b"h" * 20_000)
    # The rest of what a directory goes through: names that come and go.
    for i in range(0, 1500, 3):
        next((top / "crowd").glob(f"file-{i:05}-*")).unlink()


def made_by_kernel(name, image, size, options):
    make_image(image, size, *options)
    with mounted(image, "rw") as top:
        populate(top, name)
    with mounted(image, "ro") as top:
        return truth(top)


def made_by_mke2fs(name, image, size, options, work):
    """For what this kernel cannot mount: what mke2fs copies of a tree, which is less."""
    tree = work / "tree"
    tree.mkdir()
    (tree / "lost+found").mkdir(mode=0o700)
    fill(tree, far_times=False, attributes=False)  # its times have 32 bits
    make_image(image, size, *options, "-d", tree)
    rows = truth(tree)
    for path, row in rows.items():
        row["m"] -= row["m"] % 10**9
        for key in ("a", "c", "b", "inode", *(["size", "links"] if row["type"] == "dir" else [])):
            row.pop(key, None)
        row.pop("xattrs", None)
        # mke2fs gives the root and the folder of lost files their own rights.
        if path in (b"/", b"/lost+found"):
            del row["mode"], row["m"]
    shutil.rmtree(tree)
    return rows


def one(name, work):
    size, options = CASES[name]
    image = work / f"{name}.raw"
    how = "kernel"
    try:
        rows = made_by_kernel(name, image, size, options)
    except RuntimeError:
        how = "mke2fs"
        try:
            rows = made_by_mke2fs(name, image, size, options, work)
        except RuntimeError as e:
            return [f"note: left out: {str(e)[-160:]}"]
    head, entries, warnings, contents, _ = listing(image, "--contents")
    if how == "mke2fs":
        for e in entries:
            e["m"] = e.get("m", 0) // 10**9 * 10**9
            if e["path"] in rows:
                rows[e["path"]]["inode"] = e["inode"]
    wrong = compare(rows, entries, contents)
    wrong += [f"warning: {w}" for w in warnings]
    print(f"{name}: {head['fs']} by {how}, {len(rows)} names, {sum(1 for e in entries if e.get('deleted'))} deleted ones, "
          f"{len(wrong)} differ", flush=True)
    image.unlink()
    return wrong


def main():
    need("mke2fs", "mount", "find", root=True)
    if not can_mount():
        print("skipped: images cannot be mounted here")
        return 77
    wrong, left_out = [], []
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAIRN_TEST_DIR")) as d:
        for name in sys.argv[1:] or CASES:
            lines = one(name, Path(d))
            left_out += [f"{name}: {x}" for x in lines if x.startswith("note")]
            wrong += [f"{name}: {x}" for x in lines if not x.startswith("note")]
    print("\n".join(left_out + wrong[:60]))
    # One or two features may be unknown to this kernel or mke2fs; more would be a test that tests nothing.
    return 1 if wrong or len(left_out) > 4 else 0


if __name__ == "__main__":
    sys.exit(main())
