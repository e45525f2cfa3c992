#!/usr/bin/env python3
"""Ends in the middle: kill -9, Ctrl-C, an end of the broker alone. What is committed stays, and --resume brings the
same events as a run that was let alone, none lost, none doubled."""
import signal

from support import *

SMALL_SPOOL = {"CAIRN_TEST_SPOOL_MIB": "4"}  # many commits in a short run
KILLS = int(os.environ.get("KILLS", "12"))


def reference():
    data = fresh("reference")
    t = time.time()
    cairn("process", IMAGE, data=data, **SMALL_SPOOL)
    return event_ids(data), time.time() - t


def until_committed(p, data, segments):
    """Waits until so many segments are committed; the run must still go on then."""
    while p.poll() is None:
        try:
            if rows(data, "SELECT count(*) FROM segments")[0][0] >= segments:
                return
        except sqlite3.Error:
            pass
        time.sleep(0.002)
    raise AssertionError(f"the run ended ({p.returncode}) before it could be interrupted")


def end_and_resume(name, end, moment=None):
    """Ends a run at the moment, or after some commits, looks, resumes, and compares."""
    data = fresh(name)
    p = start("process", IMAGE, data=data, **SMALL_SPOOL)
    if moment is None:
        until_committed(p, data, 2)
        moment = 0
    time.sleep(moment)
    end(p)
    p.wait(60)
    p.stderr.close()
    committed = []
    if (data / "cairn.db").exists():
        out, _ = cairn("search", "*", "-o", "jsonl", data=data, status=None)
        committed = [json.loads(line)["event_id"] for line in out.splitlines()]
        if not set(committed) <= WANT_SET or len(committed) != len(set(committed)):
            raise AssertionError(f"{name} at {moment:.2f} s: what is committed is wrong")
    cairn("process", IMAGE, "--resume", data=data, **SMALL_SPOOL)
    got = event_ids(data)
    if got != WANT:
        raise AssertionError(f"{name} at {moment:.2f} s: {len(got)} events ({len(set(got))} different), not {len(WANT)}; "
                             f"{len(committed)} were committed")
    equal(leftovers(data), [], "leftovers")
    equal(rows(data, "SELECT count(*), min(status) FROM timelines"), [(1, 1)], "timelines")
    return len(committed)


def killed_at_any_moment():
    rnd, kept = random.Random(os.environ.get("SEED", "1")), 0
    for _ in range(KILLS):
        kept += end_and_resume("kill", lambda p: os.killpg(p.pid, signal.SIGKILL), rnd.random() * SECONDS) > 0
    if not kept:
        raise AssertionError("no kill came after a commit: the test proves nothing")


def the_broker_alone_is_killed():
    end_and_resume("broker", lambda p: p.kill())


def interrupted_by_the_user():
    data = fresh("interrupt")
    p = start("process", IMAGE, data=data, **SMALL_SPOOL)
    until_committed(p, data, 2)
    os.killpg(p.pid, signal.SIGINT)
    _, err = p.communicate(timeout=60)
    equal(p.returncode, 3, "exit status after Ctrl-C")
    if b"--resume" not in err:
        raise AssertionError(f"Ctrl-C does not say how to go on: {err}")
    equal(rows(data, "SELECT status FROM timelines"), [(2,)], "status")
    before = event_ids(data)
    if not before or not set(before) < WANT_SET:
        raise AssertionError(f"{len(before)} events after Ctrl-C")
    cairn("process", IMAGE, "--resume", data=data, **SMALL_SPOOL)
    equal(event_ids(data) == WANT, True, "the same events after --resume")


def a_whole_timeline_is_left_alone():
    data = FOLDER / "reference"
    out, _ = cairn("process", IMAGE, "--resume", data=data)
    if "whole" not in out:
        raise AssertionError(f"--resume of a whole timeline says: {out}")
    equal(event_ids(data) == WANT, True, "the same events")


def a_second_run_takes_the_place_of_the_first():
    data = FOLDER / "reference"
    cairn("process", IMAGE, data=data)
    equal(event_ids(data) == WANT, True, "the same events, none twice")
    equal(rows(data, "SELECT count(*), min(name) FROM timelines"), [(1, IMAGE.name)], "timelines")
    equal(leftovers(data), [], "leftovers")


def two_at_once_do_not_disturb_each_other():
    data = fresh("two")
    other = make_image("other.raw", {"var/log/auth.log": syslog_lines(9000, 77)})
    both = [start("process", image, data=data, **SMALL_SPOOL) for image in (IMAGE, other, other)]
    for p in both:
        _, err = p.communicate(timeout=300)
        equal(p.returncode, 0, f"exit status ({err.decode()})")
    count, _ = cairn("search", f'image:"{IMAGE.name}"', "--count", data=data)
    equal(int(count), len(WANT), "events of the first")
    equal(leftovers(data), [], "leftovers")


need_test_parsers()
IMAGE = log_image()
WANT, SECONDS = reference()
WANT_SET = set(WANT)
equal(len(WANT), len(WANT_SET), "event ids of the reference")
run(killed_at_any_moment, the_broker_alone_is_killed, interrupted_by_the_user, a_whole_timeline_is_left_alone,
    a_second_run_takes_the_place_of_the_first, two_at_once_do_not_disturb_each_other)
