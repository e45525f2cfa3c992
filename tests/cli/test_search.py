#!/usr/bin/env python3
"""cairn search: every way to print says the same as the JSONL of all events."""
import collections
import csv
import io
import json
import re
import shutil
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import machine


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = machine.temporary()
        cls.data, cls.source = machine.make_timeline(cls.folder.name)
        cls.all = machine.events(cls.data)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def search(self, *argv, **kw):
        return machine.run("search", *argv, data=self.data, **kw)

    def test_all_lines_are_there(self):
        logs = [e for e in self.all if e["data_type"] != "fs:stat"]
        self.assertGreaterEqual(len(logs), machine.LINES)
        for e in self.all:
            for key in ("message", "datetime", "timestamp", "timestamp_desc", "data_type", "path", "parser", "event_id", "offset"):
                self.assertIn(key, e)
            self.assertIsInstance(e["timestamp"], int)
            self.assertRegex(e["event_id"], "^[0-9a-f]{40}$")
        self.assertEqual(len({e["event_id"] for e in self.all}), len(self.all))

    def test_count_agrees(self):
        self.assertEqual(machine.count(self.data, "*"), len(self.all))
        words = lambda e: re.findall(r"[a-z0-9_]+", e["message"].lower())
        for word in ("sshd", "accepted", "cron", "nosuchword"):
            self.assertEqual(machine.count(self.data, f"message:{word}"), sum(word in words(e) for e in self.all))
        self.assertEqual(machine.count(self.data, 'path:"/var/log/auth.log" AND NOT data_type:"fs:stat"'), machine.SSH)

    def test_count_is_a_bare_number(self):
        self.assertRegex(self.search("*", "--count").stdout.decode(), r"^\d+\n$")

    def test_order_and_limit(self):
        ids = [e["event_id"] for e in self.all]
        self.assertEqual([e["timestamp"] for e in self.all], sorted(e["timestamp"] for e in self.all))
        newest = [e["event_id"] for e in machine.events(self.data, "*", "--order", "desc")]
        self.assertEqual(newest, ids[::-1])
        self.assertEqual([e["event_id"] for e in machine.events(self.data, "*", "-n", "7")], ids[:7])
        self.assertEqual(machine.events(self.data, "*", "-n", "0"), [])

    def test_times(self):
        day = [e for e in self.all if e["datetime"].startswith("2026-11-17T03")]
        self.assertTrue(day)
        self.assertEqual(machine.count(self.data, "*", "--from", "2026-11-17T03", "--until", "2026-11-17T03"), len(day))
        early = machine.count(self.data, "*", "--until", "2026-11-17T02:59:59.999999999")
        late = machine.count(self.data, "*", "--from", "2026-11-17T04:00")
        untimed = sum(e["timestamp_desc"] == "Not a time" for e in self.all)
        self.assertEqual(early + len(day) + late + untimed, len(self.all))

    def test_histogram_sums_up(self):
        out = self.search("sshd", "--histogram", "1h", "-o", "csv").stdout.decode()
        rows = list(csv.DictReader(io.StringIO(out)))
        want = collections.Counter(e["datetime"][:13] for e in machine.events(self.data, "sshd"))
        self.assertEqual({r["start"][:13]: int(r["count"]) for r in rows}, dict(want))
        lines = self.search("sshd", "--histogram", "auto", "-o", "jsonl").stdout.decode().splitlines()
        self.assertEqual(sum(json.loads(l)["count"] for l in lines), sum(want.values()))

    def test_top_and_rare(self):
        want = collections.Counter(e["data_type"] for e in self.all)
        rows = [json.loads(l) for l in self.search("*", "--top", "data_type", "-n", "100", "-o", "jsonl").stdout.decode().splitlines()]
        self.assertEqual({r["value"]: r["count"] for r in rows}, dict(want))
        self.assertEqual([r["count"] for r in rows], sorted(want.values(), reverse=True))
        rare = self.search("*", "--rare", "data_type", "-n", "1", "-o", "jsonl").stdout.decode()
        self.assertEqual(json.loads(rare)["count"], min(want.values()))
        table = self.search("*", "--top", "data_type", "-n", "1").stdout.decode()
        self.assertEqual(table.split(None, 1)[0], str(max(want.values())))

    def test_csv_is_the_jsonl(self):
        out = self.search("*", "-o", "csv").stdout.decode()
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual(len(rows), len(self.all))
        for row, e in zip(rows, self.all):
            self.assertEqual(row["message"], e["message"])
            self.assertEqual(row["datetime"], e["datetime"])
            self.assertEqual(int(row["timestamp"]), e["timestamp"])
            self.assertEqual(row["timestamp_desc"], e["timestamp_desc"])
            self.assertEqual(row["event_id"], e["event_id"])
            extra = json.loads(row["extra"]) if row["extra"] else {}
            for key, value in extra.items():
                self.assertEqual(e[key], value)
            for key in set(e) - set(extra):
                self.assertEqual(row[key], str(e[key]))

    def test_l2tcsv_has_each_time_once(self):
        rows = list(csv.DictReader(io.StringIO(self.search("*", "-o", "l2tcsv").stdout.decode(), newline="")))
        self.assertEqual(len(rows[0]), 17)
        self.assertEqual(sum(len(r["type"].split("; ")) for r in rows), len(self.all))
        for r in rows:
            self.assertRegex(r["date"], r"^\d\d/\d\d/\d{4}$")
            self.assertRegex(r["MACB"], r"^[M.][A.][C.][B.]$")

    def test_bodyfile_has_each_name_once(self):
        names = {e["path"] for e in self.all if e["data_type"] == "fs:stat"}
        rows = [l.split("|") for l in self.search("*", "-o", "bodyfile").stdout.decode().splitlines()]
        self.assertEqual(sorted(r[1].split(" -> ")[0] for r in rows), sorted(names))
        for r in rows:
            self.assertEqual(len(r), 11)
        stat = (self.source / "var/log/auth.log").stat()
        row = next(r for r in rows if r[1] == "/var/log/auth.log")
        self.assertEqual((row[6], row[8].split(".")[0]), (str(stat.st_size), str(int(stat.st_mtime))))

    def test_table(self):
        lines = self.search("message:accepted", "-n", "3").stdout.decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn("Accepted password for deploy", lines[0])
        self.assertGreater(lines[0][:29], lines[1][:29])

    def test_timeline_by_name_and_number(self):
        self.assertEqual(machine.count(self.data, "*", "--timeline", "1"), len(self.all))
        self.assertEqual(self.search("*", "--timeline", "nosuch", must=False).returncode, 3)

    def test_damaged_segment_is_named_and_the_rest_found(self):
        with machine.temporary() as folder:
            data = Path(folder) / "data"
            shutil.copytree(self.data, data)
            machine.run("process", self.source / "var/log/auth.log", data=data)
            whole = machine.count(data, "*")
            segments = sorted(data.glob("segments/*/*"), key=lambda p: p.stat().st_size)
            self.assertGreater(len(segments), 1)
            bytes_ = bytearray(segments[-1].read_bytes())
            for at in range(0, len(bytes_), 97):
                bytes_[at] ^= 0x55
            segments[-1].write_bytes(bytes_)
            for argv in (["--count"], ["-o", "jsonl"], ["-n", "5"], ["--top", "data_type"], ["--histogram", "1h"]):
                p = machine.run("search", "*", *argv, data=data)
                self.assertIn(segments[-1].name, p.stderr.decode())
                self.assertEqual(machine.run("search", "*", *argv, "--strict", data=data, must=False).returncode, 1)
            left = machine.count(data, "*")
            self.assertTrue(0 < left < whole, (left, whole))
            self.assertEqual(len(machine.events(data)), left)

    def test_a_damaged_block_costs_its_segment_once(self):
        """Bytes in the middle, found only when they are read: no event twice, all of the others."""
        with machine.temporary() as folder:
            data = Path(folder) / "data"
            shutil.copytree(self.data, data)
            machine.run("process", self.source / "var/log/auth.log", data=data)
            segments = sorted(data.glob("segments/*/*"), key=lambda p: p.stat().st_size)
            content = segments[-1].read_bytes()
            others = None
            for part in range(1, 20):
                bytes_ = bytearray(content)
                bytes_[len(bytes_) * part // 20] ^= 0xff
                segments[-1].write_bytes(bytes_)
                ids = [(e["event_id"], e["image"]) for e in machine.events(data)]
                self.assertEqual(len(set(ids)), len(ids), part)
                others = others or {i for i in ids if i[1] == "auth.log"}
                self.assertTrue(others <= set(ids), part)

    def test_wrong_use_is_told(self):
        for argv, word in ((["a AND )"], "unexpected"), ([], "query"), (["a", "b"], "quotes"), (["*", "--nonsense"], "nonsense"),
                           (["*", "--from", "soon"], "--from"), (["*", "-o", "xml"], "xml"), (["*", "-n", "many"], "many"),
                           (["*", "--histogram", "1y"], "1y"), (["*", "--order", "up"], "up"), (["*", "--top"], "--top")):
            p = self.search(*argv, must=False)
            self.assertEqual(p.returncode, 2, argv)
            self.assertEqual(p.stdout, b"")
            self.assertIn(word, p.stderr.decode())
            self.assertEqual(p.stderr.count(b"\n"), 1)

    def test_no_data_is_told(self):
        p = machine.run("search", "*", "--count", data=Path(self.folder.name) / "nothing", must=False)
        self.assertEqual(p.returncode, 3)
        self.assertIn("cairn process", p.stderr.decode())
        self.assertFalse((Path(self.folder.name) / "nothing").exists())


if __name__ == "__main__":
    unittest.main()
