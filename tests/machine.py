"""A small made-up machine for tests that need a timeline: a folder of logs with known lines, and the ways to run the
program over it. Nothing here is random, so that counts can be written down."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CAIRN = os.environ.get("CAIRN", "build/dev/cairn")
SSH, CRON, WEB = 400, 150, 300
LINES = SSH + CRON + WEB


def skip(why):
    print(why)
    sys.exit(77)


def run(*argv, data=None, must=True, **kw):
    env = dict(os.environ, LC_ALL="C.UTF-8", TZ="America/New_York")
    if data:
        env["CAIRN_DATA"] = str(data)
    p = subprocess.run([CAIRN, *map(str, argv)], capture_output=True, env=env, timeout=300, **kw)
    if must and p.returncode:
        raise AssertionError(f"cairn {' '.join(map(str, argv))}: exit {p.returncode}: {p.stderr.decode(errors='replace')}")
    return p


def make_machine(root):
    """web01: ssh logins and cron in auth.log and syslog, an nginx log; 850 lines."""
    log = root / "var/log"
    (log / "nginx").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/hostname").write_text("web01\n")
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')
    stamp = lambda i: f"2026-11-{17 + i // 500:02d}T{i // 60 % 24:02d}:{i % 60:02d}:00.{i % 1000000:06d}+00:00"
    with open(log / "auth.log", "w") as f:
        for i in range(SSH):
            word, user = ("Accepted", "deploy") if i % 50 == 0 else ("Failed", f"user{i % 7}")
            f.write(f"{stamp(i)} web01 sshd[{1000 + i}]: {word} password for {user} from 203.0.113.{i % 20} port {40000 + i} ssh2\n")
    with open(log / "syslog", "w") as f:
        for i in range(CRON):
            f.write(f"{stamp(i * 3)} web01 CRON[{9000 + i}]: (root) CMD (run-parts /etc/cron.hourly)\n")
    with open(log / "nginx/access.log", "w") as f:
        for i in range(WEB):
            t = f"18/Nov/2026:{i // 60:02d}:{i % 60:02d}:00 +0000"
            f.write(f'198.51.100.{i % 9} - - [{t}] "GET /page/{i % 30}?q=a\\x22,b HTTP/1.1" {200 if i % 10 else 404} {i} "-" "curl/8.{i % 3}"\n')
    return root


def make_timeline(folder):
    """(data folder, source): the machine above, processed."""
    source = make_machine(Path(folder) / "web01")
    data = Path(folder) / "data"
    run("process", source, data=data)
    return data, source


def events(data, query="*", *more):
    out = run("search", query, "-o", "jsonl", *more, data=data).stdout.decode()
    return [json.loads(line) for line in out.splitlines()]


def count(data, query, *more):
    return int(run("search", query, "--count", *more, data=data).stdout)


def temporary():
    return tempfile.TemporaryDirectory(prefix="cairn-test-")
