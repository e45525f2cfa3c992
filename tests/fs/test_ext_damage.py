"""ext images that are damaged at one known place: what is told, and what is still read."""
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from trees import fill, listing, make_image, need  # noqa: E402

MIB = 1 << 20


def words(warnings):
    return [w["text"].decode() if isinstance(w["text"], bytes) else w["text"] for w in warnings]


class Disk:
    """A copy of a good image that can be written to."""

    def __init__(self, base, path):
        self.path = path
        path.write_bytes(base)

    def put(self, at, data):
        with open(self.path, "r+b") as f:
            f.seek(at)
            f.write(data)
        return self

    def flip(self, at):
        with open(self.path, "rb") as f:
            f.seek(at)
            was = f.read(1)[0]
        return self.put(at, bytes([was ^ 0x10]))

    def cut(self, size):
        os.truncate(self.path, size)
        return self


def main():
    need("mke2fs")
    wrong = 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("CAIRN_TEST_DIR")) as d:
        d = Path(d)
        tree = d / "tree"
        tree.mkdir()
        fill(tree, many=300, far_times=False, attributes=False)
        make_image(d / "good", "64M", "-t", "ext4", "-b", "1024", "-O", "^has_journal", "-d", tree)
        base = (d / "good").read_bytes()
        _, good, _, good_contents, _ = listing(d / "good", "--contents")
        names = {e["path"] for e in good}
        at = {e["path"]: e for e in good}
        hashes = {i: c["sha256"] for i, c in good_contents.items()}

        def expect(what, disk, text, lose=0, code=0):
            nonlocal wrong
            head, entries, warnings, contents, status = listing(disk.path, "--contents", check=False)
            told = any(text in w for w in words(warnings)) if text else not warnings
            lost = len(names - {e["path"] for e in entries})
            other = [i for i, c in contents.items() if i in hashes and not c["fault"] and c["sha256"] != hashes[i]]
            good_one = status == code and (code or (told and lost <= lose and not other))
            print(f"{what}: {'good' if good_one else 'WRONG'}: status {status}, {lost} of {len(names)} names lost, "
                  f"{len(other)} contents differ, {len(warnings)} warnings {sorted(set(words(warnings)))[:3]}", flush=True)
            wrong += not good_one

        def disk():
            return Disk(base, d / "bad")

        group = 8192 * 1024
        expect("nothing", disk(), "")
        expect("superblock gone", disk().put(1024, bytes(1024)), "backup in block group 1 is used")
        expect("superblock flipped", disk().flip(1024 + 41), "backup in block group 1 is used")
        expect("superblock and first backup gone", disk().put(1024, bytes(1024)).put(1024 + group, bytes(1024)),
               "backup in block group 3 is used")
        expect("checksum of superblock only", disk().flip(1024 + 1022), "backup in block group 1 is used")
        expect("group descriptor flipped", disk().flip(2048 + 64 * 2 + 8), "backup is used")
        expect("all descriptors zeroed", disk().put(2048, bytes(64 * 8)), "backup is used")
        file = at[b"/size-4096"]
        expect("inode flipped", disk().flip(file["offset"] + 25), f"inode {file['inode']} has a wrong checksum")
        expect("time flipped", disk().flip(file["offset"] + 17), f"inode {file['inode']} has a wrong checksum")
        expect("an extent leads nowhere", disk().put(file["offset"] + 40 + 12 + 6, b"\xff\xff"), "wrong checksum")
        expect("inode zeroed", disk().put(file["offset"], bytes(256)), "another type")
        crowd = at[b"/crowd"]["offset"] + 40 + 12 + 8
        block = int.from_bytes(base[crowd:crowd + 4], "little") * 1024
        expect("directory: a length zeroed", disk().put(block + 24 + 4, b"\0\0"), "is damaged here", lose=2)
        expect("directory: a block overwritten", disk().put(block + 1024, b"\xa5" * 1024), "is damaged here", lose=40)
        expect("cut in half", disk().cut(40 * MIB), "the image ends before its file system")
        expect("cut to little", disk().cut(3 * MIB), "the image ends before its file system", lose=len(names))
        expect("no superblock at all", disk().put(0, bytes(64 * MIB)), "", code=3)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
