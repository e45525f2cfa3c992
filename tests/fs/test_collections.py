"""File systems without a disk: a folder, archives of all kinds, a lone file; and links inside of them."""
import gzip
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from trees import FS_LIST, compare, fill, listing, run, truth  # noqa: E402

WRONG = []


def report(what, wrong):
    print(f"{what}: {'good' if not wrong else f'{len(wrong)} WRONG: {wrong[:6]}'}", flush=True)
    WRONG.extend(wrong)


def look(path, *options):
    out = subprocess.run([FS_LIST, *options, path], capture_output=True).stdout.splitlines()
    rows = [json.loads(x) for x in out][1:]
    return rows[0] if rows else {}, {r["path"] for r in rows[1:] if "path" in r}


def folder(top):
    rows = truth(top)
    _, entries, warnings, contents, _ = listing(top, "--dir", "--contents")
    for row in rows.values():
        row.pop("xattrs", None)
    # Reading the names touches the times of access of folders.
    report("folder", compare(rows, entries, contents, times=("m", "c", "b")) + warnings)
    outside = top.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    os.symlink(outside, top / "way-out")
    wrong = []
    for name, options in (("a link out", ("--dir", "--lookup", "/way-out/secret")),
                          ("dots", ("--dir", "--lookup", "/../outside/secret")),
                          ("a link followed out", ("--dir", "--follow", "/way-out/secret")),
                          ("dots followed", ("--dir", "--follow", "/../../outside/secret"))):
        found, _ = look(top, *options)
        if "missing" not in found:
            wrong.append(f"{name} leads out: {found}")
    found, _ = look(top, "--dir", "--follow", "/link-absolute")
    if found.get("found") != os.stat(top / "size-100").st_ino:
        wrong.append(f"an absolute link starts at the folder: {found}")
    found, names = look(top, "--dir", "--lookup", "/deep")
    if names != {"level-0", "hard-link"}:
        wrong.append(f"names of a folder: {names}")
    os.unlink(top / "way-out")
    report("folder keeps inside", wrong)


def archived(rows, keep, prefix=b""):
    """What an archive keeps of the rows."""
    out = {}
    for path, row in rows.items():
        if path == b"/" or row["type"] == "socket":
            continue
        row = {k: v for k, v in row.items() if k in keep}
        if row["type"] in ("dir", "link"):
            row.pop("size", None)
        out[prefix + path] = row
    return out


def check_archive(what, path, want, inodes=True):
    _, entries, warnings, contents, _ = listing(path, "--archive", "--contents")
    by = {e["path"]: e for e in entries if e["path"] != b"/"}
    for p, row in want.items():
        if p in by:
            row["inode"] = by[p]["inode"]
    times = tuple(k for k in "macb" if any(k in r for r in want.values()))
    rest = [e for e in by.values() if e["path"] in want or e["type"] != "dir"]
    report(what, compare(want, rest, contents, times) + [str(w) for w in warnings])


def tars(top, work):
    rows = truth(top)
    keep = {"type", "mode", "uid", "gid", "size", "m", "target", "device", "sha256"}
    compressors = {"": None, "z": "gzip", "j": "bzip2", "J": "xz", "--zstd": "zstd"}
    for option, tool in compressors.items():
        if tool and not shutil.which(tool):
            print(f"note: {tool} is not installed")
            continue
        path = work / "a.tar"
        flags = ["--format=pax", "-S", *([option] if option.startswith("--") else [])]
        letters = "" if option.startswith("--") else option
        subprocess.run(["tar", f"-c{letters}f", path, *flags, "-C", top.parent, top.name], check=True, capture_output=True)
        want = archived(rows, keep, b"/" + os.fsencode(top.name))
        want[b"/" + os.fsencode(top.name)] = {k: v for k, v in rows[b"/"].items() if k in keep and k != "size"}
        check_archive(f"tar {tool or ''}", path, want)
    path = work / "gnu.tar"
    subprocess.run(["tar", "--format=gnu", "-cf", path, "-C", top, "."], check=True, capture_output=True)
    want = archived(rows, keep)
    for row in want.values():
        row["m"] -= row["m"] % 10**9
    check_archive("tar of GNU", path, want)
    found, names = look(path, "--archive", "--follow", "/names/../link-absolute")
    report("link in a tar", [] if "found" in found else [str(found)])


