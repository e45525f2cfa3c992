"""What is read through libtsk: NTFS, FAT, exFAT, ISO 9660, UFS, HFS+, each made by its own tool, compared with what was put in
and with fls."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from trees import FS_LIST, listing, need, run  # noqa: E402

FILES = {"short.txt": b"short", "a longer name with blanks.log": b"line\n" * 5000, "empty": b"",
         "big.bin": bytes(i * 31 % 251 for i in range(3_000_000))}


def tree(top):
    (top / "folder/below").mkdir(parents=True)
    for name, data in FILES.items():
        (top / name).write_bytes(data)
    (top / "folder/below/deep.txt").write_bytes(b"deep")


def fat(image, top, bits):
    run("mkfs.fat", "-C", "-F", bits, "-n", "VOLUME", image, {"12": 8000, "16": 40000, "32": 70000}[bits])
    for p in sorted(top.iterdir()):
        run("mcopy", "-s", "-i", image, p, "::/")
    run("mcopy", "-i", image, top / "short.txt", "::/gone.txt")
    run("mdel", "-i", image, "::/gone.txt")


def ntfs(image, top):
    with open(image, "wb") as f:
        f.truncate(30 << 20)
    run("mkntfs", "-q", "-F", "-L", "VOLUME", image)
    for name in FILES:
        run("ntfscp", "-q", image, top / name, name)


def exfat(image, top):
    with open(image, "wb") as f:
        f.truncate(30 << 20)
    run("mkfs.exfat", image)


def hfs(image, top):
    with open(image, "wb") as f:
        f.truncate(30 << 20)
    run("mkfs.hfsplus", image)


def ufs(image, top):
    # Version 2 is left out: makefs puts its superblock where libtsk does not look.
    run("makefs", "-t", "ffs", "-s", "32m", "-o", "version=1", image, top)


def iso(image, top):
    run("genisoimage", "-quiet", "-R", "-J", "-o", image, top)


KINDS = {
    "fat12": (lambda i, t: fat(i, t, "12"), ["mkfs.fat", "mcopy"], "all but big", True),
    "fat16": (lambda i, t: fat(i, t, "16"), ["mkfs.fat", "mcopy"], "all", True),
    "fat32": (lambda i, t: fat(i, t, "32"), ["mkfs.fat", "mcopy"], "all", True),
    "ntfs": (ntfs, ["mkntfs", "ntfscp"], "files", True),
    "exfat": (exfat, ["mkfs.exfat"], "none", True),
    "hfs+": (hfs, ["mkfs.hfsplus"], "none", True),
    "ufs1": (ufs, ["makefs"], "all", False),
    "iso9660": (iso, ["genisoimage"], "all", False),
}


def check(name, image, top, what, any_case):
    wrong = []
    head, entries, warnings, contents, _ = listing(image, "--contents")
    if head["fs"] != name:
        wrong.append(f"is {head['fs']}")
    if name.startswith(("fat", "ntfs")) and head["label"] != "VOLUME":
        wrong.append(f"label {head['label']!r}")
    live = {e["path"]: e for e in entries if not e.get("deleted")}
    if what != "none":
        for file, data in FILES.items():
            e = live.get(b"/" + file.encode())
            if not e or e["size"] != len(data) or contents[e["inode"]]["sha256"] != hashlib.sha256(data).hexdigest():
                wrong.append(f"{file}: {e}")
        if what == "all" and b"/folder/below/deep.txt" not in live:
            wrong.append("no deep.txt")
        path = "/FOLDER/below/DEEP.txt" if any_case else "/folder/below/deep.txt"
        if what == "all":
            out = subprocess.run([FS_LIST, "--lookup", path, image], capture_output=True).stdout
            if b"found" not in out:
                wrong.append(f"look-up: {out}")
    theirs = set()
    for line in run("fls", "-r", "-m", "/", image).split(b"\n"):
        c = line.split(b"|")
        # Names with a colon are streams, which come with their file here.
        if len(c) == 11 and b"(Volume Label" not in c[1] and not c[1].endswith((b"$OrphanFiles", b"($FILE_NAME)")):
            theirs.add(re.sub(rb"( \(deleted(-realloc)?\)|:[^/]*)$", b"", c[1]).split(b" -> ")[0])
    ours = {e["path"] for e in entries}
    missing = {t for t in theirs - ours if not re.search(rb":[^/]+( \(deleted\))?$", t)}
    if missing:
        wrong.append(f"fls has {sorted(missing)[:5]}")
    print(f"{name}: {len(entries)} names, {len(warnings)} warnings: {'good' if not wrong else wrong[:6]}", flush=True)
    return wrong


def main():
    need("fls")
    wrong, done = [], 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAIRN_TEST_DIR")) as d:
        top, image = Path(d) / "top", Path(d) / "image"
        top.mkdir()
        tree(top)
        for name, (make, tools, what, any_case) in KINDS.items():
            missing = [t for t in tools if not shutil.which(t)]
            if missing:
                print(f"{name}: left out, {', '.join(missing)} not installed")
                continue
            image.unlink(missing_ok=True)
            make(image, top)
            wrong += check(name, image, top, what, any_case)
            done += 1
    if not done:
        print("skipped: none of the tools that make such images is installed")
        return 77
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
