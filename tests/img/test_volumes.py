"""Partition tables, LVM2 and LUKS: volumes found, named and read; damage said; the rest kept."""
import json
import os
import shutil
import struct
from pathlib import Path

import support
from support import MIB, Work, cairn, check_content, ext4, need, run, run_all, tree

need("mkfs.ext4", "sgdisk", "sfdisk")


def nodes(source, *options, status=0, env=None):
    """All nodes of the tree as a flat list."""
    found = []

    def walk(n):
        found.append(n)
        for c in n.get("children", []):
            walk(c)

    for n in json.loads(cairn("info", "--json", *options, *(source if isinstance(source, list) else [source]), status=status,
                              env=env)[0]):
        walk(n)
    return found


def volumes(source, *options, **kw):
    return {n["name"]: n for n in nodes(source, *options, **kw) if n["kind"] == "volume"}


def fs_of(volume):
    return [c["type"] for c in volume.get("children", []) if c["kind"] == "file_system"]


def warnings(found):
    return [w["text"] for n in found for w in n.get("warnings", [])]


with Work():
    for i in (1, 2, 3):
        Path(f"root{i}").mkdir()
    FILES = {i: tree(f"root{i}", i, 12) for i in (1, 2, 3)}
    for i in (1, 2, 3):
        ext4(f"fs{i}", 12 * MIB, f"root{i}", "-L", f"label{i}", "-b", "4096")

    def put(disk, offset, fs):
        with open(disk, "r+b") as f:
            f.seek(offset)
            f.write(Path(fs).read_bytes())

    def make_gpt(name):
        with open(name, "wb") as f:
            f.truncate(64 * MIB)
        run("sgdisk", "-n1:2048:4095", "-t1:ef02", "-c1:boot", "-n2:4096:+12M", "-c2:système", "-n5:40960:+12M", "-t5:8300",
            "-n6:77824:+4M", "-t6:8200", name)
        put(name, 4096 * 512, "fs1")
        put(name, 40960 * 512, "fs2")
        if shutil.which("mkswap"):
            with open("swap", "wb") as f:
                f.truncate(4 * MIB)
            run("mkswap", "swap")
            put(name, 77824 * 512, "swap")

    def check_gpt(name, status=0):
        v = volumes(name, status=status)
        assert list(v) == ["p1", "p2", "p5", "p6"], v
        assert v["p1"]["type"] == "BIOS boot" and "error" not in v["p1"]
        assert v["p2"]["label"] == "système" and v["p2"]["offset"] == 2 * MIB and v["p2"]["size"] == 12 * MIB
        assert fs_of(v["p2"]) == ["ext4"] and v["p2"]["children"][0]["label"] == "label1"
        check_content(name, FILES[1], volume="p2")
        check_content(name, FILES[2], volume="5")

    def gpt():
        make_gpt("gpt.raw")
        check_gpt("gpt.raw")
        assert not warnings(nodes("gpt.raw"))
        if shutil.which("mkswap"):
            assert fs_of(volumes("gpt.raw")["p6"]) == ["swap"]
        err = cairn("cat", "gpt.raw", "2", status=2)[1]  # an inode number, and two file systems
        assert "p2, p5" in err, err

    def gpt_first_table_damaged():
        for at, what in ((512, b"\0" * 8), (512 + 56, b"\xff"), (1024 + 32, b"\x77"), (0, b"\0" * 34 * 512)):
            shutil.copy("gpt.raw", "first.raw")
            with open("first.raw", "r+b") as f:
                f.seek(at)
                f.write(what)
            check_gpt("first.raw")
            assert any("the backup GPT is used" in w for w in warnings(nodes("first.raw"))), at

    def gpt_backup_damaged():
        shutil.copy("gpt.raw", "backup.raw")
        with open("backup.raw", "r+b") as f:
            f.seek(64 * MIB - 512)
            f.write(b"\0" * 512)
        check_gpt("backup.raw")
        assert any("backup GPT" in w for w in warnings(nodes("backup.raw")))

    def gpt_both_damaged():
        shutil.copy("gpt.raw", "both.raw")
        with open("both.raw", "r+b") as f:
            f.seek(512 + 70)
            f.write(b"\xee")
            f.seek(64 * MIB - 512 + 70)
            f.write(b"\xee")
        system = [n for n in nodes("both.raw") if n["kind"] == "volume_system"][0]
        assert "both GPTs are damaged" in system["error"]["text"], system
        assert "checksum" in system["error"]["text"] and system["error"]["offset"] == 528
        err = cairn("ls", "both.raw", status=3)[1]
        assert "both GPTs are damaged" in err, err

    def gpt_truncated():
        shutil.copy("gpt.raw", "cut.raw")
        os.truncate("cut.raw", 25 * MIB)
        v = volumes("cut.raw")
        check_content("cut.raw", FILES[1], volume="p2")
        assert v["p5"]["warnings"][0]["code"] == "truncated" and v["p5"]["warnings"][0]["offset"] == 25 * MIB, v["p5"]
        assert v["p6"]["error"]["code"] == "truncated"

    def gpt_4096():
        with open("4k.raw", "wb") as f:
            f.truncate(64 * MIB)
        if os.geteuid() == 0 and shutil.which("losetup"):
            p = run("losetup", "-b", "4096", "-f", "--show", "4k.raw", must=False)
            if p.returncode == 0:
                device = p.stdout.decode().strip()
                try:
                    run("sgdisk", "-n1:512:+12M", "-c1:four", device)
                finally:
                    run("losetup", "-d", device)
                put("4k.raw", 512 * 4096, "fs3")
                v = volumes("4k.raw")
                assert v["p1"]["offset"] == 2 * MIB and v["p1"]["label"] == "four", v
                check_content("4k.raw", FILES[3])
                with open("4k.raw", "r+b") as f:
                    f.write(b"\0" * 3 * 4096)
                check_content("4k.raw", FILES[3])
                return
        print("  (4096-byte sectors are tested by the unit test alone: no loop device)")

    def mbr():
        with open("mbr.raw", "wb") as f:
            f.truncate(64 * MIB)
        run("sfdisk", "-q", "mbr.raw", input=b"label: dos\n2048,24576,83,*\n,,E\n,24576\n,24576\n")
        out = run("sfdisk", "--json", "mbr.raw").stdout
        parts = json.loads(out)["partitiontable"]["partitions"]
        put("mbr.raw", parts[0]["start"] * 512, "fs1")
        put("mbr.raw", parts[2]["start"] * 512, "fs2")
        put("mbr.raw", parts[3]["start"] * 512, "fs3")
        v = volumes("mbr.raw")
        assert list(v) == ["p1", "p5", "p6"], v
        assert [v[p]["offset"] for p in v] == [parts[i]["start"] * 512 for i in (0, 2, 3)]
        for p, i in (("p1", 1), ("p5", 2), ("6", 3)):
            check_content("mbr.raw", FILES[i], volume=p)

    def mbr_loop():
        shutil.copy("mbr.raw", "loop.raw")
        parts = json.loads(run("sfdisk", "--json", "mbr.raw").stdout)["partitiontable"]["partitions"]
        extended = parts[1]["start"]
        with open("loop.raw", "r+b") as f:
            f.seek(parts[3]["start"] * 512 // MIB * MIB - MIB)
            # The second record's way on leads back to the first.
            for sector in range(extended, parts[3]["start"]):
                f.seek(sector * 512 + 510)
                if f.read(2) == b"\x55\xaa" and sector != extended:
                    f.seek(sector * 512 + 446 + 16)
                    f.write(struct.pack("<B3sB3sII", 0, b"\0" * 3, 5, b"\0" * 3, 0, 1000))
        found = nodes("loop.raw")
        assert any("comes back" in w for w in warnings(found)), warnings(found)
        check_content("loop.raw", FILES[3], volume="p6")

    def bare_file_system():
        assert [n["type"] for n in nodes("fs1")] == ["raw", "ext4"]
        check_content("fs1", FILES[1])

    def whole_disk_with_old_table():
        """A file system on the whole disk, with a stale partition table in its boot block."""
        shutil.copy("fs1", "stale.raw")
        with open("stale.raw", "r+b") as f:
            f.seek(446)
            f.write(struct.pack("<B3sB3sII", 0x80, b"\0" * 3, 0x83, b"\0" * 3, 2048, 8192))
            f.seek(510)
            f.write(b"\x55\xaa")
        check_content("stale.raw", FILES[1])
        assert [n["type"] for n in nodes("stale.raw")] == ["raw", "ext4"]

    def partition_choice():
        assert cairn("ls", "gpt.raw", "--volume", "p2")[0].count("/d0") == 1
        assert cairn("ls", "gpt.raw", "--volume", "all")[0].count("/d0") == 2
        err = cairn("ls", "gpt.raw", "--volume", "p9", status=2)[1]
        assert "p9" in err

    def lvm():
        if os.geteuid() != 0 or not all(map(shutil.which, ("losetup", "pvcreate", "vgcfgrestore"))):
            print("  (LVM left out: needs root, lvm2 and losetup)")
            return
        sizes, loops = {"pv0": 64, "pv1": 48}, []
        os.environ["LVM_SUPPRESS_FD_WARNINGS"] = "1"
        for name, mib in sizes.items():
            with open(f"{name}.raw", "wb") as f:
                f.truncate(mib * MIB)
        try:
            for name in sizes:
                p = run("losetup", "-f", "--show", f"{name}.raw", must=False)
                if p.returncode:
                    print("  (LVM left out: no loop device)")
                    return
                loops.append(p.stdout.decode().strip())
            accept = ",".join(f'"a|{d}|"' for d in loops)
            config = ["--config", f'devices {{ scan=["/dev"] filter=[{accept},"r|.*|"] use_devicesfile=0 }}']
            run("pvcreate", *config, *loops)
            run("vgcreate", *config, "group", *loops)
            run("vgcfgbackup", *config, "-f", "saved", "group")
            text = Path("saved").read_text()
            lv = lambda name, ident, segments: (
                f'{name} {{ id = "{ident}" status = ["READ", "WRITE", "VISIBLE"] flags = [] segment_count = {len(segments)} '
                + " ".join(f"segment{i + 1} {{ {s} }}" for i, s in enumerate(segments)) + " }\n")
            one = lambda start, count, pv, at: (f'start_extent = {start} extent_count = {count} type = "striped" '
                                                f'stripe_count = 1 stripes = ["{pv}", {at}]')
            lvs = "logical_volumes {\n" + lv("root", "aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg",
                                              [one(0, 2, "pv1", 3), one(2, 1, "pv0", 1)])
            lvs += lv("home", "aaaaaa-bbbb-cccc-dddd-eeee-ffff-hhhhhh", [one(0, 3, "pv0", 5)])
            lvs += lv("striped", "aaaaaa-bbbb-cccc-dddd-eeee-ffff-iiiiii",
                      ['start_extent = 0 extent_count = 4 type = "striped" stripe_count = 2 stripe_size = 128 '
                       'stripes = ["pv0", 10, "pv1", 8]']) + "}\n"
            depth, end = 0, text.index("group {")
            for end in range(end, len(text)):
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                if depth == 0 and text[end] == "}":
                    break
            Path("changed").write_text(text[:end] + lvs + text[end:])
            run("vgcfgrestore", *config, "-f", "changed", "group")
        finally:
            for d in loops:
                run("losetup", "-d", d, must=False)
        extent, start = 4 * MIB, MIB
        content = [Path(f"fs{i}").read_bytes() for i in (1, 2, 3)]
        def write(pv, at, data):
            with open(f"{pv}.raw", "r+b") as f:
                f.seek(start + at)
                f.write(data)
        write("pv1", 3 * extent, content[0][:2 * extent])
        write("pv0", 1 * extent, content[0][2 * extent:])
        write("pv0", 5 * extent, content[1])
        for i in range(0, len(content[2]), 65536):
            stripe = i // 65536
            write(("pv0", "pv1")[stripe % 2], (10, 8)[stripe % 2] * extent + stripe // 2 * 65536, content[2][i:i + 65536])
        for order in (["pv0.raw", "pv1.raw"], ["pv1.raw", "pv0.raw"]):
            v = volumes(order)
            assert set(v) == {"lvm/group/root", "lvm/group/home", "lvm/group/striped"}, v
            assert [fs_of(v[f"lvm/group/{n}"]) for n in ("root", "home", "striped")] == [["ext4"]] * 3
        v = volumes("pv0.raw")  # one of two: what stands on it alone is read, the rest says what is missing
        assert "pv1" in v["lvm/group/root"]["error"]["text"] and fs_of(v["lvm/group/home"]) == ["ext4"]
        check_content("pv0.raw", FILES[2], volume="lvm/group/home")
        assert any("pv1" in w for w in warnings(nodes("pv0.raw")))
        seen = set()
        for i, order in enumerate((["pv0.raw", "pv1.raw"], ["pv1.raw", "pv0.raw"])):
            run(support.CAIRN, "process", "--data", f"data{i}", "--parsers", "filestat", "--to", f"jsonl:out{i}", *order)
            events = [json.loads(line) for line in open(f"out{i}")]
            assert sum(e["path"] == "/d0/file0" and e["timestamp_desc"] == "Content Modification Time" for e in events) == 3
            seen.add(frozenset(e["event_id"] for e in events if "event_id" in e))
        assert len(seen) == 1  # in whichever order they are given
        # Damaged metadata on one: the other carries it too.
        shutil.copy("pv0.raw", "pv0-bad.raw")
        with open("pv0-bad.raw", "r+b") as f:
            f.seek(4096)
            f.write(b"\xff" * 4096)
        assert fs_of(volumes(["pv0-bad.raw", "pv1.raw"])["lvm/group/root"]) == ["ext4"]

    def luks():
        if not shutil.which("cryptsetup"):
            print("  (LUKS 2 left out: cryptsetup is not installed)")
            return
        Path("key").write_bytes(b"correct horse")
        Path("key-line").write_bytes(b"correct horse\n")
        for name, options in (("pbkdf2", ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]),
                              ("argon2id", ["--pbkdf", "argon2id", "--pbkdf-memory", "65536", "--pbkdf-force-iterations", "4",
                                            "--pbkdf-parallel", "2"]),
                              ("sectors", ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--sector-size", "4096"]),
                              ("cbc", ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--cipher",
                                       "aes-cbc-essiv:sha256", "--key-size", "256"])):
            image = f"luks2-{name}.raw"
            shutil.copy("fs1", image)
            os.truncate(image, 44 * MIB)
            run("cryptsetup", "reencrypt", "--encrypt", "--type", "luks2", "--reduce-device-size", "32M", "-q", *options,
                "--key-file", "key", image)
            check_content(image, FILES[1], "--passphrase-file", "key-line")
            check_content(image, FILES[1], env={"CAIRN_PASSPHRASE": "correct horse"})
            for env, words in (({}, "no passphrase"), ({"CAIRN_PASSPHRASE": "wrong"}, "none of the key slots")):
                system = [n for n in nodes(image, env=env) if n["kind"] == "volume_system"][0]
                assert system["error"]["code"] == "locked" and words in system["error"]["text"], system
        shutil.copy("luks2-pbkdf2.raw", "luks2-second.raw")
        with open("luks2-second.raw", "r+b") as f:
            f.seek(4096 + 10)
            f.write(b"XXXX")
        check_content("luks2-second.raw", FILES[1], "--passphrase-file", "key")
        assert any("second LUKS header" in w for w in warnings(nodes("luks2-second.raw", "--passphrase-file", "key")))

    def luks1_on_a_partition():
        if not shutil.which("qemu-img"):
            print("  (LUKS 1 left out: qemu-img is not installed)")
            return
        for cipher in ([], ["cipher-mode=cbc", "ivgen-alg=essiv", "ivgen-hash-alg=sha256"], ["hash-alg=sha1", "cipher-alg=aes-128"]):
            options = ",".join(["key-secret=s", "iter-time=100"] + cipher)
            for _ in range(5):  # fails by chance on a busy machine
                p = run("qemu-img", "convert", "--object", "secret,id=s,data=correct horse", "-O", "luks", "-o", options, "fs2",
                        "luks1", must=False)
                if p.returncode == 0:
                    break
            assert p.returncode == 0, p.stderr
            size = os.path.getsize("luks1")
            with open("luks1-disk.raw", "wb") as f:
                f.truncate(size + 4 * MIB)
            run("sgdisk", "-n1:2048:" + str(2048 + size // 512 - 1), "luks1-disk.raw")
            put("luks1-disk.raw", MIB, "luks1")
            env = {"CAIRN_PASSPHRASE": "correct horse"}
            assert set(volumes("luks1-disk.raw", env=env)) == {"p1", "p1/luks"}
            check_content("luks1-disk.raw", FILES[2], env=env, volume="p1/luks")
            check_content("luks1-disk.raw", FILES[2], env=env, volume="1")

    run_all([gpt, gpt_first_table_damaged, gpt_backup_damaged, gpt_both_damaged, gpt_truncated, gpt_4096, mbr, mbr_loop,
             bare_file_system, whole_disk_with_old_table, partition_choice, lvm, luks, luks1_on_a_partition])
