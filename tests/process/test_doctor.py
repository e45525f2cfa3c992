#!/usr/bin/env python3
"""cairn doctor names what is damaged; the rest can still be searched. The sandbox is seen from outside."""
from support import *


def a_damaged_segment_is_named():
    data = fresh("doctor")
    cairn("process", IMAGE, data=data, CAIRN_TEST_SPOOL_MIB="4")
    out, _ = cairn("doctor", data=data)
    equal("all is well" in out and "seccomp" in out, True, "a whole folder")
    segments = sorted(data.rglob("*.seg"))
    if len(segments) < 3:
        raise AssertionError(f"only {len(segments)} segments: too few for this test")
    all_events = int(cairn("search", "*", "--count", data=data)[0])
    for at in (0, 100, segments[1].stat().st_size // 2, segments[1].stat().st_size - 9):
        whole = segments[1].read_bytes()
        segments[1].write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1:])
        out, _ = cairn("doctor", data=data, status=3)
        equal(segments[1].name in out and "1 problem" in out, True, f"a flipped bit at {at} is named: {out}")
        segments[1].write_bytes(whole)
    segments[1].unlink()
    out, _ = cairn("doctor", data=data, status=3)
    equal(segments[1].name in out, True, "a missing segment is named")
    count = int(cairn("search", "*", "--count", data=data, status=None)[0] or 0)
    if not 0 < count < all_events:
        raise AssertionError(f"{count} of {all_events} events are found without one segment")


def no_folder_yet():
    out, _ = cairn("doctor", data=fresh("none"))
    equal("not there yet" in out, True, "no folder")


def workers_are_in_the_sandbox():
    p = start("process", IMAGE, "--hash", "sha256", data=fresh("sandbox"))
    seen = {}
    while p.poll() is None:
        seen.update(workers_of(p))
        time.sleep(0.005)
    p.stderr.close()
    equal(set(seen.values()), {"1"}, "no_new_privs of all workers")
    if len(seen) < 3:
        raise AssertionError(f"{len(seen)} processes with a filter, not 2 workers and the hash")


need_test_parsers()
IMAGE = log_image()
run(a_damaged_segment_is_named, no_folder_yet, workers_are_in_the_sandbox)
