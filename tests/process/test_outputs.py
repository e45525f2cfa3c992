#!/usr/bin/env python3
"""--to: the same events in every output, no segments unless data is named; --parsers, --filter, --timezone, --hash;
words that are wrong."""
import csv
import hashlib

from support import *


def text_of(path):
    return path.read_text(errors="replace")


def one_run_writes_them_all():
    out = {e: FOLDER / f"out.{e}" for e in ("jsonl", "csv", "l2tcsv", "bodyfile")}
    to = [word for e, path in out.items() for word in ("--to", f"{e}:{path}")]
    data = fresh("outputs")
    cairn("process", IMAGE, *to, "--to", "data", data=data)
    lines = [json.loads(line) for line in text_of(out["jsonl"]).splitlines()]
    count, _ = cairn("search", "*", "--count", data=data)
    equal(len(lines), int(count), "events in JSONL")
    equal(sorted(e["event_id"] for e in lines) == event_ids(data), True, "the same ids as in the store")
    with open(out["csv"], newline="", encoding="utf-8") as f:
        equal(sorted(r["event_id"] for r in csv.DictReader(f)) == event_ids(data), True, "the same ids in CSV")
    names = {e["path"] for e in lines if e["data_type"] == "fs:stat"}
    equal(len(text_of(out["bodyfile"]).splitlines()), len(names), "a bodyfile row per name")
    if len(text_of(out["l2tcsv"]).splitlines()) < 1000:
        raise AssertionError("the l2tcsv is too short")


def without_data_nothing_is_kept():
    data = fresh("nothing")
    out = FOLDER / "only.jsonl"
    cairn("process", IMAGE, "--to", f"jsonl:{out}", data=data)
    equal(data.exists(), False, "the data folder")
    stdout, stderr = cairn("process", IMAGE, "--to", "jsonl:-", "--workers", 2, data=data)
    equal(sorted(stdout.splitlines()) == sorted(text_of(out).splitlines()), True, "the same on standard output")
    if "events as jsonl to standard output" not in stderr:
        raise AssertionError(f"the report is not on standard error: {stderr}")
    _, err = cairn("process", IMAGE, "--to", f"jsonl:{out}", "--resume", data=data, status=2)
    _, err = cairn("process", IMAGE, "--to", "jsonl:/nonexistent/x", data=data, status=3)
    equal("/nonexistent/x" in err, True, "the error names the file")


def only_what_is_asked_for():
    data = fresh("parts")
    rules = FOLDER / "rules"
    rules.write_text("# logs\n/var/log/*\n- *.bad\n")
    cairn("process", IMAGE, "--filter", rules, "--parsers", "syslog", data=data)
    paths = {json.loads(line)["path"] for line in cairn("search", "*", "-o", "jsonl", data=data)[0].splitlines()}
    equal(paths, {"/var/log/a.log", "/var/log/b.log"}, "paths")
    cairn("process", IMAGE, "--parsers", "!syslog,!textline", data=data)
    _, err = cairn("process", IMAGE, "--parsers", "syslog,!utmp", data=data, status=2)
    names, _ = cairn("search", "*", "--top", "timeline", data=data, status=None)
    equal(len(rows(data, "SELECT id FROM timelines WHERE visible")), 2, "parts stand side by side")
    cairn("process", IMAGE, data=data)
    equal(len(rows(data, "SELECT id FROM timelines")), 1, "the whole takes the place of its parts")


def the_hash_is_that_of_the_image():
    data = fresh("hash")
    out, _ = cairn("process", IMAGE, "--hash", "sha256", data=data)
    want = hashlib.sha256(IMAGE.read_bytes()).hexdigest()
    equal(want in out, True, "the hash in the report")
    equal(rows(data, "SELECT sha256 FROM timelines"), [(want,)], "the hash in the catalog")


def times_without_a_zone_use_the_one_that_is_given():
    image = make_image("zone.raw", {"var/log/syslog": "Nov 18 08:00:00 web01 cron[1]: begin\n" * 20})
    times = []
    for zone in ("UTC", "America/New_York"):
        if zone != "UTC" and not Path("/usr/share/zoneinfo", zone).exists():
            skip("no zone database on this machine")
        data = fresh("zone")
        cairn("process", image, "--timezone", zone, "--parsers", "syslog", data=data)
        out, _ = cairn("search", "begin", "-o", "jsonl", "-n", 1, data=data)
        times.append(json.loads(out.splitlines()[0])["timestamp"])
    equal((times[1] - times[0]) / 3.6e9, 5.0, "hours between UTC and New York in November")


def wrong_words_get_one_line():
    data = fresh("wrong")
    for words, hint in ((["--parsers", "nosuch"], "filestat"), (["--to", "xml:x"], "jsonl:FILE"), (["--hash", "md5"], "sha256"),
                        (["--workers", "0"], "from 1"), (["--nosuch"], "no option"), (["--timezone", "Mars/Base"], "zoneinfo"),
                        (["--filter", "/nonexistent"], "/nonexistent"), (["--sandbox", "none"], "best-effort")):
        _, err = cairn("process", IMAGE, *words, data=data, status=None)
        if hint not in err or err.count("\n") != 1:
            raise AssertionError(f"{words}: {err}")
    cairn("process", "--parsers", "nosuch", IMAGE, data=data, status=2)
    cairn("process", data=data, status=2)
    _, err = cairn("process", "/nonexistent.raw", data=data, status=3)
    equal("/nonexistent.raw" in err, True, "the error names the file")
    empty = FOLDER / "empty.raw"
    empty.write_bytes(b"")
    _, err = cairn("process", empty, data=data, status=3)
    equal("empty" in err, True, "an empty file is told")


IMAGE = make_image("outputs.raw", {"var/log/a.log": syslog_lines(700, 1), "var/log/b.log": syslog_lines(300, 2),
                                   "var/log/c.bad": syslog_lines(50, 3), "home/d.log": syslog_lines(50, 4),
                                   **{f"etc/f{i}": "x" for i in range(40)}})
run(one_run_writes_them_all, without_data_nothing_is_kept, only_what_is_asked_for, the_hash_is_that_of_the_image,
    times_without_a_zone_use_the_one_that_is_given, wrong_words_get_one_line)
