#!/usr/bin/env python3
"""What Plaso's own tests expect of its test files, format by format, where the corpus lies beside the checkout
(../shared): prints how many records each side has. It fails where a file is not read at all, or where this program
finds fewer records than Plaso without a reason that stands here."""
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

CAIRN = os.environ["CAIRN"]
SHARED = Path(__file__).resolve().parents[2].parent / "shared"
FORMATS = {
    "utmp",
    "systemd_journal",
    "apache_access",
    "apt_history",
    "bash_history",
    "zsh_extended_history",
    "dpkg",
    "postgresql",
    "selinux",
    "syslog",
    "syslog_traditional",
}
# Fewer records than Plaso, and why that is right.
REASONS = {"utmp/wtmp.1": "two of its four records are zeroed: reported, and no logins of 1970"}


def records(path):
    """Distinct records of a file: what stands at one offset of one stream is one, but for file system times."""
    with tempfile.TemporaryDirectory() as data:
        p = subprocess.run(
            [CAIRN, "process", path, "--quiet", "--parsers", "!filestat", "--to", "jsonl:-", "--data", data],
            capture_output=True,
            timeout=120,
        )
    if p.returncode not in (0, 1):
        return None, p.stderr.decode(errors="replace").strip()[-150:]
    found = set()
    for line in p.stdout.splitlines():
        if line.startswith(b"{"):
            e = json.loads(line)
            found.add((e["data_type"], e.get("offset"), e["message"]))
    return len(found), ""


def main():
    table, corpus = SHARED / "oracle/plaso_counts.tsv", SHARED / "corpus/plaso"
    if not table.exists() or not corpus.exists():
        print("the corpus is not beside this checkout")
        return 77
    agree, total, wrong = defaultdict(int), defaultdict(int), []
    seen = set()
    for row in csv.DictReader(open(table, encoding="utf-8"), delimiter="\t"):
        path = corpus / row["test_file"]
        if row["name"] not in FORMATS or not path.is_file() or path in seen or not row["event_data"].isdigit():
            continue
        seen.add(path)
        want = int(row["event_data"])
        got, error = records(path)
        total[row["name"]] += 1
        good = got is not None and got >= want
        agree[row["name"]] += good
        note = "" if got == want else "  more" if good else "  FEWER: " + REASONS.get(row["test_file"], error or "")
        print(f"{row['name']:20} {row['test_file']:55} Plaso {want:6} ours {got}{note}")
        if not good and row["test_file"] not in REASONS:
            wrong.append(row["test_file"])
    for name in sorted(total):
        print(f"{name}: {agree[name]} of {total[name]} files with all of Plaso's records")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
