"""What the process tests share: the program, small disk images, and what is in a data folder."""
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CAIRN = os.environ["CAIRN"]
FOLDER = Path(tempfile.mkdtemp(prefix="cairn-process-"))


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool, path=os.environ["PATH"] + ":/sbin:/usr/sbin"):
            skip(f"{tool} is not installed")


def environment(data, **more):
    # A sanitizer is to leave the signals of a worker that is made to crash alone.
    asan = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_abort=0:handle_sigbus=0"
    return dict(os.environ, CAIRN_DATA=str(data), PATH=os.environ["PATH"] + ":/sbin:/usr/sbin", ASAN_OPTIONS=asan, **more)


def cairn(*argv, data, status=0, timeout=300, **more):
    """Runs to the end; the exit status must be as said. Returns stdout and stderr as text."""
    p = subprocess.run([CAIRN, *map(str, argv)], env=environment(data, **more), capture_output=True, timeout=timeout)
    out, err = p.stdout.decode(errors="replace"), p.stderr.decode(errors="replace")
    if status is not None and p.returncode != status:
        raise AssertionError(f"cairn {' '.join(map(str, argv))}: exit {p.returncode}, not {status}\n{out}\n{err}")
    return out, err


def start(*argv, data, **more):
    return subprocess.Popen([CAIRN, *map(str, argv)], env=environment(data, **more), stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, start_new_session=True)


def need_test_parsers():
    """The parser that misbehaves is only in builds for tests."""
    p = subprocess.run([CAIRN, "process", "--parsers", "no-such", "x"], capture_output=True)
    if b", test" not in p.stderr:
        skip("this build has no test parsers (CN_TEST_PARSERS)")


def workers_of(p):
    """Process ids in the run's session that have a seccomp filter, each with its no_new_privs."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            f = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            session = (status.parent / "stat").read_text().rpartition(")")[2].split()[3]
        except (OSError, ValueError, IndexError):
            continue
        if session == str(p.pid) and f.get("Seccomp") == "2":
            found[int(f["Pid"])] = f.get("NoNewPrivs")
    return found


def syslog_lines(n, seed):
    """n lines of a host's authentication log, a second or so apart."""
    rnd = random.Random(seed)
    t = 1763400000
    lines = []
    for i in range(n):
        t += rnd.randrange(3)
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t))
        address = f"{rnd.randrange(1, 224)}.{rnd.randrange(256)}.{rnd.randrange(256)}.{rnd.randrange(256)}"
        lines.append(f"{when}.{i % 1000000:06}+00:00 web01 sshd[{rnd.randrange(30000)}]: Failed password for "
                     f"user{rnd.randrange(500)} from {address} port {rnd.randrange(65536)} ssh2\n")
    return "".join(lines)


def make_image(name, files, size="64M"):
    """An ext4 image with these files (path: text or bytes), made once."""
    need("mkfs.ext4")
    image = FOLDER / name
    root = FOLDER / f"{name}.root"
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", root, image, size], check=True, env=environment("/"))
    shutil.rmtree(root)
    return image


def log_image():
    """Ten logs of some size and two hundred small files: some 100,000 events."""
    files = {f"var/log/part{i}.log": syslog_lines(3000 + 2000 * i, i) for i in range(8)}
    files.update({f"usr/share/d{i % 9}/f{i}": f"file {i}\n" * i for i in range(200)})
    return make_image("logs.raw", files, "96M")


def fresh(name):
    data = FOLDER / name
    shutil.rmtree(data, ignore_errors=True)
    return data


def rows(data, sql, *values):
    db = sqlite3.connect(f"file:{data}/cairn.db?mode=ro", uri=True)
    try:
        return db.execute(sql, values).fetchall()
    finally:
        db.close()


def events(data, query="*"):
    """All that a search finds."""
    out, _ = cairn("search", query, "-o", "jsonl", data=data)
    return [json.loads(line) for line in out.splitlines()]


def event_ids(data):
    """Their ids, sorted, doubles included."""
    return sorted(e["event_id"] for e in events(data))


def leftovers(data):
    """Files below the data folder that no row names."""
    named = {path for (path,) in rows(data, "SELECT path FROM segments")}
    there = {str(p.relative_to(data)) for p in data.rglob("*") if p.is_file()}
    return sorted(p for p in there - named if not p.startswith("cairn.db") and p != "lock")


def equal(got, want, what):
    if got != want:
        raise AssertionError(f"{what}: {got!r}, not {want!r}")


def run(*tests):
    """Runs the tests in turn; the folder goes away when all pass."""
    try:
        for test in tests:
            t = time.time()
            test()
            print(f"{test.__name__}: passed in {time.time() - t:.1f} s", flush=True)
    except AssertionError as e:
        print(f"{test.__name__}: FAILED: {e}", flush=True)
        sys.exit(1)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
