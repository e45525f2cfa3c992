"""What the tests of images share: running the program, making disks, and saying what is missing on this machine."""
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CAIRN = os.environ.get("CAIRN", "build/dev/cairn")
MIB = 1 << 20
os.environ["PATH"] += ":/usr/sbin:/sbin"
os.environ.pop("CAIRN_PASSPHRASE", None)


def need(*tools):
    """Ends the test as skipped where one of the tools is not there."""
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        print("skipped: not installed:", ", ".join(missing))
        sys.exit(77)


def run(*argv, must=True, **kw):
    p = subprocess.run([str(a) for a in argv], capture_output=True, timeout=300, **kw)
    if must and p.returncode:
        raise AssertionError(f"{argv}: exit {p.returncode}: {p.stderr.decode(errors='replace')[-400:]}")
    return p


def cairn(*argv, status=0, env=None):
    """Runs `cairn image ...`; (standard output, standard error) as text. The exit status must be `status`."""
    p = run(CAIRN, "image", *argv, must=False, env=dict(os.environ, **(env or {})))
    out, err = p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")
    assert p.returncode == status, f"cairn image {argv}: exit {p.returncode}, not {status}: {err[-400:]}"
    return out, err


def media_hash(path, **kw):
    return cairn("hash", path, **kw)[0].split()[0]


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while piece := f.read(MIB):
            h.update(piece)
    return h.hexdigest()


def tree(folder, seed, files=40):
    """A folder of files with content that does not compress to nothing; {path: bytes}."""
    rnd, made = random.Random(seed), {}
    for i in range(files):
        path = f"/d{i % 5}/file{i}"
        data = rnd.randbytes(rnd.choice((0, 10, 4096, 70000, 200000)))
        p = Path(str(folder) + path)
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_bytes(data)
        made[path] = data
    return made


def ext4(path, size, folder, *options):
    with open(path, "wb") as f:
        f.truncate(size)
    run("mkfs.ext4", "-q", "-F", "-d", folder, *options, path)


def check_content(image, files, *options, volume=None, env=None):
    """Some of the files, read through the image."""
    where = ["--volume", volume] if volume else []
    for path in sorted(files)[:6]:
        p = run(CAIRN, "image", "cat", image, path, *where, *options, env=dict(os.environ, **(env or {})))
        assert p.stdout == files[path], f"{image}: {path} differs"


class Work(tempfile.TemporaryDirectory):
    """A folder for the test, which is the current one while it runs."""

    def __enter__(self):
        path = Path(super().__enter__())
        self.before = os.getcwd()
        global CAIRN
        CAIRN = str(Path(CAIRN).resolve())
        os.chdir(path)
        return path

    def __exit__(self, *what):
        os.chdir(self.before)
        super().__exit__(*what)


def run_all(cases):
    """Calls each function with its name told, so that a failure says which."""
    failed = 0
    for case in cases:
        try:
            case()
            print("ok", case.__name__)
        except Exception as e:
            failed += 1
            print("FAILED", case.__name__, repr(e))
    sys.exit(bool(failed))
