#!/usr/bin/env python3
"""Makes the disk that `make bench` measures: a server's ext4 of 4 GiB with weeks of logs, without root. Deterministic.

usage: make_disk.py OUT_DIR   writes disk.raw, and beside it the logs that single benchmarks read
environment: SCALE (default 1: 3.4 M log lines, 280 k utmp records, 300 k journal entries, 29 k files)"""
import gzip
import json
import os
import random
import shutil
import struct
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

OUT = Path(sys.argv[1]).resolve()
SCALE = float(os.environ.get("SCALE", "1"))
ROOT = OUT / "root"
END = int(datetime(2026, 11, 20, 23, 59, 59, tzinfo=timezone.utc).timestamp())
DAY = 86400
rnd = random.Random(4711)
pick, number = rnd.choice, rnd.randrange
ADDRESSES = [f"{number(1, 224)}.{number(256)}.{number(256)}.{number(1, 255)}" for _ in range(40000)]
USERS = ["root", "admin", "alice", "bob", "carol", "deploy", "postgres", "www-data"]
GUESSED = ["oracle", "test", "guest", "git", "hadoop", "jenkins", "pi", "nagios", "mysql", "tomcat"]
PATHS = ["/", "/login", "/api/v1/items", "/api/v1/users", "/static/app.js", "/img/logo.png", "/wp-login.php", "/cart", "/checkout", "/healthz"]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "curl/7.88.1",
    "kube-probe/1.29",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
]


def address():
    return ADDRESSES[number(60)] if rnd.random() < 0.55 else pick(ADDRESSES)


def sshd():
    pid, x = number(1000, 99999), rnd.random()
    if x < 0.45:
        return f"sshd[{pid}]: Failed password for invalid user {pick(GUESSED)} from {address()} port {number(1024, 65535)} ssh2"
    if x < 0.65:
        return f"sshd[{pid}]: Failed password for {pick(USERS)} from {address()} port {number(1024, 65535)} ssh2"
    if x < 0.78:
        return f"sshd[{pid}]: Invalid user {pick(GUESSED)} from {address()} port {number(1024, 65535)}"
    if x < 0.88:
        return f"sshd[{pid}]: Connection closed by authenticating user root {address()} port {number(1024, 65535)} [preauth]"
    if x < 0.94:
        return f"sshd[{pid}]: Accepted publickey for {pick(USERS)} from {address()} port {number(1024, 65535)} ssh2: ED25519 SHA256:{rnd.getrandbits(128):032x}Qz"
    if x < 0.98:
        return f"sshd[{pid}]: pam_unix(sshd:session): session opened for user {pick(USERS)}(uid={number(1000, 1010)}) by (uid=0)"
    return f"sudo: {pick(USERS):>8} : TTY=pts/{number(5)} ; PWD=/root ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx"


def system():
    x = rnd.random()
    if x < 0.25:
        return f"systemd[1]: {pick(['Starting', 'Started', 'Finished'])} {pick(['logrotate', 'apt-daily', 'man-db', 'fstrim'])}.service - Housekeeping."
    if x < 0.45:
        return f"CRON[{number(1000, 99999)}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)"
    if x < 0.7:
        return f'app[{number(2000, 2040)}]: level=info request_id={rnd.getrandbits(64):016x} user_id={number(1, 90000)} duration_ms={number(1, 4000)} msg="request completed"'
    return f"kernel: [{number(100, 9999999)}.{number(10**6):06d}] [UFW BLOCK] IN=eth0 OUT= SRC={address()} DST=10.0.1.23 LEN={number(40, 1500)} TTL={number(30, 255)} ID={number(65536)} PROTO=TCP SPT={number(1024, 65535)} DPT={pick([22, 23, 80, 443])}"


def access():
    return f'"{pick(["GET", "GET", "POST"])} {pick(PATHS)} HTTP/1.1" {pick([200, 200, 200, 301, 404, 500])} {number(90000)} "-" "{pick(AGENTS)}"'


def audit():
    u = number(1000, 1006)
    if rnd.random() < 0.5:
        return (
            "SYSCALL",
            f'arch=c000003e syscall=59 success=yes exit=0 a0={rnd.getrandbits(44):x} a1={rnd.getrandbits(44):x} ppid={number(2, 99999)} pid={number(2, 99999)} auid={u} uid={u} gid={u} euid=0 tty=pts0 ses={number(1, 9999)} comm="sudo" exe="/usr/bin/sudo" key="exec"',
        )
    return (
        "USER_AUTH",
        f'pid={number(2, 99999)} uid=0 auid={u} ses={number(1, 9999)} msg=\'op=PAM:authentication acct="{pick(GUESSED)}" exe="/usr/sbin/sshd" hostname={address()} addr={address()} terminal=ssh res=failed\'',
    )


# Bodies are drawn from pools: making each anew would take longer than all that is measured.
POOLS = {f: [f() for _ in range(60000)] for f in (sshd, system, access, audit)}


