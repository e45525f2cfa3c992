"""What the tests of file systems share: a tree that holds all kinds of names, images, and how one is listed."""
import ctypes
import hashlib
import json
import os
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

BUILD = Path(os.environ.get("CAIRN_BUILD", "build/dev")).resolve()
FS_LIST = BUILD / "tests/fs_list"
SKIPPED = 77
OLD = 1_600_000_000_123_456_789


def need(*tools, root=False):
    """Ends the test as skipped where a tool is missing, or the right to mount."""
    missing = [t for t in tools if not shutil.which(t)]
    if missing or (root and os.geteuid() != 0):
        print("skipped: " + (f"{', '.join(missing)} not installed" if missing else "needs root"))
        sys.exit(SKIPPED)


def run(*argv, **kw):
    p = subprocess.run([str(a) for a in argv], capture_output=True, **kw)
    if p.returncode:
        raise RuntimeError(f"{argv}: exit {p.returncode}: {p.stderr.decode(errors='replace')[-400:]}")
    return p.stdout


def can_mount():
    """Whether this machine lets us mount an image through a loop device."""
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        return False
    with tempfile.TemporaryDirectory() as d:
        image = Path(d) / "probe"
        make_image(image, "4M")
        try:
            with mounted(image, "ro"):
                return True
        except RuntimeError:
            return False


def make_image(image, size, *options):
    run("mke2fs", "-q", "-F", *options, image, size)


@contextmanager
def mounted(image, options):
    with tempfile.TemporaryDirectory() as d:
        run("mount", "-o", f"loop,{options}", image, d)
        try:
            yield Path(d)
        finally:
            run("umount", d)


def write(path, data, ns=OLD):
    path.write_bytes(data)
    os.utime(path, ns=(ns, ns + 1))


def fill(top, many=2000, far_times=True, attributes=True):
    """Every kind of name, content and time that the tests look at."""
    top = Path(top)
    (top / "deep").mkdir()
    p = top / "deep"
    for i in range(40):
        p = p / f"level-{i}"
        p.mkdir()
    write(p / "bottom", b"at the bottom\n")
    names = top / "names"
    names.mkdir()
    for name in (b"new\nline", b"invalid-\xff\xfe-utf8", b"n" * 255, "größe-日本".encode(), b" blank ", b"|;$`'\"\\", b"...",
                 b"-"):
        with open(os.path.join(os.fsencode(names), name), "wb") as f:
            f.write(name)
    for size in (0, 1, 59, 60, 61, 100, 130, 160, 1023, 1024, 4095, 4096, 4097, 65536, 1_000_003):
        write(top / f"size-{size}", bytes(i * 7 % 251 for i in range(size)), OLD + size)
    for length in (1, 58, 59, 60, 61, 200, 900):
        os.symlink("t" * length, top / f"link-{length}")
    os.symlink("/size-100", top / "link-absolute")
    os.link(top / "size-4097", top / "names/hard-link")
    os.link(top / "size-4097", top / "deep/hard-link")
    if os.geteuid() == 0:
        os.mknod(top / "char", stat.S_IFCHR | 0o620, os.makedev(5, 1))
        os.mknod(top / "block", stat.S_IFBLK | 0o660, os.makedev(259, 70000))
        os.chown(top / "size-1", 70000, 80000)
    os.mkfifo(top / "fifo")
    s = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(top)
    s.bind("socket")
    os.chdir(here)
    s.close()
    with open(top / "sparse", "wb") as f:
        f.seek(3_000_000)
        f.write(b"middle")
        f.seek(9_000_000)
        f.write(b"end")
    with open(top / "unwritten", "wb") as f:
        f.write(b"written")
        try:
            os.posix_fallocate(f.fileno(), 0, 200_000)
        except OSError:
            pass
    with open(top / "fragments", "wb") as f:
        for i in range(1500):
            f.seek(i * 8192)
            f.write(b"%d" % i)
        f.truncate(1500 * 8192 + 77)
    crowd = top / "crowd"
    crowd.mkdir()
    for i in range(many):
        (crowd / f"file-{i:05}-{'x' * (i % 60)}").touch()
    if far_times:
        seconds = [-(2**31), -1, 0, 1, 2**31 - 1, 2**31, 2**32, 2**32 + 2**31 - 1, 2**33, 9223372036, 3 * 2**32]
        for i, t in enumerate(seconds):
            (top / f"time-{i}").write_bytes(b"")
            ns = t * 1_000_000_000 + 987_654_321
            try:
                os.utime(top / f"time-{i}", ns=(ns, ns))
            except OSError:
                pass
    if attributes:
        (top / "attributes").write_bytes(b"x")
        (top / "attribute-block").write_bytes(b"x")
        try:
            os.setxattr(top / "attributes", "user.colour", b"blue")
            os.setxattr(top / "attributes", "user.size", b"large")
            os.setxattr(top / "attribute-block", "user.long", b"v" * 600)
            os.setxattr(top / "attribute-block", "security.capability",
                        bytes.fromhex("0100000202000000000000000000000000000000"))
            os.setxattr(top / "deep", "trusted.t", b"1")
        except OSError as e:
            print(f"note: no attributes: {e}")


