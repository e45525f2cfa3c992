#!/usr/bin/env python3
"""The data folder's disk fills up while segments are written: a clear error, what was committed can be searched, and
with room again --resume ends with all events. Needs root for a small tmpfs."""
from support import *


def a_full_disk():
    where = FOLDER / "small"
    where.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", where], capture_output=True)
    if mounted.returncode:
        skip("mounting a tmpfs needs root")
    try:
        data = where / "data"
        _, err = cairn("process", IMAGE, data=data, status=3, CAIRN_TEST_SPOOL_MIB="4")
        if str(data) not in err or ("No space left" not in err and "full" not in err):
            raise AssertionError(f"the error does not tell: {err}")
        equal(rows(data, "SELECT status, error <> '' FROM timelines"), [(3, 1)], "status and error of the timeline")
        some = event_ids(data)
        if not some or not set(some) < set(WANT):
            raise AssertionError(f"{len(some)} events on the full disk, of {len(WANT)}")
        cairn("doctor", data=data)
        subprocess.run(["mount", "-o", "remount,size=200m", where], check=True)
        cairn("process", IMAGE, "--resume", data=data)
        equal(event_ids(data) == WANT, True, "all events once there is room")
        equal(leftovers(data), [], "leftovers")
    finally:
        subprocess.run(["umount", "-l", where], check=True)


def a_full_output():
    if not Path("/dev/full").exists():
        skip("no /dev/full")
    _, err = cairn("process", IMAGE, "--to", "jsonl:/dev/full", data=fresh("full"), status=3)
    equal("No space left" in err, True, f"the error tells ({err})")


need_test_parsers()
IMAGE = log_image()
cairn("process", IMAGE, data=fresh("reference"))
WANT = event_ids(FOLDER / "reference")
run(a_full_disk, a_full_output)
