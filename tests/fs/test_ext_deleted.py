"""What is gone from ext2, ext3 and ext4: deleted names with their times of deletion, names that moved on, inodes that no
name leads to. Compared with what was done to the disk and with fls."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from trees import can_mount, listing, make_image, mounted, need, run  # noqa: E402


class Fault(Exception):
    pass


def must(true, what):
    if not true:
        raise Fault(what)


def by_path(entries, path):
    return [e for e in entries if e["path"] == path]


def deletes(image, options):
    """Files and folders deleted, renamed and replaced, with the names beside them left alone. debugfs leaves the bytes of
    a name where they are, as kernels before 5.13 did; later ones wipe them, so that only the inode is left."""
    make_image(image, "64M", *options)
    with mounted(image, "rw") as top:
        d = top / "d"
        d.mkdir()
        for i in range(30):
            (d / f"file-{i:02}").write_bytes(b"content %d" % i)
        (top / "tree/below").mkdir(parents=True)
        (top / "tree/below/leaf").write_bytes(b"leaf")
        os.link(d / "file-21", d / "second")
        os.link(d / "file-20", top / "renamed")
        (top / "wiped").write_bytes(b"by the kernel")
        wiped = os.stat(top / "wiped").st_ino
        os.sync()
        # Time passes so that the times of deletion cannot be those of anything else.
        time.sleep(1.1)
        before = int(time.time())
        (top / "wiped").unlink()
    for command in ("rm /d/file-05", "rm /d/file-17", "rm /d/file-08", "unlink /d/second", "unlink /d/file-20",
                    "sif /d/file-21 links_count 1", "sif /renamed links_count 1",
                    "rm /tree/below/leaf", "rmdir /tree/below", "rmdir /tree"):
        run("debugfs", "-w", "-R", command, image)
    _, entries, warnings, _, _ = listing(image)
    must(not warnings, f"warnings {warnings[:3]}")
    gone = [e for e in entries if e["inode"] == wiped]
    must(len(gone) == 1 and gone[0]["path"] == b"/$OrphanFiles/OrphanFile-%d" % wiped and gone[0]["deleted"], f"{gone}")
    must(before <= gone[0]["d"] // 10**9 <= before + 60, f"time of deletion {gone[0]['d']}, not {before}")
    live = {e["path"] for e in entries if not e.get("deleted")}
    must(b"/d/file-06" in live and b"/d/file-05" not in live, "names in use")
    for name in (b"file-05", b"file-08", b"file-17"):
        gone = by_path(entries, b"/d/" + name)
        must(len(gone) == 1 and gone[0]["deleted"], f"{name} is not told as deleted: {gone}")
        must(gone[0].get("type") == "file" and "d" in gone[0], f"{name} has no time of deletion: {gone}")
    old = by_path(entries, b"/d/file-20")
    must(len(old) == 1 and old[0]["deleted"] and "m" not in old[0], f"the old name of what was renamed: {old}")
    must(by_path(entries, b"/renamed")[0]["inode"] == old[0]["inode"], "the renamed file's inode")
    must(by_path(entries, b"/d/second")[0].get("deleted"), "a hard link that was removed")
    gone = [e for e in entries if e["path"].startswith(b"/tree")]
    must(gone and all(e["deleted"] for e in gone), f"a folder that was deleted: {gone}")
    return entries


def same_as_fls(image, entries):
    """Each name that fls tells, we tell; where we tell of a deleted one that its inode moved on, fls does too."""
    theirs = {}
    for line in run("fls", "-r", "-m", "/", image).split(b"\n"):
        c = line.split(b"|")
        if len(c) == 11 and b"$OrphanFiles" not in c[1]:
            gone = b" (deleted" in c[1]
            name = re.sub(rb" \(deleted(-realloc)?\)$", b"", c[1]).split(b" -> ")[0].replace(b"//", b"/")
            theirs.setdefault((name, gone), []).append(c)
    ours = {(e["path"], bool(e.get("deleted"))): e for e in entries if not e.get("orphan")}
    missing = [k for k in theirs if k not in ours and k[0] != b"/."]
    must(not missing, f"{len(missing)} names of fls are missing: {missing[:5]}")
    for key, rows in theirs.items():
        if key[1]:
            continue
        e, c = ours[key], rows[0]
        want = [int(x) for x in c[6:11]]
        got = [e["size"], *((e.get(k, 0) // 10**9) for k in "amcb")]
        must(got == want or (want[4] == 0 and got[:4] == want[:4]), f"{key[0]}: {got}, fls says {want}")
    return len(theirs)


def orphans(image, options):
    """A disk that is copied while files that have no name any more are still open."""
    make_image(image, "64M", *options)
    copy = image.with_suffix(".copy")
    with mounted(image, "rw") as top:
        opened = []
        for i in range(5):
            f = open(top / f"open-{i}", "wb+")
            f.write(b"still here %d" % i)
            f.flush()
            opened.append((os.fstat(f.fileno()).st_ino, f))
        os.sync()
        for i in range(5):
            (top / f"open-{i}").unlink()
        os.sync()
        frozen = subprocess.run(["fsfreeze", "-f", top]).returncode == 0
        shutil.copyfile(image, copy)
        if frozen:
            run("fsfreeze", "-u", top)
        for _, f in opened:
            f.close()
    _, entries, _, contents, _ = listing(copy, "--contents")
    for inode, _ in opened:
        e = [x for x in entries if x["inode"] == inode and (x.get("orphan") or x.get("deleted"))]
        must(e, f"inode {inode}, which is open without a name, is not told")
        must("d" not in e[0], f"the next orphan's number was taken for a time of deletion: {e[0]}")
        must(not (e[0]["path"].startswith(b"/open-") and e[0].get("links")), f"{e[0]}")
    told = [e for e in entries if e["path"].startswith(b"/$OrphanFiles/OrphanFile-")]
    must(len(told) >= 5, f"{len(told)} orphans, not 5")
    must(all(int(e["path"].split(b"-")[-1]) == e["inode"] for e in told), "names of orphans")
    must(contents[told[0]["inode"]]["bytes"] == 12, "content of an orphan")
    copy.unlink()


def cut_off(image):
    """A folder whose parent lost it: all below it comes as orphaned, each at one place."""
    make_image(image, "64M", "-t", "ext4")
    with mounted(image, "rw") as top:
        (top / "a/b/c").mkdir(parents=True)
        (top / "a/b/c/file").write_bytes(b"x")
        (top / "a/b/other").write_bytes(b"y")
        inode = os.stat(top / "a/b").st_ino
    run("debugfs", "-w", "-R", "unlink /a/b", image)
    _, entries, _, _, _ = listing(image)
    base = b"/$OrphanFiles/OrphanFile-%d" % inode
    told = {e["path"] for e in entries if e.get("orphan")}
    must(told == {base, base + b"/c", base + b"/c/file", base + b"/other"}, f"{told}")
    must(not any(e.get("deleted") for e in entries if e.get("orphan")), "they are all in use")


def loops(image):
    """A folder with a second name below itself is entered once."""
    make_image(image, "64M", "-t", "ext4")
    with mounted(image, "rw") as top:
        (top / "a/b/c").mkdir(parents=True)
        (top / "a/file").write_bytes(b"x")
    run("debugfs", "-w", "-R", "ln /a /a/b/c/again", image)
    run("debugfs", "-w", "-R", "ln / /a/b/root", image)
    _, entries, warnings, _, _ = listing(image)
    paths = [e["path"] for e in entries]
    must(len(paths) == len(set(paths)) and len(paths) < 12, f"{paths}")
    must(sum(1 for w in warnings if "second name" in w["text"]) == 2, f"{warnings}")


def main():
    need("mke2fs", "debugfs", "mount", "fls", "fsfreeze", root=True)
    if not can_mount():
        print("skipped: images cannot be mounted here")
        return 77
    wrong = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAIRN_TEST_DIR")) as d:
        image = Path(d) / "image"
        kinds = {"ext2": ["-t", "ext2"], "ext3": ["-t", "ext3"], "ext4": ["-t", "ext4"],
                 "ext4-1k": ["-t", "ext4", "-b", "1024"], "no-checksums": ["-t", "ext4", "-O", "^metadata_csum"]}
        checks = [(f"deletes on {k}", lambda o=o: same_as_fls(image, deletes(image, o))) for k, o in kinds.items()]
        checks += [(f"orphans on {k}", lambda o=o: orphans(image, o)) for k, o in kinds.items() if k != "ext2"]
        checks += [("orphans on orphan_file", lambda: orphans(image, ["-t", "ext4", "-O", "orphan_file"]))]
        checks += [("cut off", lambda: cut_off(image)), ("loops", lambda: loops(image))]
        for name, check in checks:
            try:
                check()
                print(f"{name}: good", flush=True)
            except (Fault, RuntimeError) as e:
                wrong += 1
                print(f"{name}: WRONG: {e}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