def zips(top, work):
    path = work / "a.zip"
    files = [p for p in top.rglob("*") if not p.is_symlink() and p.is_file() and p.name.isascii()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for p in files:
            z.write(p, str(p.relative_to(top)))
        z.writestr("größe/日本.log", "names in UTF-8")
        z.writestr("../../../etc/evil", "stays inside")
        z.writestr("C:/evil", "too")
    rows = truth(top)
    want = {}
    for p in files:
        name = b"/" + os.fsencode(p.relative_to(top))
        want[name] = {k: v for k, v in rows[name].items() if k in ("type", "size", "sha256")}
    for name in ("/größe/日本.log", "/etc/evil", "/C:/evil"):
        want[name.encode()] = {"type": "file"}
    check_archive("zip", path, want)
    _, names = look(path, "--archive", "--lookup", "/")
    report("folders that a zip only speaks of", [] if {"deep", "names", "etc"} <= names else [str(names)])


def hostile(work):
    wrong = []
    good = io.BytesIO()
    with tarfile.open(fileobj=good, mode="w:gz") as t:
        for i in range(50):
            info = tarfile.TarInfo(f"logs/file-{i}")
            info.size = 40_000
            info.mtime = 1_700_000_000
            t.addfile(info, io.BytesIO(os.urandom(40_000)))
    cut = work / "cut.tar.gz"
    cut.write_bytes(good.getvalue()[: len(good.getvalue()) // 2])
    _, entries, warnings, _, code = listing(cut, "--archive", check=False)
    if not 20 <= len(entries) <= 30 or not warnings or code:
        wrong.append(f"a cut archive: {len(entries)} names, {warnings}, exit {code}")
    for name, data in (("nothing", b""), ("noise", os.urandom(5000)), ("a log", b"Nov 18 01:12:19 host x: y\n" * 500),
                       ("a compressed log", gzip.compress(b"Nov 18 01:12:19 host x: y\n" * 500)),
                       ("a disk that ends in a zip", bytes(1 << 20) + (work / "a.zip").read_bytes())):
        path = work / "no-archive"
        path.write_bytes(data)
        p = subprocess.run([FS_LIST, "--archive", path], capture_output=True)
        if p.returncode != 3 or b"no archive" not in p.stderr:
            wrong.append(f"{name} is taken for an archive: {p.returncode} {p.stderr[-100:]}")
    huge = work / "huge.tar"
    with tarfile.open(huge, "w") as t:
        info = tarfile.TarInfo("huge")
        info.size = 0
        t.addfile(info)
    raw = bytearray(huge.read_bytes())
    raw[124:136] = b"\x80" + (1 << 62).to_bytes(11, "big")
    raw[148:156] = b"        "
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    huge.write_bytes(raw)
    _, entries, warnings, _, code = listing(huge, "--archive", "--contents", check=False)
    if code not in (0, 3) or (code == 0 and not warnings):
        wrong.append(f"a size of 4 EiB: {entries}, {warnings}, exit {code}")
    report("archives that are damaged, or none", wrong)


def lone(work):
    path = work / "auth.log"
    path.write_bytes(b"Nov 18 01:12:19 host x: y\n")
    _, entries, _, contents, _ = listing(path, "--single", "--contents")
    wrong = [] if [e["path"] for e in entries] == [b"/", b"/lone.log"] and contents[2]["bytes"] == 26 else [str(entries)]
    report("a lone file", wrong)


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAIRN_TEST_DIR")) as d:
        work = Path(d)
        top = work / "top"
        top.mkdir()
        fill(top, many=200, far_times=False, attributes=False)
        folder(top)
        tars(top, work)
        zips(top, work)
        hostile(work)
        lone(work)
    return 1 if WRONG else 0


if __name__ == "__main__":
    sys.exit(main())
