#!/usr/bin/env python3
"""The bodyfile against fls -m, every column of every row, over an ext4 image with all that names and modes can be."""
import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import machine

for tool in ("mkfs.ext4", "debugfs", "fls"):
    if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
        machine.skip(f"{tool} is not installed")
os.environ["PATH"] += ":/usr/sbin:/sbin"


def make_image(folder):
    root, image = folder / "root", folder / "image.raw"
    (root / "dir/sub").mkdir(parents=True)
    for i, name in enumerate((b"plain", b"with blank", b"new\nline", b"tab\there", b"bad\xff\xfeutf8", "é".encode(), b"n" * 255, b"a -> b")):
        path = os.path.join(os.fsencode(root), b"dir", name)
        with open(path, "wb") as f:
            f.write(b"x" * i)
        os.utime(path, ns=(1700000000_000000000 + i, 1600000000_123456789 * (i % 2)))
    for mode in (0o4755, 0o2711, 0o1777, 0o6644, 0o000, 0o7000):
        (root / f"mode{mode:o}").touch()
        os.chmod(root / f"mode{mode:o}", mode)
    os.chmod(root / "dir/sub", 0o1777)
    os.symlink("plain", root / "dir/link")
    os.symlink("x" * 59, root / "dir/link59")
    os.link(root / "dir/plain", root / "hard")
    os.utime(root / "dir", ns=(0, 1))
    subprocess.run(["mkfs.ext4", "-q", "-F", "-I", "256", "-d", root, image, "8M"], check=True)
    commands = "mknod dev_null c 1 3\nmknod disk b 8 1\nmknod fifo p\nrm mode0\nsif hard uid 70000\nsif hard gid 80000\nsif hard mtime_extra 493827156\n"
    subprocess.run(["debugfs", "-w", "-f", "-", image], input=commands.encode(), check=True, capture_output=True)
    return image


def ours_as_fls(line):
    """fls has whole seconds."""
    cells = line.split(b"|")
    return b"|".join(cells[:-4] + [c.split(b".")[0] for c in cells[-4:]])


class Bodyfile(unittest.TestCase):
    def test_rows(self):
        with machine.temporary() as folder:
            folder = Path(folder)
            image = make_image(folder)
            theirs = set(subprocess.run(["fls", "-r", "-m", "/", image], check=True, capture_output=True).stdout.split(b"\n"))
            theirs = {r for r in theirs if r and b"$OrphanFiles" not in r and b"(deleted" not in r}
            machine.run("process", image, "--parsers", "filestat", "--to", f"bodyfile:{folder}/a.body", "--to", "data", data=folder / "data")
            body = (folder / "a.body").read_bytes().split(b"\n")
            ours = {ours_as_fls(r) for r in body if r and b"(deleted)" not in r}
            ours = {r for r in ours if not r.startswith(b"0|/|")}
            self.assertGreater(len(theirs), 20)
            self.assertEqual(sorted(theirs - ours), [])
            self.assertEqual(sorted(ours - theirs), [])
            self.assertTrue(any(b".123456789|" in r for r in body), "nanoseconds are lost")
            searched = machine.run("search", "*", "-o", "bodyfile", data=folder / "data").stdout.split(b"\n")
            self.assertEqual(sorted(searched), sorted(body))


if __name__ == "__main__":
    unittest.main()
