#!/usr/bin/env python3
"""XFS against independent readers: the kernel's, over mounted images of each variant; and for version 4, which kernels no
longer mount, the tree that mkfs.xfs was given."""
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

LIST = Path(os.environ["CAIRN_BUILD"]) / "tests/fs_list"
VARIANTS = {
    "default": [],
    "1k-blocks": ["-b", "size=1024"],
    "64k-directory-blocks": ["-n", "size=65536"],
    "2k-inodes-sparse": ["-i", "size=2048,sparse=1"],
    "no-bigtime": ["-m", "bigtime=0"],
    "wide-extent-counts": ["-i", "nrext64=1"],
    "no-reflink-no-rmap": ["-m", "reflink=0,rmapbt=0"],
}
V4 = {
    "v4": ["-m", "crc=0,finobt=0"],
    "v4-512-blocks": ["-m", "crc=0,finobt=0", "-b", "size=512", "-n", "size=4096"],
    "v4-256-inodes": ["-m", "crc=0,finobt=0", "-n", "size=8192", "-i", "size=256"],
}


def run(*argv):
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True)


def listing(image):
    out = run(LIST, "--contents", image).stdout.decode()
    rows = [json.loads(line) for line in out.splitlines()]
    names = {r["path"].encode("latin-1"): r for r in rows if "path" in r}
    sums = {r["content"]: r["sha256"] for r in rows if "content" in r}
    warnings = [r for r in rows if "warning" in r]
    return names, sums, warnings


def fill(root):
    """What the variants differ in: directories of each form, fragmented and sparse files, long links, many attributes."""
    rnd = random.Random(3)
    root = os.fsencode(root)
    for folder, n in ((b"/big", 9000), (b"/mid", 60), (b"/small", 3)):
        os.mkdir(root + folder)
        for i in range(n):
            with open(root + folder + b"/file-%05d-%s" % (i, b"x" * rnd.randrange(60)), "w") as f:
                f.write("y" * (i % 50))
    for name in sorted(os.listdir(root + b"/big"))[::3]:
        os.unlink(root + b"/big/" + name)
    for name in (b"new\nline", b"not\xff\xfeutf8", b"n" * 255):
        with open(root + b"/small/" + name, "w") as f:
            f.write("q")
    os.symlink(b"short", root + b"/small/link")
    os.symlink(b"/" + b"l" * 900, root + b"/small/longlink")
    os.link(root + b"/small/new\nline", root + b"/hard")
    os.mknod(root + b"/block", 0o60600, os.makedev(8, 17))
    os.mknod(root + b"/char", 0o20600, os.makedev(250, 70000))
    os.mkfifo(root + b"/fifo")
    with open(root + b"/sparse", "wb") as f:
        f.seek(50 << 20)
        f.write(b"end")
        f.truncate(90 << 20)
    with open(root + b"/fragmented", "wb") as f:
        for i in range(3000):
            f.seek(i * 4 * 4096)
            f.write(bytes([i & 255]) * 4096)
    run("cp", "--reflink=auto", os.fsdecode(root + b"/fragmented"), os.fsdecode(root + b"/reflinked"))
    run("fallocate", "-l", "10M", os.fsdecode(root + b"/unwritten"))
    for i in range(60):
        os.setxattr(root + b"/hard", b"user.name%d" % i, b"v" * rnd.randrange(1, 90))
    os.setxattr(root + b"/hard", b"user.large", b"V" * 3000)
    os.setxattr(root + b"/hard", b"trusted.t", b"1")
    os.setxattr(root + b"/fifo", b"security.s", b"1")
    os.utime(root + b"/block", ns=(-(10**18), 2**31 * 10**9 - 5))
    os.utime(root + b"/char", ns=(1, 999999999))
    deep = root
    for _ in range(120):
        deep += b"/d"
        os.mkdir(deep)


