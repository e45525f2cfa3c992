"""Every container gives back the bytes of the disk that was put into it, whatever its file is called."""
import os
import random
import shutil
import struct
from pathlib import Path

from support import MIB, Work, cairn, check_content, ext4, media_hash, need, run, run_all, sha256, tree

need("mkfs.ext4", "qemu-img", "qemu-io", "split")

with Work():
    Path("root").mkdir()
    FILES = tree("root", 1)
    ext4("disk.raw", 48 * MIB, "root")
    with open("disk.raw", "r+b") as disk:  # beyond the file system's data too
        disk.seek(40 * MIB + 12345)
        disk.write(random.Random(2).randbytes(3 * MIB))
    WANT = sha256("disk.raw")

    def same(path):
        got = media_hash(path)
        assert got == WANT, f"{path}: {got}, not {WANT}"

    def raw():
        same("disk.raw")
        check_content("disk.raw", FILES)
        os.symlink("disk.raw", "link")
        same("link")

    def split_raw():
        for options, suffix in ((["-d", "-a", "3", "--numeric-suffixes=1"], "001"), (["-d", "-a", "3"], "000"),
                                (["-a", "2"], "aa"), (["-a", "3"], "aaa")):
            folder = Path("split" + suffix)
            folder.mkdir()
            run("split", "-b", "3000000", *options, "disk.raw", folder / "img.")
            same(folder / f"img.{suffix}")
            check_content(folder / f"img.{suffix}", FILES)

    def split_container():
        run("qemu-img", "convert", "-O", "qcow2", "disk.raw", "to-split.qcow2")
        run("split", "-b", "1000000", "-d", "-a", "3", "--numeric-suffixes=1", "to-split.qcow2", "parts.")
        same("parts.001")

    def qcow2():
        for name, options in (("plain", []), ("deflate", ["-c"]), ("zstd", ["-c", "-o", "compression_type=zstd"]),
                              ("v2", ["-o", "compat=0.10"]), ("small", ["-o", "cluster_size=512"]),
                              ("large", ["-o", "cluster_size=2M"]), ("subclusters", ["-o", "extended_l2=on"]),
                              ("external", ["-o", "data_file=external.bin"])):
            run("qemu-img", "convert", "-O", "qcow2", *options, "disk.raw", f"{name}.qcow2")
            same(f"{name}.qcow2")
        shutil.copy("plain.qcow2", "evidence.txt")
        same("evidence.txt")
        check_content("evidence.txt", FILES)
        run("qemu-img", "convert", "-O", "qcow", "disk.raw", "v1.img")
        same("v1.img")

    def qcow2_with_backing_file():
        run("qemu-img", "convert", "-O", "qcow2", "disk.raw", "base.qcow2")
        for base, form in (("disk.raw", "raw"), ("base.qcow2", "qcow2")):
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", form, f"over-{form}.qcow2", "64M")
            # zeros over data, data over holes, beyond the backing file's end
            run("qemu-io", "-f", "qcow2", "-c", "write -z 0x2800000 1M", "-c", "write -P 0xab 20M 300k", "-c",
                "write -P 0x11 60M 100k", f"over-{form}.qcow2")
            run("qemu-img", "create", "-q", "-f", "qcow2", "-b", f"over-{form}.qcow2", "-F", "qcow2", f"top-{form}.qcow2")
            run("qemu-io", "-f", "qcow2", "-c", "write -P 0x77 21M 64k", f"top-{form}.qcow2")
            run("qemu-img", "convert", "-O", "raw", f"top-{form}.qcow2", f"want-{form}.raw")
            assert media_hash(f"top-{form}.qcow2") == sha256(f"want-{form}.raw"), form
        # Moved together: an absolute path of the old place leads to the file beside it.
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", os.path.abspath("base.qcow2"), "-F", "qcow2", "moved.qcow2")
        Path("elsewhere").mkdir()
        shutil.move("moved.qcow2", "elsewhere")
        shutil.copy("base.qcow2", "elsewhere")
        same("elsewhere/moved.qcow2")

    def qcow2_with_snapshot():
        run("qemu-img", "convert", "-O", "qcow2", "disk.raw", "snap.qcow2")
        run("qemu-img", "snapshot", "-c", "before", "snap.qcow2")
        run("qemu-io", "-f", "qcow2", "-c", "write -P 0xcd 30M 1M", "snap.qcow2")
        run("qemu-img", "convert", "-O", "raw", "snap.qcow2", "snap.raw")
        assert media_hash("snap.qcow2") == sha256("snap.raw")

    def vmdk():
        for form in ("monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"):
            run("qemu-img", "convert", "-O", "vmdk", "-o", f"subformat={form}", "disk.raw", f"{form}.vmdk")
            same(f"{form}.vmdk")
        check_content("monolithicFlat.vmdk", FILES)

    def vmdk_in_many_extents():
        with open("long.raw", "wb") as f:
            f.truncate(5 << 30)
            for at in (1, (2 << 30) - 100, (4 << 30) + 7):
                f.seek(at)
                f.write(b"here" * 100)
        for form in ("twoGbMaxExtentSparse", "twoGbMaxExtentFlat"):
            run("qemu-img", "convert", "-O", "vmdk", "-o", f"subformat={form}", "long.raw", f"many-{form}.vmdk")
            assert len(list(Path().glob(f"many-{form}-*.vmdk"))) == 3
            for at in (1, (2 << 30) - 100, (4 << 30) + 7):
                out = cairn("info", "--json", f"many-{form}.vmdk", status=3)[0]
                assert f'"size":{5 << 30}' in out
        assert media_hash("many-twoGbMaxExtentSparse.vmdk") == media_hash("long.raw")

    def vmdk_with_parent():
        run("qemu-img", "convert", "-O", "vmdk", "disk.raw", "parent.vmdk")
        run("qemu-img", "create", "-q", "-f", "vmdk", "-b", "parent.vmdk", "-F", "vmdk", "delta.vmdk")
        run("qemu-io", "-f", "vmdk", "-c", "write -P 0x3c 25M 200k", "delta.vmdk")
        run("qemu-img", "convert", "-O", "raw", "delta.vmdk", "delta.raw")
        assert media_hash("delta.vmdk") == sha256("delta.raw")

    def vhd():
        for form in ("dynamic", "fixed"):
            run("qemu-img", "convert", "-O", "vpc", "-o", f"subformat={form},force_size=on", "disk.raw", f"{form}.vhd")
            same(f"{form}.vhd")
            run("qemu-img", "convert", "-O", "vhdx", "-o", f"subformat={form}", "disk.raw", f"{form}.vhdx")
            same(f"{form}.vhdx")
        check_content("dynamic.vhd", FILES)

    def differencing_vhd():
        """qemu makes none: by hand, after the VHD specification 1.0."""
        parent = Path("dynamic.vhd").read_bytes()
        parent_id = parent[68:84]
        checksum = lambda b: (~sum(b)) & 0xFFFFFFFF
        size, block = 48 * MIB, 2 * MIB
        def sealed(b, at):
            b = bytearray(b)
            b[at:at + 4] = bytes(4)
            b[at:at + 4] = struct.pack(">I", checksum(b))
            return bytes(b)
        footer = sealed(struct.pack(">8sIIQI4sI4sQQIIII16sB427x", b"conectix", 2, 0x10000, 512, 0, b"test", 0x10000, b"Wi2k",
                                    size, size, parent_id and struct.unpack(">I", parent[56:60])[0], 4, 0, 0, b"\x42" * 16, 0)[:512], 64)
        name = "C:\\disks\\dynamic.vhd".encode("utf-16-be")
        locator_at = 512 + 1024 + 512
        locator = "dynamic.vhd".encode("utf-16-le")
        header = struct.pack(">8sQQIIII16sII", b"cxsparse", 0xFFFFFFFFFFFFFFFF, 1536, 0x10000, size // block, block, 0,
                             parent_id, 0, 0) + name.ljust(512, b"\0")
        header += struct.pack(">4sIIIQ", b"W2ru", 512, len(locator), 0, locator_at)
        header = sealed(header.ljust(1024, b"\0"), 36)
        entries = [0xFFFFFFFF] * (size // block)
        data_at = locator_at + 512
        entries[3] = data_at // 512
        bat = b"".join(struct.pack(">I", e) for e in entries).ljust(512, b"\xff")
        bitmap = bytearray(512)
        for sector in range(100, 140):  # only these sectors are the child's
            bitmap[sector // 8] |= 0x80 >> (sector % 8)
        content = bytearray(block)
        content[100 * 512:140 * 512] = b"\x5a" * (40 * 512)
        Path("child.vhd").write_bytes(footer + header + bat + locator.ljust(512, b"\0") + bytes(bitmap) + bytes(content) + footer)
        want = bytearray(Path("disk.raw").read_bytes())
        want[3 * block + 100 * 512:3 * block + 140 * 512] = b"\x5a" * (40 * 512)
        Path("child.raw").write_bytes(want)
        assert media_hash("child.vhd") == sha256("child.raw")
        Path("alone").mkdir()
        shutil.copy("child.vhd", "alone")
        err = cairn("info", "alone/child.vhd", status=3)[1]
        assert "dynamic.vhd" in err, err

    def ewf():
        if not shutil.which("ewfacquire"):
            print("  (E01 left out: ewf-tools is not installed)")
            return
        for name, options in (("one", ["-c", "deflate:best"]), ("many", ["-c", "deflate:none", "-S", "5242880"]),
                              ("encase5", ["-f", "encase5", "-c", "deflate:fast"]), ("smart", ["-f", "smart"])):
            p = run("ewfacquire", "-u", "-q", *options, "-t", name, "disk.raw", must=False)
            if p.returncode:  # older option names
                options = [o.replace("deflate:", "") for o in options]
                p = run("ewfacquire", "-u", "-q", *options, "-t", name, "disk.raw", must=False)
            first = [f for f in (f"{name}.E01", f"{name}.s01") if Path(f).exists()]
            assert first, (name, p.stderr)
            same(first[0])
        assert len(list(Path().glob("many.E*"))) > 5
        check_content("many.E01", FILES)

    def device():
        if os.geteuid() != 0 or not shutil.which("losetup"):
            print("  (block device left out: not root)")
            return
        p = run("losetup", "-f", "--show", "disk.raw", must=False)
        if p.returncode:
            print("  (block device left out: no loop device)")
            return
        try:
            same(p.stdout.decode().strip())
        finally:
            run("losetup", "-d", p.stdout.decode().strip())

    def several_in_one_call():
        out = cairn("hash", "disk.raw", "plain.qcow2", "dynamic.vhd")[0].split()
        assert out[::2] == [WANT] * 3, out

    def fingerprint_is_of_the_media():
        """The same disk in another container keeps its identity, which is told by the volume's ids being equal."""
        infos = [cairn("info", "--json", f)[0] for f in ("disk.raw", "plain.qcow2")]
        assert infos[0].split('"children"')[1] == infos[1].split('"children"')[1]

    def folder_file_archive():
        Path("logs").mkdir()
        Path("logs/a.log").write_text("one\n")
        assert "/a.log" in cairn("ls", "logs")[0]
        assert cairn("cat", "logs", "/a.log")[0] == "one\n"
        run("tar", "czf", "logs.bin", "-C", "logs", ".")
        assert cairn("cat", "logs.bin", "/a.log")[0] == "one\n"
        assert cairn("ls", "logs/a.log")[0].endswith("/a.log\n")
        assert cairn("cat", "logs/a.log", "/a.log")[0] == "one\n"

    run_all([raw, split_raw, split_container, qcow2, qcow2_with_backing_file, qcow2_with_snapshot, vmdk, vmdk_in_many_extents,
             vmdk_with_parent, vhd, differencing_vhd, ewf, device, several_in_one_call, fingerprint_is_of_the_media,
             folder_file_archive])
