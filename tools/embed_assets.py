#!/usr/bin/env python3
"""Makes a C file with the built page in it: embed_assets.py OUT.c [DIST]. Without DIST, or where it has no index.html, a
notice that says how the page is built takes its place. The same input gives the same output."""
import gzip
import hashlib
import re
import sys
from pathlib import Path

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".json": "application/json",
         ".txt": "text/plain; charset=utf-8", ".webmanifest": "application/manifest+json"}
NOTICE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Cairn</title></head><body>
<h1>Cairn</h1><p>This program was built without the page: Node was missing. The API under <a href="/api/v1/openapi.json">/api/v1</a>
answers. To have the page, install nodejs (18 or newer) and npm, and build again.</p></body></html>
"""

out, dist = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
files = {}
if dist and (dist / "index.html").is_file():
    files = {"/" + str(p.relative_to(dist)): p.read_bytes() for p in sorted(dist.rglob("*"))
             if p.is_file() and p.suffix in TYPES}
else:
    files = {"/index.html": NOTICE}

blobs, rows = [], []
for i, (path, content) in enumerate(files.items()):
    packed = gzip.compress(content, 9, mtime=0)
    digest = hashlib.sha256(content).hexdigest()[:32]
    immutable = bool(re.search(r"-[A-Za-z0-9_-]{8}\.\w+$", path))
    numbers = [",".join(map(str, packed[n:n + 32])) for n in range(0, len(packed), 32)]
    blobs.append(f"static const uint8_t asset_{i}[] = {{\n" + ",\n".join(numbers) + "\n};\n")
    rows.append(f'    {{"{path}", "{TYPES[Path(path).suffix]}", "\\"{digest}\\"", {str(immutable).lower()}, asset_{i}, '
                f"sizeof asset_{i}, {len(content)}}},\n")
text = ("/* Made by tools/embed_assets.py. */\n#include \"http/assets.h\"\n\n" + "\n".join(blobs)
        + "\nconst cn_asset cn_assets[] = {\n" + "".join(rows) + "};\nconst size_t cn_assets_count = CN_LEN(cn_assets);\n")
out.parent.mkdir(parents=True, exist_ok=True)
if not out.exists() or out.read_text() != text:
    out.write_text(text)
