#!/usr/bin/env python3
"""Every kind of journal file gives every field of every entry, also where it is cut or was never closed."""

import sys
import tempfile
from pathlib import Path

import make_journal as make
from compare import differences, parsed


def as_pairs(entries):
    stamps = lambda e: [(b"__REALTIME_TIMESTAMP", b"%d" % e[0]), (b"__MONOTONIC_TIMESTAMP", b"%d" % e[1])]
    return [stamps(e) + e[3] for e in entries]


def main():
    wrong, files = [], 0
    entries = make.sample()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.journal"

        def check(what, data, want, warned):
            nonlocal files
            files += 1
            path.write_bytes(data)
            events, warnings = parsed(path)
            found = list(differences(events, want))
            if bool(warnings) != warned:
                found.append(f"warnings {warnings[:2]}")
            wrong.extend(f"{what}: {text}" for text in found)

        for compact in (False, True):
            for keyed in (False, True):
                for packing in (0, make.XZ, make.LZ4, make.ZSTD):
                    what = f"compact {compact} keyed {keyed} packing {packing}"
                    check(what, make.build(entries, compact, keyed, packing), as_pairs(entries), False)
            online = make.build(entries, compact, state=1) + bytes(100000)
            check("online", online, as_pairs(entries), False)
            # Cut behind the n-th entry: what is before is there.
            whole = make.build(entries, compact)
            ends = [at + size for kind, at, size in make.objects(whole) if kind == make.ENTRY]
            for n, end in enumerate(ends[:-1], 1):
                check(f"cut behind entry {n}", whole[: end + 7], as_pairs(entries[:n]), True)
        # A message as long as is read, and one byte longer.
        most = (1 << 20) + (64 << 10) - len("MESSAGE=")
        for size in (most, most + 1):
            entry = entries[0][:3] + ([(b"MESSAGE", b"x" * size)],)
            path.write_bytes(make.build([entry], True))
            (_, message, fields), = parsed(path)[0]
            cut = ("evidence_note", b"message is cut") in fields
            if len(message) != most or cut != (size > most):
                wrong.append(f"message of {size} bytes: {len(message)} read, cut {cut}")
    for text in wrong[:20]:
        print(text)
    print(f"{files} journals, {len(wrong)} differences")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
