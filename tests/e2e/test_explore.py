#!/usr/bin/env python3
"""The Explore page in a real Chromium: makes two small disks with a million log lines, processes the first, serves it, and lets
explore.mjs drive the page; the second is processed while the page is open. Pictures are left in CAIRN_BUILD/e2e."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
WEB = HERE.parent.parent / "web"
CAIRN = os.environ.get("CAIRN", "build/dev/cairn")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SHOTS = Path(os.environ.get("CAIRN_BUILD", tempfile.gettempdir())) / "e2e"


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def log_lines(host, count, seed):
    """Lines as sshd writes them: a steady noise, one night of guessing passwords, and now and then a success."""
    rng = random.Random(seed)
    start = datetime(2026, 11, 15, tzinfo=timezone.utc)
    night = timedelta(days=2, hours=1).total_seconds()
    times = sorted(
        night + (rng.random() + rng.random()) * 5400 if rng.random() < 0.4 else rng.random() * 4 * 86400
        for _ in range(count)
    )
    users = ["root", "deploy", "alice", "nagios", "svc_update", "admin"]
    addresses = ["203.0.113.77", "203.0.113.18", "198.51.100.9", "10.0.1.9", "10.0.1.12"]
    for i, seconds in enumerate(times):
        when = (start + timedelta(seconds=seconds)).isoformat(timespec="microseconds")
        user, address = users[int(rng.random() ** 2 * 6)], addresses[int(rng.random() ** 2 * 5)]
        port, pid = 40000 + i % 20000, 1000 + i % 30000
        if i % 500 == 250:
            said = f"sshd[{pid}]: Accepted password for {user} from {address} port {port} ssh2"
        elif i % 3 == 0:
            said = f"sshd[{pid}]: Failed password for {user} from {address} port {port} ssh2"
        elif i % 3 == 1:
            said = f"sshd[{pid}]: Connection closed by authenticating user {user} {address} port {port} [preauth]"
        else:
            said = f"CRON[{pid}]: pam_unix(cron:session): session opened for user {user}(uid=0) by (uid=0)"
        yield f"{when} {host} {said}\n"


def make_disk(work, host, count):
    root = work / host
    (root / "var/log").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/hostname").write_text(host + "\n")
    log = root / "var/log/auth.log"
    with log.open("w") as out:
        out.writelines(log_lines(host, count, host))
    last = datetime(2026, 11, 19, tzinfo=timezone.utc).timestamp()
    os.utime(log, (last, last))
    image = work / f"{host}.raw"
    mebibytes = log.stat().st_size * 5 // 4 // 2**20 + 32
    mke2fs = ["mke2fs", "-q", "-t", "ext4", "-d", root, image, f"{mebibytes}M"]
    subprocess.run(mke2fs, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root)
    return image


def main():
    for tool in ("node", "mke2fs"):
        if not shutil.which(tool):
            skip(f"{tool} is not installed")
    if not os.access(CHROMIUM, os.X_OK):
        skip(f"no Chromium at {CHROMIUM} (set CHROMIUM)")
    if not (WEB / "node_modules/playwright-core").is_dir():
        skip("the page was not built here: web/node_modules has no playwright-core")
    for verb in ("process", "serve"):
        if subprocess.run([CAIRN, "help", verb], capture_output=True).returncode:
            skip(f"this build has no cairn {verb}")
    lines = int(os.environ.get("CAIRN_E2E_LINES", "1000000"))
    SHOTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cairn-e2e-") as folder:
        work = Path(folder)
        data = work / "data"
        first, second = make_disk(work, "web01", lines), make_disk(work, "web02", lines // 3)
        started = time.monotonic()
        subprocess.run([CAIRN, "process", first, "--data", data], check=True, stdout=subprocess.DEVNULL)
        print(f"{lines} lines processed in {time.monotonic() - started:.1f} s")
        serve = subprocess.Popen(
            [CAIRN, "serve", "--listen", "127.0.0.1:0", "--data", data], stdout=subprocess.PIPE, text=True
        )
        try:
            url = None
            for _ in range(20):
                found = re.search(r"http://\S+", serve.stdout.readline())
                if found:
                    url = found.group()
                    break
            if url is None:
                print("cairn serve printed no address")
                return 1
            grow = [CAIRN, "process", second, "--data", data]
            return subprocess.run(["node", HERE / "explore.mjs", url, SHOTS, *grow]).returncode
        finally:
            serve.terminate()
            serve.wait(10)


if __name__ == "__main__":
    sys.exit(main())