def listing(image, *options, fs_list=FS_LIST, check=True):
    """What fs_list says: head, entries by path (a list), warnings, contents by inode."""
    p = subprocess.run([fs_list, *options, image], capture_output=True, timeout=300)
    if check and p.returncode:
        raise RuntimeError(f"fs_list {image}: exit {p.returncode}: {p.stderr.decode(errors='replace')[-400:]}")
    head, entries, warnings, contents = None, [], [], {}
    for line in p.stdout.splitlines():
        row = json.loads(line)
        for key in ("path", "target", "xattrs"):
            if key in row:
                row[key] = row[key].encode("latin-1")
        if "fs" in row:
            head = row
        elif "content" in row:
            contents[row["content"]] = row
        elif "warning" in row:
            warnings.append(row)
        else:
            entries.append(row)
    return head, entries, warnings, contents, p.returncode


LIBC = ctypes.CDLL(None, use_errno=True)


def birth(path):
    """Time of birth in nanoseconds, which os.stat does not give; None where there is none."""
    buffer = ctypes.create_string_buffer(256)
    if LIBC.statx(-100, os.fsencode(path), 0x100, 0x800, buffer):
        return None
    mask = struct.unpack_from("<I", buffer, 0)[0]
    seconds, part = struct.unpack_from("<qI", buffer, 80)
    return seconds * 10**9 + part if mask & 0x800 else None


KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFBLK: "block", stat.S_IFCHR: "char",
         stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}


def truth(top, hashes=True):
    """What the kernel says of a mounted tree: path → row."""
    top, rows = os.fsencode(top), {}
    pending = [b""]
    while pending:
        here = pending.pop()
        for name in [b""] if here == b"" else []:
            rows[b"/"] = row_of(top, b"/", hashes)
        for e in os.scandir(top + here):
            path = here + b"/" + e.name
            rows[path] = row_of(top, path, hashes)
            if e.is_dir(follow_symlinks=False):
                pending.append(path)
    return rows


def row_of(top, path, hashes):
    full = top + path
    s = os.lstat(full)
    kind = KINDS[stat.S_IFMT(s.st_mode)]
    row = {"inode": s.st_ino, "type": kind, "mode": s.st_mode, "uid": s.st_uid, "gid": s.st_gid, "links": s.st_nlink,
           "size": s.st_size, "m": s.st_mtime_ns, "a": s.st_atime_ns, "c": s.st_ctime_ns}
    born = birth(full)
    if born is not None:
        row["b"] = born
    if kind == "link":
        row["target"] = os.readlink(full)
    if kind in ("block", "char"):
        row["device"] = [os.major(s.st_rdev), os.minor(s.st_rdev)]
    try:
        names = os.listxattr(full, follow_symlinks=False)
    except OSError:
        names = []
    if names:
        row["xattrs"] = set(names)
    if kind == "file" and hashes:
        h = hashlib.sha256()
        with open(full, "rb") as f:
            while piece := f.read(1 << 20):
                h.update(piece)
        row["sha256"] = h.hexdigest()
    return row


LAST = 2**63 - 1


def compare(rows, entries, contents, times=("m", "a", "c", "b")):
    """Differences between the kernel's rows and our entries, as lines; empty where they agree."""
    wrong = []
    ours = {}
    for e in entries:
        if e.get("deleted") or e.get("orphan"):
            continue
        if e["path"] in ours:
            wrong.append(f"{e['path']}: comes twice")
        ours[e["path"]] = e
    wrong += [f"{p}: missing" for p in rows.keys() - ours.keys()]
    wrong += [f"{p}: is not there" for p in ours.keys() - rows.keys()]
    for path in rows.keys() & ours.keys():
        want, got = dict(rows[path]), dict(ours[path])
        got["xattrs"] = {os.fsdecode(n) for n in got.get("xattrs", b"").split(b",") if n}
        want.setdefault("xattrs", set())
        if want["type"] in ("block", "char"):
            got.setdefault("device", [0, 0])
        for key, value in want.items():
            if key in "macb":
                if key not in times:
                    continue
                have = got.get(key)
                if abs(value) > LAST:
                    have, value = got.get("odd_" + key), value // 10**9
            elif key == "sha256":
                content = contents.get(want["inode"])
                have = content and not content["fault"] and content["sha256"]
            else:
                have = got.get(key)
            if have != value:
                wrong.append(f"{path}: {key} is {have}, not {value}")
    return wrong
