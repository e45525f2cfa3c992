#!/usr/bin/env python3
"""Makes src/query/unicode_tables.inc out of Python's Unicode data: simple case folding, and what letters, digits and
marks are. To be run by hand when the Unicode version is to change: segments are searched with the tables they were
written with, so a change wants a new segment version."""
import sys
import unicodedata
from pathlib import Path


def simple_fold(c):
    """Simple case folding (CaseFolding.txt, status C and S)."""
    f = c.casefold()
    if len(f) == 1:
        return f
    low = c.lower()
    return low if len(low) == 1 else c


folds = []
for code in range(0x80, 0x110000):
    if 0xD800 <= code < 0xE000:
        continue
    delta = ord(simple_fold(chr(code))) - code
    if not delta:
        continue
    last = folds[-1] if folds else None
    if last and last[2] == delta and code - last[1] in ((1, 2) if last[0] == last[1] else (last[3],)):
        last[3] = code - last[1]
        last[1] = code
    else:
        folds.append([code, code, delta, 1])

words = []
for code in range(0x80, 0x110000):
    if unicodedata.category(chr(code))[0] in "LNM":
        if words and words[-1][1] == code - 1:
            words[-1][1] = code
        else:
            words.append([code, code])

out = Path(__file__).resolve().parent.parent / "src/query/unicode_tables.inc"
with open(out, "w") as f:
    f.write(f"/* Made by tools/gen_unicode.py out of Unicode {unicodedata.unidata_version}. */\n/* clang-format off */\n")
    f.write("static const fold_range fold_ranges[] = { /* first, last, what is added, step */\n")
    for first, last, delta, step in folds:
        f.write(f"    {{0x{first:x}, 0x{last:x}, {delta}, {step}}},\n")
    f.write("};\nstatic const word_range word_ranges[] = { /* letters, digits and marks */\n")
    for i in range(0, len(words), 6):
        f.write("    " + " ".join(f"{{0x{a:x}, 0x{b:x}}}," for a, b in words[i : i + 6]) + "\n")
    f.write("};\n/* clang-format on */\n")
sys.stdout.write(f"{len(folds)} ranges of folds, {len(words)} of word characters\n")
