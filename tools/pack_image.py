#!/usr/bin/env python3
"""Packs the sectors of a disk image that are not zero into a fuzz seed (fuzz/sparse_source.h).
usage: pack_image.py IMAGE OUT [--skip FIRST-LAST ...]   FIRST and LAST are byte offsets: a journal, say"""
import struct
import sys

image, out = sys.argv[1:3]
skip = [tuple(map(int, a.split("-"))) for a in sys.argv[4:]]
with open(image, "rb") as f, open(out, "wb") as o:
    f.seek(0, 2)
    size = f.tell()
    f.seek(0)
    o.write(struct.pack("<Q", size))
    at = 0
    while chunk := f.read(1 << 20):
        if any(chunk):
            for i in range(0, len(chunk), 512):
                sector = chunk[i : i + 512]
                if any(sector) and not any(a <= at + i < b for a, b in skip):
                    o.write(struct.pack("<I", (at + i) // 512) + sector.ljust(512, b"\0"))
        at += len(chunk)
