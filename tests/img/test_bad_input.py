"""What is damaged, missing or no image at all gets one clear error, and what can be read is read."""
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

from support import MIB, Work, cairn, check_content, ext4, media_hash, need, run, run_all, sha256, tree
import support

need("mkfs.ext4", "qemu-img", "split")
ROUNDS = int(os.environ.get("ROUNDS", "12"))


def fails(words, *argv, status=3):
    out, err = cairn(*argv, status=status)
    for word in [words] if isinstance(words, str) else words:
        assert word in err, f"{argv}: no {word!r} in {err!r}"


with Work():
    Path("root").mkdir()
    FILES = tree("root", 3, 20)
    ext4("disk.raw", 24 * MIB, "root")
    WANT = sha256("disk.raw")
    NAMES = len(cairn("ls", "-r", "disk.raw")[0].splitlines())

    def nothing_there():
        fails("no-such-file", "info", "no-such-file")
        Path("empty").touch()
        for what in ("info", "ls", "hash"):
            fails("empty", what, "empty")
        os.mkfifo("fifo")
        fails("fifo", "info", "fifo", status=2)
        fails("/dev/null", "info", "/dev/null", status=2)
        fails("needs a source", "info", status=2)
        fails("there is no", "frobnicate", "disk.raw", status=2)

    def no_image():
        Path("noise").write_bytes(random.Random(1).randbytes(MIB))
        Path("zeros").write_bytes(bytes(MIB))
        for name in ("noise", "zeros"):
            fails("no disk image", "info", name)
        assert media_hash("noise") == sha256("noise")

    def truncated_raw():
        for size in (20 * MIB, 8 * MIB, 3 * MIB + 17):
            shutil.copy("disk.raw", "cut.raw")
            os.truncate("cut.raw", size)
            out, err = cairn("ls", "-r", "cut.raw")
            assert len(out.splitlines()) > 1, size
        os.truncate("cut.raw", 1000)
        fails("no disk image", "info", "cut.raw")

    def split_with_a_gap():
        run("split", "-b", "2000000", "-d", "-a", "3", "--numeric-suffixes=1", "disk.raw", "gap.")
        assert media_hash("gap.001") == WANT
        os.remove("gap.007")
        out, err = cairn("info", "gap.001")
        assert "gap.007 is missing" in out and "at offset 12000000" in out, out
        cairn("info", "--strict", "gap.001", status=1)
        assert "ext4" in out

    def qcow2_without_backing_file():
        shutil.copy("disk.raw", "base.raw")
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", "over.qcow2")
        assert media_hash("over.qcow2") == WANT
        os.remove("base.raw")
        fails(["over.qcow2", "base.raw"], "info", "over.qcow2")
        os.mkdir("base.raw")
        fails("no regular file", "info", "over.qcow2", status=2)
        os.rmdir("base.raw")
        os.mkfifo("base.raw")
        fails("no regular file", "info", "over.qcow2", status=2)
        os.remove("base.raw")

    def qcow2_with_hostile_names():
        def named(name):
            data = name.encode() if isinstance(name, str) else name
            head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 72, len(data), 16, MIB, 0, 1, 65536, 0, 0, 0, 0)
            Path("named.qcow2").write_bytes((head + data).ljust(131072, b"\0"))
        for name, words in (("/dev/zero", "no regular file"), ("../../../../dev/zero", "no regular file"),
                            ("json:{}", "no path of a file"), ("nbd:unix:/x", "no path of a file"),
                            ("https://example.org/x", "no path of a file"), ("named.qcow2", "stand on each other"),
                            ("..", "no name"), ("x" * 900, "too long"), (b"a\0b", "name"), ("a\nb", "a?b")):
            named(name)
            r = run(support.CAIRN, "image", "info", "named.qcow2", must=False)
            assert r.returncode in (2, 3) and words in r.stderr.decode(), (name, r.stderr)
            assert len(r.stderr.decode().splitlines()) == 1, r.stderr

    def qcow2_damaged():
        run("qemu-img", "convert", "-O", "qcow2", "disk.raw", "good.qcow2")
        good = Path("good.qcow2").read_bytes()
        def changed(at, data, words, what="hash", status=3):
            Path("bad.qcow2").write_bytes(good[:at] + data + good[at + len(data):])
            fails(words, what, "bad.qcow2", status=status)
        changed(4, struct.pack(">I", 9), "version 9")
        changed(20, struct.pack(">I", 63), "clusters of 2^63")
        changed(24, struct.pack(">Q", 1 << 63), "a disk of")
        changed(24, struct.pack(">Q", 1 << 50), "L1 table")
        changed(32, struct.pack(">I", 2), "encrypted")
        changed(36, struct.pack(">I", 0), "L1 table is too short")
        changed(40, struct.pack(">Q", 1 << 40), "L1 table")
        changed(72, struct.pack(">Q", 1 << 20), "features")
        l1 = struct.unpack(">Q", good[40:48])[0]
        changed(l1, struct.pack(">Q", 0x8000000000000200), "not aligned", status=0)
        changed(l1, struct.pack(">Q", 0x8000000010000000), "L2 table", status=0)
        Path("bad.qcow2").write_bytes(good[:len(good) // 2])
        err = cairn("hash", "bad.qcow2")[1]
        assert "offset" in err, err
        assert len(cairn("ls", "-r", "bad.qcow2")[0].splitlines()) > 1

    def vmdk_without_extent():
        run("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=monolithicFlat", "disk.raw", "flat.vmdk")
        os.remove("flat-flat.vmdk")
        fails(["flat.vmdk", "flat-flat.vmdk"], "info", "flat.vmdk")

    def e01_missing_and_damaged():
        if not shutil.which("ewfacquire"):
            print("  (E01 left out: ewf-tools is not installed)")
            return
        Path("noise.raw").write_bytes(Path("disk.raw").read_bytes()[:12 * MIB] + random.Random(5).randbytes(12 * MIB))
        run("ewfacquire", "-u", "-q", "-c", "deflate:none", "-S", "5242880", "-t", "e", "noise.raw", must=False)
        if not Path("e.E01").exists():
            run("ewfacquire", "-u", "-q", "-c", "none", "-S", "5242880", "-t", "e", "noise.raw")
        parts = sorted(Path().glob("e.E*"))
        assert len(parts) == 5 and media_hash("e.E01") == sha256("noise.raw"), parts
        def folder(name):
            Path(name).mkdir()
            for p in parts:
                shutil.copy(p, name)
        folder("middle")
        os.remove("middle/e.E03")
        out = cairn("info", "middle/e.E01")[0]
        assert "e.E03 is missing" in out and "ext4" in out, out
        check_content("middle/e.E01", {p: FILES[p] for p in sorted(FILES)[:1]})
        folder("tail")
        os.remove("tail/e.E05")
        out = cairn("info", "tail/e.E01")[0]
        assert "the segment after e.E04 is missing" in out, out
        folder("bad")
        with open("bad/e.E04", "r+b") as f:
            f.seek(1000000)
            f.write(b"\x00\xff" * 8)
        out, err = cairn("hash", "bad/e.E01")
        assert "offset" in err and out.split()[0] != sha256("noise.raw"), err
        cairn("hash", "--strict", "bad/e.E01", status=1)
        folder("short")
        os.truncate("short/e.E05", 100000)
        r = run(support.CAIRN, "image", "info", "short/e.E01", must=False)
        assert r.returncode in (0, 3) and b"e.E05" in r.stdout + r.stderr, (r.stdout, r.stderr)
        folder("first")
        os.remove("first/e.E01")
        r = run(support.CAIRN, "image", "info", "first/e.E02", must=False)
        assert r.returncode == 3 and b"segment" in r.stderr, r.stderr

    def mutated_containers():
        """Bytes flipped and ends cut: an exit status of the manual, no signal, no hang."""
        run("qemu-img", "convert", "-O", "qcow2", "-c", "disk.raw", "m.qcow2")
        run("qemu-img", "convert", "-O", "vmdk", "disk.raw", "m.vmdk")
        run("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "disk.raw", "s.vmdk")
        run("qemu-img", "convert", "-O", "vpc", "-o", "force_size=on", "disk.raw", "m.vhd")
        run("qemu-img", "convert", "-O", "vhdx", "disk.raw", "m.vhdx")
        images = ["m.qcow2", "m.vmdk", "s.vmdk", "m.vhd", "m.vhdx"] + (["e.E01"] if Path("e.E01").exists() else [])
        rnd, died = random.Random(os.environ.get("SEED", "1")), []
        for image in images:
            good = Path(image).read_bytes()
            for i in range(ROUNDS):
                b = bytearray(good)
                for _ in range(rnd.choice((1, 4, 40))):
                    b[rnd.randrange(min(len(b), rnd.choice((512, 65536, len(b)))))] = rnd.randrange(256)
                if i % 4 == 3:
                    del b[rnd.randrange(len(b)):]
                Path("mutated").write_bytes(b)
                r = subprocess.run([support.CAIRN, "image", "hash", "mutated"], capture_output=True, timeout=120)
                assert 0 <= r.returncode <= 3, (image, i, r.returncode)
                if b"ended by signal" in r.stderr:
                    died.append((image, i))
        if died:
            print("  (a library was crashed by", died, "and the program said so)")

    run_all([nothing_there, no_image, truncated_raw, split_with_a_gap, qcow2_without_backing_file, qcow2_with_hostile_names,
             qcow2_damaged, vmdk_without_extent, e01_missing_and_damaged, mutated_containers])
