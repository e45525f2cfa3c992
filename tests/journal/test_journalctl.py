#!/usr/bin/env python3
"""The journal parser against journalctl -o export, entry by entry: files that systemd itself writes, and those given as
arguments. Needs journalctl; writes with systemd-journal-remote where there is one."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import make_journal as make
from compare import differences, parsed

REMOTE = next((p for p in ("/usr/lib/systemd/systemd-journal-remote", "/lib/systemd/systemd-journal-remote") if os.path.exists(p)), None)


def many(count):
    rnd = random.Random(7)
    words = "session opened for user root failed password invalid disk network timeout".split()
    boot = bytes(range(16))
    time = 1794900000000000
    for i in range(count):
        time += rnd.randrange(1, 5000000)
        name = rnd.choice((b"sshd", b"CRON", b"app", b"kernel"))
        text = " ".join(rnd.choices(words, k=rnd.choice((3, 8, 200)))).encode()
        pairs = [(b"_HOSTNAME", b"web01"), (b"SYSLOG_IDENTIFIER", name), (b"_COMM", name), (b"_PID", b"%d" % rnd.randrange(1, 400)),
                 (b"PRIORITY", b"%d" % rnd.randrange(8)), (b"SYSLOG_FACILITY", b"%d" % rnd.randrange(24)), (b"MESSAGE", text)]  # fmt: skip
        if i % 50 == 0:
            pairs.append((b"BLOB", rnd.randbytes(rnd.randrange(1, 20000))))
        yield time, i * 1000, boot, pairs


def compare(path):
    run = subprocess.run(["journalctl", "--file", path, "-o", "export", "--all"], capture_output=True, check=True)
    entries = make.read_export(run.stdout)
    events, warnings = parsed(path)
    return len(entries), list(differences(events, entries)) + warnings


def main(given):
    if not shutil.which("journalctl"):
        print("journalctl is missing")
        return 77
    wrong, total = [], 0
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(p) for p in given]
        source = Path(folder) / "many.export"
        source.write_bytes(make.export(list(many(3000))))
        for compact in "01" if REMOTE else "":
            for keyed in "01":
                path = Path(folder) / f"remote-{compact}{keyed}.journal"
                env = dict(os.environ, SYSTEMD_JOURNAL_COMPACT=compact, SYSTEMD_JOURNAL_KEYED_HASH=keyed)
                subprocess.run([REMOTE, "-o", path, source], env=env, capture_output=True, check=True)
                paths.append(path)
        for compact in (False, True):
            path = Path(folder) / f"made-{compact}.journal"
            path.write_bytes(make.build(make.sample(), compact, packing=make.LZ4))
            paths.append(path)
        for path in paths:
            count, found = compare(path)
            total += count
            wrong += [f"{path.name}: {text}" for text in found]
    for text in wrong[:20]:
        print(text)
    print(f"{len(paths)} journals, {total} entries, {len(wrong)} differences from journalctl")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