def compare_with_mount(image, mount):
    names, sums, warnings = listing(image)
    assert not warnings, warnings[:3]
    top, seen = os.fsencode(mount), set()
    paths = [top] + [os.path.join(d, n) for d, ds, fs in os.walk(top) for n in ds + fs]
    for path in paths:
        s, ours = os.lstat(path), names.get(path[len(top) :] or b"/")
        assert ours, f"{path!r} is missing"
        seen.add(path[len(top) :] or b"/")
        want = dict(inode=s.st_ino, mode=s.st_mode, uid=s.st_uid, gid=s.st_gid, links=s.st_nlink, size=s.st_size)
        want.update(m=s.st_mtime_ns, a=s.st_atime_ns, c=s.st_ctime_ns)
        got = {k: ours.get(k) for k in want}
        assert got == want, f"{path!r}: {got} is not {want}"
        if stat.S_ISLNK(s.st_mode):
            assert ours["target"].encode("latin-1") == os.readlink(path), path
        if s.st_rdev:
            assert ours["device"] == [os.major(s.st_rdev), os.minor(s.st_rdev)], path
        if stat.S_ISREG(s.st_mode):
            assert sums[s.st_ino] == hashlib.sha256(open(path, "rb").read()).hexdigest(), path
        # The kernel lists an ACL twice for root: as the list, and as the attribute that holds it.
        attributes = {a for a in os.listxattr(path, follow_symlinks=False) if "SGI_ACL" not in a}
        assert set(filter(None, ours.get("xattrs", "").split(","))) == attributes, path
    extra = set(names) - seen
    assert not extra, f"not there for the kernel: {sorted(extra)[:3]}"
    return len(paths)


def proto(folder, lines, indent=""):
    """The tree in the words of mkfs.xfs -p."""
    for p in sorted(folder.iterdir()):
        if p.is_symlink():
            lines.append(f"{indent}{p.name} l--777 0 0 {os.readlink(p)}")
        elif p.is_dir():
            lines.append(f"{indent}{p.name} d--755 3 4")
            proto(p, lines, indent + " ")
            lines.append(indent + "$")
        else:
            lines.append(f"{indent}{p.name} ---640 5 6 {p}")


def compare_with_tree(image, tree):
    names, sums, warnings = listing(image)
    assert not warnings, warnings[:3]
    n = 0
    for p in tree.rglob("*"):
        ours = names.pop(b"/" + os.fsencode(p.relative_to(tree)), None)
        assert ours, f"{p} is missing"
        n += 1
        if p.is_symlink():
            assert ours["target"] == os.readlink(p), p
        elif p.is_file():
            assert (ours["mode"], ours["uid"], ours["gid"]) == (0o100640, 5, 6), ours
            assert sums[ours["inode"]] == hashlib.sha256(p.read_bytes()).hexdigest(), p
    assert set(names) <= {b"/"}, f"not in the tree: {list(names)[:3]}"
    return n


def main():
    if not shutil.which("mkfs.xfs"):
        print("needs mkfs.xfs (xfsprogs)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        image, mount, tree = work / "xfs.raw", work / "mnt", work / "tree"
        mount.mkdir()
        for name, options in VARIANTS.items():
            with open(image, "wb") as f:
                f.truncate(400 << 20)
            run("mkfs.xfs", "-q", "-f", *options, image)
            if subprocess.run(["mount", "-o", "loop", image, mount], capture_output=True).returncode:
                print(f"{name}: not compared, this machine does not mount images")
                continue
            try:
                fill(mount)
            finally:
                run("umount", mount)
            run("mount", "-o", "loop,ro,norecovery", image, mount)
            try:
                print(f"{name}: {compare_with_mount(image, mount)} names agree with the kernel")
            finally:
                run("umount", mount)
            image.unlink()
        for sub, n in (("big", 6000), ("mid", 40)):
            (tree / sub).mkdir(parents=True)
            for i in range(n):
                (tree / sub / f"file-{i:05}-{'y' * (i % 50)}").write_text("z" * (i % 7))
        (tree / "data").write_bytes(random.Random(1).randbytes(3 << 20))
        (tree / "link").symlink_to("/" + "k" * 700)
        lines = ["/dev/null", "0 0", "d--755 0 0"]
        proto(tree, lines)
        (work / "proto").write_text("\n".join(lines + ["$"]))
        for name, options in V4.items():
            with open(image, "wb") as f:
                f.truncate(400 << 20)
            made = subprocess.run(["mkfs.xfs", "-q", "-f", *options, "-p", work / "proto", image], capture_output=True)
            if made.returncode:
                print(f"{name}: this mkfs.xfs makes none")
                continue
            print(f"{name}: {compare_with_tree(image, tree)} names agree with the tree it was made from")
            image.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