def iso(us, body):
    d = datetime.fromtimestamp(us // 10**6, timezone.utc)
    return f"{d:%Y-%m-%dT%H:%M:%S}.{us % 10**6:06d}+00:00 web01 {body}\n"


def traditional(us, body):
    d = datetime.fromtimestamp(us // 10**6, timezone.utc)
    return f"{d:%b} {d.day:2d} {d:%H:%M:%S} fw01 {body}\n"


def web(us, body):
    return f"{address()} - - [{datetime.fromtimestamp(us // 10**6, timezone.utc):%d/%b/%Y:%H:%M:%S} +0000] {body}\n"


serial = [1000]


def audited(us, body):
    serial[0] += 1
    return f"type={body[0]} msg=audit({us // 10**6}.{us // 1000 % 1000:03d}:{serial[0]}): {body[1]}\n"


def write(path, data, when, packed):
    target = ROOT / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(data, 6, mtime=when) if packed else data)
    os.utime(target, (when, when))


def logs(prefix, lines, days, plain, pool, form):
    per_day = int(lines * SCALE / days)
    for day in range(days):
        until = END - day * DAY
        start, step = (until - DAY) * 10**6, DAY * 10**6 / max(per_day, 1)
        bodies = POOLS[pool]
        text = "".join(form(start + int(i * step + rnd.random() * step * 0.9), pick(bodies)) for i in range(per_day))
        name = prefix + (f".{day}" if day else "") + (".gz" if day >= plain else "")
        write(name, text.encode(), until, day >= plain)


def utmp_record(kind, pid, line, user, host, when):
    packed = bytes(map(int, host.split("."))) if host else bytes(4)
    return struct.pack("<hxxi32s4s32s256shhiii4s32x", kind, pid, line, b"ts/0", user, host.encode(), 0, 0, 0, when, number(10**6), packed)


def utmp():
    for name, n, kind, line in (("wtmp", 80000, 7, b"pts/0"), ("btmp", 200000, 6, b"ssh:notty")):
        n = int(n * SCALE)
        rows = (utmp_record(kind, number(1000, 99999), line, pick(GUESSED).encode(), address(), END - 60 * DAY + i * 60 * DAY // max(n, 1)) for i in range(n))
        write(f"var/log/{name}", b"".join(rows), END, False)


def journal():
    tool = Path("/lib/systemd/systemd-journal-remote")
    folder = ROOT / "var/log/journal/0123456789abcdef0123456789abcdef"
    folder.mkdir(parents=True, exist_ok=True)
    if not tool.exists():
        print("no systemd-journal-remote on this machine: the disk has no journal")
        return
    n = int(300000 * SCALE)
    with subprocess.Popen([tool, "-o", folder / "system.journal", "--split-mode=none", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
        for i in range(n):
            us = (END - 10 * DAY) * 10**6 + i * 10 * DAY * 10**6 // n
            who, _, body = pick(POOLS[sshd]).partition(": ")
            who, _, pid = who.rstrip("]").partition("[")
            p.stdin.write(
                f"__CURSOR=s=0123;i={i}\n__REALTIME_TIMESTAMP={us}\n__MONOTONIC_TIMESTAMP={us - (END - 10 * DAY) * 10**6 + 1}\n_BOOT_ID=aaaabbbbccccddddeeeeffff00001111\n"
                f"_MACHINE_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=web01\nPRIORITY={number(3, 7)}\nSYSLOG_IDENTIFIER={who}\n_PID={pid or 1}\n_UID=0\n_COMM={who}\n"
                f"_SYSTEMD_UNIT=ssh.service\nMESSAGE={body}\n\n".encode()
            )
    for f in folder.iterdir():
        os.utime(f, (END, END))


def tree():
    for i in range(int(27000 * SCALE)):
        path = f"usr/share/pkg{i % 400:03d}/d{i % 7}/file-{i:05d}.{pick(['so', 'py', 'conf', 'txt', 'png'])}"
        size = min(int(rnd.expovariate(1 / 20000)), 400000)
        write(path, (b"\x7fELF" if i % 3 else b"# a file of a package\n") + rnd.randbytes(64) * (size // 64), END - number(400 * DAY), False)


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    for name, text in (("hostname", "web01\n"), ("machine-id", "0123456789abcdef0123456789abcdef\n"), ("timezone", "Etc/UTC\n")):
        write(f"etc/{name}", text.encode(), END, False)
    logs("var/log/syslog", 800000, 8, 2, system, iso)
    logs("var/log/auth.log", 700000, 7, 2, sshd, iso)
    logs("var/log/kern.log", 200000, 5, 2, system, iso)
    logs("var/log/nginx/access.log", 1000000, 15, 2, access, web)
    logs("var/log/remote/fw01.log", 450000, 3, 2, sshd, traditional)
    logs("var/log/audit/audit.log", 250000, 5, 5, audit, audited)
    utmp()
    journal()
    tree()
    disk = OUT / "disk.raw"
    disk.unlink(missing_ok=True)
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", ROOT, disk, "4G"], check=True, env=env, stdout=subprocess.DEVNULL)
    names = sum(len(d) + len(f) for _, d, f in os.walk(ROOT))
    (OUT / "truth.json").write_text(json.dumps({"scale": SCALE, "names": names}))


OUT.mkdir(parents=True, exist_ok=True)
main()
