"""What the journal parser must make of an entry, and the comparison with what it makes."""

import os
import re
import subprocess
from pathlib import Path

GOLDEN = Path(os.environ.get("CAIRN_BUILD", "build/dev")) / "tests/golden"
KNOWN = {
    "MESSAGE_ID": "message_id", "SYSLOG_IDENTIFIER": "reporter", "TID": "tid", "_PID": "pid", "_UID": "uid", "_GID": "gid",
    "_COMM": "comm", "_EXE": "executable", "_CMDLINE": "command", "_SYSTEMD_UNIT": "unit", "_SYSTEMD_SESSION": "session_id",
    "_AUDIT_LOGINUID": "auid", "_HOSTNAME": "hostname", "_BOOT_ID": "boot_id", "_MACHINE_ID": "machine_id",
    "PRIORITY": "severity", "SYSLOG_FACILITY": "facility",
}  # fmt: skip
NUMBERS = {"pid", "uid", "gid", "tid", "auid"}
SEVERITIES = "emerg alert crit err warning notice info debug".split()
FACILITIES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock".split()
FACILITIES += [f"local{i}" for i in range(8)]
VOCABULARY = set(re.findall(r"^CN_FIELD\((\w+)", Path("src/event/vocabulary.def").read_text(), re.M))


def expected(pairs):
    """(message or None, sorted fields) of one entry given as (NAME, value) pairs of bytes."""
    message, fields = None, []
    for name, value in pairs:
        name = name.decode()
        if name.startswith("__"):
            continue
        if name == "MESSAGE":
            if message is None:
                message = value
            else:
                fields.append(("journal_message", value))
            continue
        ours = KNOWN.get(name)
        if ours in NUMBERS and not re.fullmatch(rb"-?[0-9]+", value):
            ours = None
        if ours is None:
            ours = name.lower().lstrip("_")
            if ours in VOCABULARY:
                ours = "journal_" + ours
        names = SEVERITIES if ours == "severity" else FACILITIES if ours == "facility" else []
        if value.isdigit() and int(value) < len(names):
            value = names[int(value)].encode()
        fields.append((ours, value))
    have = {name for name, _ in fields}
    if "reporter" not in have and "comm" in have:
        fields.append(("reporter", dict(fields)["comm"]))
    return message, sorted(fields)


def unescape(text):
    return re.sub(rb"\\(\\|x[0-9a-f]{2})", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), text)


def parsed(path):
    """(list of (time text, message, sorted fields), list of warnings) of a journal file."""
    run = subprocess.run([GOLDEN, "--print", "journal", path], capture_output=True, check=True)
    events, warnings = [], []
    for line in run.stdout.split(b"\n"):
        if line.startswith(b"  "):
            name, value = line[2:].split(b"=", 1)
            events[-1][2].append((name.decode(), unescape(value)))
        elif b" | systemd:journal | " in line:
            time, _, _, _, message = line.split(b" | ", 4)
            events.append((time.decode(), unescape(message), []))
        elif line.startswith((b"warning", b"error")):
            warnings.append(line.decode())
    return events, warnings


def differences(events, entries):
    """What differs between the parser's events and the entries it was given, one line each."""
    if len(events) != len(entries):
        yield f"{len(events)} events of {len(entries)} entries"
    for i, ((time, message, fields), pairs) in enumerate(zip(events, entries)):
        stamps = dict(pairs)
        want_message, want = expected(pairs)
        own = {"record_number", "monotonic_us", "evidence_note"}
        got = sorted((n, v) for n, v in fields if n not in own)
        if want_message is not None and message != want_message:
            yield f"entry {i}: message {message[:80]!r}, not {want_message[:80]!r}"
        # What is read out of the message stands beside what the entry says; the seeds pin it.
        said = {n for n, _ in want}
        got = [(n, v) for n, v in got if n in said]
        if got != want:
            yield f"entry {i}: only ours {[x for x in got if x not in want][:3]}, only theirs {[x for x in want if x not in got][:3]}"
        if dict(fields).get("monotonic_us") != stamps.get(b"__MONOTONIC_TIMESTAMP"):
            yield f"entry {i}: monotonic"
        micro = int(stamps[b"__REALTIME_TIMESTAMP"])
        if not time[:26].endswith(f"{micro // 1000000 % 60:02d}.{micro % 1000000:06d}"):
            yield f"entry {i}: time {time}, not {micro}"
