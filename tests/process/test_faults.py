#!/usr/bin/env python3
"""Parsers that crash, spin, eat memory or try to break out: each costs its file, and that is told."""
import signal

from support import *

WORDS = {  # what the parser does: the kind of warning, how its text begins
    "crash": ("crash", "signal 11"),
    "stack": ("crash", "signal 11"),
    "abort": ("crash", "signal 6"),
    "spin": ("hang", "no progress within the time limit"),
    "step": ("hang", "far more time than its size explains"),
    "memory": ("memory", "the memory limit of a worker"),
    "network": ("sandbox", "signal 31"),
    "file": ("denied", "/etc/passwd: Operation not permitted"),
}
SMALL, EVENTS_OF_TEST = 300, 10


def faults(workers):
    files = {f"bad/{word}": f"CAIRN-TEST {word}\n" for word in WORDS}
    files["bad/fine"] = "CAIRN-TEST fine\n"
    files.update({f"var/log/{i}.log": syslog_lines(3, i) for i in range(SMALL)})
    image = make_image("faults.raw", files)
    data = fresh("faults")
    out, _ = cairn("process", image, "--workers", workers, "--file-timeout", 1, data=data)
    for word, (kind, text) in WORDS.items():
        found = rows(data, "SELECT kind, text, offset, parser FROM warnings WHERE path = ?", f"/bad/{word}")
        equal(len(found), 1, f"warnings about {word}")
        equal(found[0][0], kind, f"kind of {word}")
        if not found[0][1].startswith(text) or found[0][3] != "test":
            raise AssertionError(f"{word}: {found[0]}")
        if kind != "denied":
            equal(found[0][2], EVENTS_OF_TEST - 1, f"offset of {word}")
    equal(rows(data, "SELECT count(*) FROM warnings"), [(len(WORDS),)], "warnings")
    if "warnings" not in out or "3 crash" not in out:
        raise AssertionError(f"the report does not tell the warnings:\n{out}")
    # What each file had yielded before is kept, and nothing is lost or doubled.
    for path in [*WORDS, "fine"]:
        count, _ = cairn("search", f'path:"/bad/{path}" AND data_type:"test:event"', "--count", data=data)
        equal(int(count), EVENTS_OF_TEST, f"events of {path}")
    count, _ = cairn("search", 'data_type:"syslog:ssh:failed_connection" OR data_type:"syslog:ssh:*" OR parser:syslog',
                     "--count", data=data)
    equal(int(count), SMALL * 3, "lines of the logs")
    ids = event_ids(data)
    equal(len(ids), len(set(ids)), "event ids")
    equal(leftovers(data), [], "leftovers")


def with_two_workers():
    faults(2)


def with_one_worker():
    faults(1)


def strict_tells_by_exit_status():
    image = make_image("strict.raw", {"bad": "CAIRN-TEST crash\n"})
    cairn("process", image, data=fresh("strict"))
    cairn("process", image, "--strict", data=fresh("strict"), status=1)


def workers_are_killed_at_any_moment():
    """Also while they write: what is lost is what the warnings name, and nothing is there twice."""
    image, rnd = log_image(), random.Random(os.environ.get("SEED", "1"))
    whole = fresh("whole")
    cairn("process", image, data=whole)
    want = {e["event_id"]: e["path"] for e in events(whole)}
    kills = 0
    for round in range(6):
        data, out = fresh("killed"), FOLDER / "killed.jsonl"
        p = start("process", image, "--to", "data", "--to", f"jsonl:{out}", data=data, CAIRN_TEST_SPOOL_MIB="4")
        while p.poll() is None:
            time.sleep(0.1 + rnd.random() * 0.3)
            for pid in list(workers_of(p))[:1]:
                try:
                    os.kill(pid, signal.SIGKILL)
                    kills += 1
                except ProcessLookupError:
                    pass
        p.stderr.close()
        equal(p.returncode, 0, "exit status")
        got = event_ids(data)
        equal(len(got), len(set(got)), "events, none twice")
        if not set(got) <= set(want):
            raise AssertionError("events that no whole run gives")
        told = {path for (path,) in rows(data, "SELECT path FROM warnings")}
        lost = {want[i] for i in set(want) - set(got)}
        lost_all = rows(data, "SELECT count(*) FROM warnings WHERE kind = 'lost' OR path = ''")[0][0]
        print(f"round {round}: {len(got)} events, {len(lost)} files with losses, {lost_all} other losses", flush=True)
        if not lost_all and not lost <= told:
            raise AssertionError(f"round {round}: lost without a word: {sorted(lost - told)[:5]}")
        written = sorted(json.loads(line)["event_id"] for line in out.read_text().splitlines())
        if not lost_all:
            equal(len(written), len(got), "events in the output")
            equal(written == got, True, "the same events in the output")
        equal(len(written), len(set(written)), "events in the output, none twice")
    if kills < 6:
        raise AssertionError(f"only {kills} workers were killed: the test proves little")


need_test_parsers()
run(workers_are_killed_at_any_moment, with_two_workers, with_one_worker, strict_tells_by_exit_status)
