#!/usr/bin/env python3
"""Checks every #include "FOLDER/..." below src/ against the table of layers in ARCHITECTURE.md."""
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
allowed = {}
for line in (root / "ARCHITECTURE.md").read_text().splitlines():
    cells = [c.strip() for c in line.strip().strip("|").split("|")]
    if line.startswith("| ") and len(cells) == 3 and (root / "src" / cells[0]).is_dir():
        allowed[cells[0]] = set(cells[2].split()) | {cells[0]}

wrong = [f"src/{d.name}: not in the table" for d in (root / "src").iterdir() if d.is_dir() and d.name not in allowed]
count = 0
names = {}
for source in sorted((root / "src").rglob("*.[ch]")):
    folder = source.relative_to(root / "src").parts[0]
    names.setdefault(source.name, []).append(str(source.relative_to(root)))
    for number, line in enumerate(source.read_text().splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
        if not m or m.group(1) == "generated":
            continue
        count += 1
        if m.group(1) not in allowed.get(folder, ()):
            wrong.append(f"{source.relative_to(root)}:{number}: {folder}/ may not include {m.group(1)}/")
wrong += [f"two files of one name: {', '.join(paths)}" for paths in names.values() if len(paths) > 1]
if not allowed or not count:
    wrong.append("the table of layers or the sources were not found")
print("\n".join(wrong) or f"layers: {count} includes agree with ARCHITECTURE.md")
sys.exit(bool(wrong))
