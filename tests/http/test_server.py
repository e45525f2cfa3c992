#!/usr/bin/env python3
"""The API of cairn serve, over a timeline of a small made-up machine: what it answers agrees with cairn search."""
import collections
import csv
import gzip
import io
import json
import re
import socket
import time
import unittest
import urllib.parse

from serving import Listener, Server, machine


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = machine.temporary()
        cls.data, cls.source = machine.make_timeline(cls.folder.name)
        cls.all = machine.events(cls.data)
        cls.server = Server(cls.data)

    @classmethod
    def tearDownClass(cls):
        begin = time.time()
        status, errors = cls.server.stop()
        cls.folder.cleanup()
        assert status == 0 and not errors, (status, errors)
        assert time.time() - begin < 3

    def search(self, query="", **more):
        return self.server.post("/search", dict(query=query, **more))

    # ---- who may ask ----

    def test_nothing_without_the_token(self):
        for path in ("/api/v1/timelines", "/api/v1/openapi.json", "/api/v1/nonsense", "/", "/explore"):
            self.assertEqual(self.server.raw("GET", path, token=False)[0], 401, path)
        for headers in ({"Authorization": "Bearer 0"}, {"Authorization": f"Basic {self.server.token}"},
                        {"Cookie": f"cairn_{self.server.port}={'0' * 32}"}, {"Cookie": f"cairn_1={self.server.token}"}):
            self.assertEqual(self.server.raw("GET", "/api/v1/timelines", headers=headers, token=False)[0], 401, headers)

    def test_cookie_opens(self):
        status, headers, body = self.server.raw("GET", f"/?token={self.server.token}", token=False)
        self.assertEqual(status, 200)
        self.assertIn(b"<html", body)
        cookie = headers["Set-Cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        jar = {"Cookie": "other=1; " + cookie.split(";")[0]}
        self.assertEqual(self.server.raw("GET", "/api/v1/timelines", headers=jar, token=False)[0], 200)
        self.assertEqual(self.server.raw("GET", "/explore?q=x", headers=jar, token=False)[0], 200)
        self.assertEqual(self.server.raw("GET", f"/?token={'0' * 32}", token=False)[0], 401)

    def test_other_hosts_and_pages_are_refused(self):
        for host in ("evil.example", "127.0.0.1.evil.example:80", ""):
            self.assertEqual(self.server.raw("GET", "/api/v1/timelines", headers={"Host": host})[0], 421, host)
        own = f"http://127.0.0.1:{self.server.port}"
        for headers, status in (({"Origin": own}, 200), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                                ({"Sec-Fetch-Site": "same-site"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 200),
                                ({"Host": "localhost:1"}, 200)):
            self.assertEqual(self.server.raw("GET", "/api/v1/timelines", headers=headers)[0], status, headers)

    def test_headers(self):
        for path in ("/api/v1/timelines", f"/?token={self.server.token}", "/api/v1/nonsense"):
            headers = self.server.raw("GET", path)[1]
            self.assertIn("frame-ancestors 'none'", headers["Content-Security-Policy"])
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_assets(self):
        body = self.server.raw("GET", f"/?token={self.server.token}")[2].decode()
        for path in re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg))"', body):
            status, headers, packed = self.server.raw("GET", path, headers={"Accept-Encoding": "gzip"}, token=False)
            self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"))
            status, headers, plain = self.server.raw("GET", path, token=False)
            self.assertEqual((status, headers["Content-Encoding"]), (200, None))
            self.assertEqual(gzip.decompress(packed), plain)
            again = self.server.raw("GET", path, headers={"If-None-Match": headers["ETag"]}, token=False)
            self.assertEqual((again[0], again[2]), (304, b""))
        self.assertEqual(self.server.raw("GET", "/nothing.js")[0], 404)
        self.assertEqual(self.server.raw("GET", "/etc/passwd.txt")[0], 404)

    # ---- timelines, fields ----

    def test_timelines(self):
        [t] = self.server.get("/timelines")["timelines"]
        self.assertEqual((t["id"], t["status"], t["events"], t["visible"]), (1, "ready", len(self.all), True))
        self.assertEqual(t["hostname"], "web01")
        timed = [e for e in self.all if e["timestamp_desc"] != "Not a time"]
        self.assertEqual((t["first"], t["last"]), (timed[0]["datetime"], timed[-1]["datetime"]))
        one = self.server.get("/timelines/1")
        self.assertIn(("hostname", "web01"), {(f["name"], f["value"]) for f in one["facts"]})
        self.assertEqual(self.server.get("/timelines/99", expect=404)["code"], "not_found")
        warnings = self.server.get("/timelines/1/warnings")
        self.assertEqual(warnings["total"], t["warnings"])
        self.assertEqual(self.server.get("/about")["events"], len(self.all))

    def test_fields(self):
        fields = {f["name"]: f for f in self.server.get("/fields")["fields"]}
        present = collections.Counter(k for e in self.all for k in e)
        for name in ("source_ip", "pid", "http_response_code"):
            self.assertEqual(fields[name]["events"], present[name])
            self.assertEqual(fields[name]["timelines"], [1])
            self.assertTrue(fields[name]["meaning"])
        self.assertEqual(fields["pid"]["type"], "int")
        self.assertEqual(fields["source_ip"]["type"], "addr")
        for name in ("message", "datetime", "path", "tag", "starred", "timeline"):
            self.assertIn(name, fields)

    def test_field_values(self):
        want = collections.Counter(e["username"] for e in self.all if e.get("username", "").startswith("user"))
        got = self.server.get("/fields/username/values", query={"prefix": "USER", "limit": 100})["values"]
        self.assertEqual({v["value"]: v["count"] for v in got}, dict(want))
        self.assertEqual(self.server.get("/fields/message/values")["values"], [])
        self.assertEqual(self.server.get("/fields/nosuch/values")["values"], [])
        self.server.get("/fields/username/values", query={"limit": 0}, expect=400)

    # ---- search ----

    def test_hits_are_the_exported_events(self):
        got, cursor = [], None
        while True:
            page = self.search("sshd", limit=90, **({"cursor": cursor} if cursor else {}))
            self.assertEqual(page["offset"], len(got))
            got += page["hits"]
            cursor = page.get("next")
            if not cursor:
                break
        want = [e for e in machine.events(self.data, "sshd")]
        self.assertEqual(page["total"], len(want))
        self.assertEqual(page["of"], len(self.all))
        self.assertEqual([h["event"] for h in got if h["event"]["timestamp_desc"] != "Not a time"],
                         [e for e in want if e["timestamp_desc"] != "Not a time"])
        self.assertTrue(all(h["timeline"] == 1 and h["id"] == h["event"]["event_id"] for h in got))

    def test_pages(self):
        ids = [h["id"] for h in self.search(limit=1000)["hits"]]
        page = self.search(offset=500, limit=10)
        self.assertEqual([h["id"] for h in page["hits"]], ids[500:510])
        back = self.search(cursor=page["previous"], limit=10)
        self.assertEqual(([h["id"] for h in back["hits"]], back["offset"]), (ids[490:500], 490))
        forth = self.search(cursor=page["next"], limit=10)
        self.assertEqual(([h["id"] for h in forth["hits"]], forth["offset"]), (ids[510:520], 510))
        newest = self.search(order="desc", limit=5)
        last = machine.events(self.data, "*", "--order", "desc", "-n", "5")
        self.assertEqual([h["id"] for h in newest["hits"]], [e["event_id"] for e in last])
        self.assertNotIn("previous", newest)
        end = self.search(offset=len(self.all) - 3, limit=100)
        self.assertEqual(len(end["hits"]), 3)
        self.assertNotIn("next", end)
        beyond = self.search(offset=10**15)
        self.assertEqual(beyond["hits"], [])
        self.assertEqual(self.search(limit=0)["total"], len(self.all))

    def test_around(self):
        timed = [e for e in self.all if e["timestamp_desc"] != "Not a time"]
        middle = timed[len(timed) // 2]
        page = self.search(around=middle["datetime"], limit=20)
        times = [h["event"]["timestamp"] for h in page["hits"]]
        self.assertEqual(len(times), 20)
        self.assertLess(times[0], middle["timestamp"])
        self.assertEqual(times[10], middle["timestamp"])

    def test_chosen_fields(self):
        hit = self.search("accepted", limit=1, fields=["source_ip"])["hits"][0]
        self.assertEqual(set(hit["event"]), {"message", "datetime", "timestamp", "timestamp_desc", "data_type", "event_id", "source_ip"})

    def test_times_and_timelines(self):
        want = [e for e in self.all if e["datetime"].startswith("2026-11-17T03")]
        self.assertEqual(self.search(**{"from": "2026-11-17T03", "until": "2026-11-17T03"})["total"], len(want))
        self.assertEqual(self.search(timelines=[1])["total"], len(self.all))
        none = self.search(timelines=[])
        self.assertEqual((none["total"], none["of"], none["hits"]), (0, 0, []))
        self.assertEqual(self.search(timelines=[77])["total"], 0)

    def test_chips(self):
        count = lambda *chips: self.search(chips=list(chips))["total"]
        by = lambda test: sum(1 for e in self.all if test(e))
        user = lambda name, **kw: dict(field="username", value=name, **kw)
        self.assertEqual(count(user("user1")), by(lambda e: e.get("username") == "user1"))
        self.assertEqual(count(user("user1"), user("user2")), by(lambda e: e.get("username") in ("user1", "user2")))
        self.assertEqual(count(user("user1", exclude=True)), by(lambda e: e.get("username") != "user1"))
        self.assertEqual(count(user("user1", active=False)), len(self.all))
        self.assertEqual(count(user(None)), by(lambda e: "username" not in e))
        self.assertEqual(count(user(None, exclude=True)), by(lambda e: "username" in e))
        self.assertEqual(count(dict(field="pid", value=1005)), by(lambda e: e.get("pid") == 1005))
        self.assertEqual(count(user("user1"), dict(field="source_ip", value="203.0.113.1")),
                         by(lambda e: e.get("username") == "user1" and e.get("source_ip") == "203.0.113.1"))
        hour = lambda h, **kw: dict({"from": f"2026-11-17T{h}", "until": f"2026-11-17T{h}"}, **kw)
        at = lambda e, h: e["datetime"].startswith(f"2026-11-17T{h}") and e["timestamp_desc"] != "Not a time"
        self.assertEqual(count(hour("02"), hour("04")), by(lambda e: at(e, "02") or at(e, "04")))
        self.assertEqual(count(hour("02", exclude=True)), by(lambda e: not at(e, "02")))
        self.assertEqual(count(dict(query="accepted OR cron")), machine.count(self.data, "accepted OR cron"))
        self.assertEqual(self.search("a OR sshd", chips=[dict(query="accepted")])["total"],
                         machine.count(self.data, "(a OR sshd) AND accepted"))
        tricky = next(e for e in self.all if "\\x22" in e.get("url", ""))
        self.assertEqual(count(dict(field="url", value=tricky["url"])), by(lambda e: e.get("url") == tricky["url"]))
        self.assertEqual(count(dict(field="timeline", value=1)), len(self.all))

    def test_bad_queries_say_where(self):
        for query, position in (("a AND )", 6), ("(a", None), ("é AND )", 6), ("\U0001f525 AND )", 7), ("pid:[1 TO", None)):
            problem = self.server.post("/search", {"query": query}, expect=400)
            self.assertEqual(problem["code"], "bad_query", query)
            self.assertEqual(problem["field"], "query")
            if position is not None:
                self.assertEqual(problem["position"], position)
        problem = self.server.post("/search", {"chips": [{"query": "ok"}, {"query": "a AND )"}]}, expect=400)
        self.assertEqual((problem["field"], problem["position"]), ("chips[1].query", 6))

    def test_check(self):
        good = self.server.post("/query/check", {"query": 'user:é AND "x y" OR /z/'})
        self.assertTrue(good["ok"])
        self.assertNotIn("error", good)
        text = 'user:é AND "x y" OR /z/'
        words = [(text[t["position"]:t["position"] + t["length"]], t["class"]) for t in good["tokens"]]
        self.assertEqual(words, [("user", "field"), (":", "punctuation"), ("é", "word"), ("AND", "operator"),
                                 ('"x y"', "phrase"), ("OR", "operator"), ("/z/", "regex")])
        bad = self.server.post("/query/check", {"query": "a AND )"})
        self.assertFalse(bad["ok"])
        self.assertEqual(bad["error"]["position"], 6)
        self.assertTrue(self.server.post("/query/check", {"query": ""})["ok"])

    # ---- aggregations ----

    def test_histogram(self):
        h = self.server.post("/search/histogram", {"query": "sshd", "interval": "1h"})
        want = collections.Counter(e["datetime"][:13] for e in machine.events(self.data, "sshd"))
        starts = [time.strftime("%Y-%m-%dT%H", time.gmtime(s // 10**6)) for s in h["starts_us"]]
        self.assertEqual({s: c for s, c in zip(starts, h["counts"]) if c}, dict(want))
        self.assertEqual((h["interval"], h["interval_us"], h["total"]), ("1 hour", 3600 * 10**6, sum(want.values())))
        steps = {b - a for a, b in zip(h["starts_us"], h["starts_us"][1:])}
        self.assertEqual(steps, {h["interval_us"]})
        self.assertEqual(h["series"], [])
        h = self.server.post("/search/histogram", {"query": "", "buckets": 50})
        self.assertLessEqual(len(h["counts"]), 51)
        self.assertEqual(h["total"] + h["untimed"], len(self.all))
        none = self.server.post("/search/histogram", {"query": "nosuchword"})
        self.assertEqual((none["total"], none["counts"]), (0, []))

    def test_histogram_split_and_range(self):
        ask = {"query": "", "split": "data_type", "series": 2, "interval": "1d"}
        h = self.server.post("/search/histogram", ask)
        top = collections.Counter(e["data_type"] for e in self.all if e["timestamp_desc"] != "Not a time").most_common(2)
        self.assertEqual([(s["value"], s["total"]) for s in h["series"][:2]], top)
        for i, n in enumerate(h["counts"]):
            self.assertEqual(sum(s["counts"][i] for s in h["series"]), n)
        by = self.server.post("/search/histogram", {"query": "", "split": "timeline"})
        self.assertEqual([s["value"] for s in by["series"]], [1])
        wide = self.server.post("/search/histogram", {"query": "sshd", "first": "2026-11-01", "last": "2026-11-30", "interval": "1d"})
        self.assertEqual(len(wide["counts"]), 30)
        self.assertEqual(wide["starts_us"][0], 1793491200 * 10**6)
        part = self.server.post("/search/histogram", {"query": "", "first": "2026-11-17T03", "last": "2026-11-17T03", "interval": "1h"})
        self.assertEqual(part["counts"], [sum(e["datetime"].startswith("2026-11-17T03") for e in self.all)])
        self.server.post("/search/histogram", {"query": "", "first": "1700", "last": "2200", "interval": "1s"}, expect=400)
        self.server.post("/search/histogram", {"query": "", "interval": "1y"}, expect=400)

    def test_top(self):
        want = collections.Counter(e["source_ip"] for e in self.all if "source_ip" in e)
        t = self.server.post("/search/top", {"query": "", "field": "source_ip", "n": 5})
        self.assertEqual([v["count"] for v in t["values"]], [c for _, c in want.most_common(5)])
        self.assertTrue(all(want[v["value"]] == v["count"] for v in t["values"]))
        self.assertEqual((t["distinct"], t["missing"], t["total"]), (len(want), len(self.all) - sum(want.values()), len(self.all)))
        rare = self.server.post("/search/top", {"query": "", "field": "source_ip", "n": 1, "rare": True})
        self.assertEqual(rare["values"][0]["count"], min(want.values()))
        pids = self.server.post("/search/top", {"query": "", "field": "http_response_code"})
        self.assertEqual({v["value"]: v["count"] for v in pids["values"]},
                         dict(collections.Counter(e["http_response_code"] for e in self.all if "http_response_code" in e)))
        lines = self.server.post("/search/top", {"query": "", "field": "timeline"})
        self.assertEqual(lines["values"], [{"value": 1, "count": len(self.all)}])
        self.assertEqual(self.server.post("/search/top", {"query": "", "field": "nosuch"})["values"], [])
        self.server.post("/search/top", {"query": "", "field": "message"}, expect=422)
        self.server.post("/search/top", {"query": ""}, expect=400)

    # ---- one event ----

    def test_event_and_its_bytes(self):
        for word, path in (("accepted", "/var/log/auth.log"), ("curl", "/var/log/nginx/access.log")):
            hit = self.search(word, limit=1)["hits"][0]
            one = self.server.get(f"/events/{hit['id']}")
            self.assertEqual(one, hit)
            self.assertEqual(self.server.get(f"/events/{hit['id']}", query={"timeline": 1}), hit)
            e = hit["event"]
            self.assertEqual(e["path"], path)
            raw = (self.source / path[1:]).read_bytes()
            b = self.server.get(f"/events/{hit['id']}/bytes", query={"before": 10, "after": 20})
            begin = max(0, e["offset"] - 10)
            self.assertEqual((b["offset"], b["length"], b["start"], b["cut"]), (e["offset"], e["length"], begin, False))
            self.assertEqual(bytes.fromhex(b["hex"]), raw[begin:e["offset"] + e["length"] + 20])
            self.assertEqual(b["text"], bytes.fromhex(b["hex"]).decode())
        self.server.get(f"/events/{'0' * 40}", expect=404)
        self.server.get(f"/events/{hit['id']}", query={"timeline": 9}, expect=404)
        self.server.get("/events/xyz", expect=400)
        self.server.get(f"/events/{hit['id']}/bytes", query={"before": 10**9}, expect=400)

    # ---- annotations ----

    def test_annotations(self):
        listener = Listener(self.server)
        hit = self.search("accepted", offset=1, limit=1)["hits"][0]["id"]
        self.assertEqual(self.search("starred:true")["total"], 0)
        notes = self.server.call("PUT", f"/events/{hit}/star")
        self.assertTrue(notes["starred"])
        listener.wait_for(lambda i, event, data: event == "annotation" and hit in data["events"])
        found = self.search("starred:true")
        self.assertEqual([h["id"] for h in found["hits"]], [hit])
        self.assertTrue(found["hits"][0]["starred"])
        self.assertEqual(self.search(chips=[dict(field="starred", value=True)])["total"], 1)
        self.assertEqual(self.search(chips=[dict(field="starred", value=False)])["total"], len(self.all) - 1)
        self.assertEqual(self.search("starred:false")["total"], len(self.all) - 1)
        tag = urllib.parse.quote("first / contact é", safe="")
        self.assertEqual(self.server.call("PUT", f"/events/{hit}/tags/{tag}")["tags"], ["first / contact é"])
        self.assertEqual(self.server.get("/tags")["values"], [{"value": "first / contact é", "count": 1}])
        self.assertEqual(self.search("tag:contact")["total"], 1)
        self.assertEqual(self.search(chips=[dict(field="tag", value="first / contact é")])["total"], 1)
        self.assertEqual(self.server.get("/fields/tag/values", query={"prefix": "fi"})["values"][0]["count"], 1)
        notes = self.server.post(f"/events/{hit}/comments", {"text": "This is where\nthey came in."})
        comment = notes["comments"][0]
        self.assertEqual(comment["text"], "This is where\nthey came in.")
        self.assertEqual(self.search("comment:came")["total"], 1)
        self.server.call("PUT", f"/events/{hit}/comments/{comment['id']}", {"text": "Or not."})
        self.assertEqual(self.server.get(f"/events/{hit}")["comments"][0]["text"], "Or not.")
        self.server.call("DELETE", f"/events/{'1' * 40}/comments/{comment['id']}", expect=404)
        self.server.call("DELETE", f"/events/{hit}/comments/{comment['id']}")
        self.server.call("DELETE", f"/events/{hit}/comments/{comment['id']}", expect=404)
        self.server.call("DELETE", f"/events/{hit}/tags/{tag}")
        self.server.call("DELETE", f"/events/{hit}/star")
        notes = self.server.call("DELETE", f"/events/{hit}/star")
        self.assertEqual((notes["starred"], notes["tags"], notes["comments"]), (False, [], []))
        self.assertEqual(self.search("starred:true")["total"], 0)
        ids = [h["id"] for h in self.search("cron", limit=20)["hits"]]
        self.server.post("/annotations", {"events": ids, "star": True, "add_tags": ["noise"]})
        self.assertEqual(self.search("starred:true AND tag:noise")["total"], len(ids))
        self.assertEqual(machine.count(self.data, "tag:noise"), len(ids))
        top = self.server.post("/search/top", {"query": "cron", "field": "tag"})
        self.assertEqual(top["values"], [{"value": "noise", "count": len(ids)}])
        self.assertEqual((top["distinct"], top["missing"]), (1, top["total"] - len(ids)))
        self.assertEqual(self.server.post("/search/top", {"query": "accepted", "field": "tag"})["values"], [])
        self.server.post("/annotations", {"events": ids, "star": False, "remove_tags": ["noise"]})
        self.assertEqual(self.search("starred:true OR tag:noise")["total"], 0)
        for bad in ({"events": ids, "add_tags": [" x"]}, {"events": ids, "add_tags": [""]}, {"events": ["x"]}):
            self.server.post("/annotations", bad, expect=400)
        self.server.post(f"/events/{hit}/comments", {"text": " \n"}, expect=400)
        listener.close()

    def test_stream_resumes(self):
        first = Listener(self.server)
        hello = first.wait_for(lambda i, event, data: event == "hello")
        hit = self.all[0]["event_id"]
        self.server.call("PUT", f"/events/{hit}/star")
        first.wait_for(lambda i, event, data: event == "annotation")
        again = Listener(self.server, hello[0])
        again.wait_for(lambda i, event, data: event == "annotation" and data["events"] == [hit])
        lost = Listener(self.server, "123-456")
        lost.wait_for(lambda i, event, data: event == "reset")
        self.server.call("DELETE", f"/events/{hit}/star")
        for listener in (first, again, lost):
            listener.close()

    # ---- export ----

    def test_export(self):
        get = lambda **q: self.server.raw("GET", "/api/v1/export?" + urllib.parse.urlencode(q))
        status, headers, body = get(format="jsonl")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/x-ndjson"))
        self.assertIn("attachment", headers["Content-Disposition"])
        self.assertEqual([json.loads(l) for l in body.decode().splitlines()], self.all)
        body = get(format="csv", query="sshd", order="desc", limit=5)[2].decode()
        rows = list(csv.DictReader(io.StringIO(body, newline="")))
        want = machine.events(self.data, "sshd", "--order", "desc", "-n", "5")
        self.assertEqual([r["event_id"] for r in rows], [e["event_id"] for e in want])
        chips = json.dumps([{"field": "username", "value": "user1"}])
        body = get(format="jsonl", chips=chips)[2].decode()
        self.assertEqual(len(body.splitlines()), machine.count(self.data, 'username:="user1"'))
        self.assertEqual(get(timelines="")[0:3:2], (200, b""))
        for bad in (dict(format="xml"), dict(query="a AND )"), dict(chips="{"), dict(timelines="x"), dict(nonsense=1), dict(limit=0)):
            self.assertEqual(get(**bad)[0], 400, bad)

    # ---- what is wrong with a request ----

    def test_wrong_requests(self):
        s = self.server
        self.assertEqual(s.get("/nosuch", expect=404)["code"], "not_found")
        status, headers, _ = s.raw("DELETE", "/api/v1/search")
        self.assertEqual((status, headers["Allow"]), (405, "POST"))
        status, headers, _ = s.raw("POST", "/api/v1/timelines", b"x")
        self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(s.raw("POST", "/api/v1/search", b"{}", {"Content-Type": "text/plain"})[0], 415)
        self.assertEqual(s.raw("POST", "/api/v1/search", b"{}")[0], 415)
        self.assertEqual(s.raw("POST", "/", b"{}")[0], 405)
        for body in (b"", b"nonsense", b"[]", b"\xff", b'{"query":"a","query":"b"}', b"[" * 100000, b'{"query":"\\u0000"}'):
            self.assertEqual(s.raw("POST", "/api/v1/search", body, {"Content-Type": "application/json"})[0], 400, body[:20])
        for body, field in (({"nonsense": 1}, "nonsense"), ({"limit": 1001}, "limit"), ({"order": "up"}, "order"),
                            ({"from": "soon"}, "from"), ({"around": "?"}, "around"), ({"cursor": "x"}, "cursor"),
                            ({"offset": 1, "around": "2026"}, "cursor"), ({"chips": [{}]}, "chips[0]"),
                            ({"chips": [{"field": "a b", "value": 1}]}, "chips[0].field"), ({"query": 1}, "query"),
                            ({"chips": [{"from": "x"}]}, "chips[0].from"), ({"timelines": ["a"]}, "timelines")):
            problem = s.post("/search", body, expect=400)
            self.assertEqual(problem["field"], field)
            self.assertTrue(problem["detail"])
        for path in ("/events/%zz", "/timelines/1?x=%", "/timelines/%00", "/timelines/%ff"):
            self.assertEqual(s.raw("GET", "/api/v1" + path)[0], 400, path)
        self.assertEqual(s.raw("POST", "/api/v1/search", b" " * (3 << 20), {"Content-Type": "application/json"})[0], 413)
        long = json.dumps({"query": "a" * 20000}).encode()
        self.assertEqual(s.raw("POST", "/api/v1/search", long, {"Content-Type": "application/json"})[0], 400)

    def test_broken_wire(self):
        def send(data, wait=True):
            with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as c:
                c.sendall(data)
                c.shutdown(socket.SHUT_WR)
                return c.recv(4096) if wait else b""
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {self.server.token}\r\n".encode()
        for data in (b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"POST /api/v1/search HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\nContent-Length: -5\r\n\r\n",
                     b"POST /api/v1/search HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + head + b"\r\n"):
            try:
                answer = send(data)
            except ConnectionError:
                continue
            self.assertNotIn(b" 500 ", answer.split(b"\r\n")[0] + b" ", data[:40])
        for data in (b"\r\n\r\n", b"\x00\xff\x00\r\n\r\n"):  # no request, so no answer is owed
            send(data, False)
        for _ in range(20):
            send(b"POST /api/v1/search HTTP/1.1\r\n" + head + b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", False)
        self.assertEqual(self.search(limit=0)["total"], len(self.all))

    def test_many_at_once(self):
        import concurrent.futures
        def one(i):
            q = ("sshd", "cron", "*", "message:/user[0-9]/", "")[i % 5]
            total = self.search(q, limit=i % 50)["total"]
            self.server.post("/search/histogram", {"query": q, "split": "data_type"})
            self.server.post("/search/top", {"query": q, "field": ("username", "data_type", "pid")[i % 3]})
            return q, total
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            totals = collections.defaultdict(set)
            for q, total in pool.map(one, range(120)):
                totals[q].add(total)
        self.assertTrue(all(len(t) == 1 for t in totals.values()))
        self.assertEqual(totals["sshd"], {machine.count(self.data, "sshd")})


class Empty(unittest.TestCase):
    def test_empty_folder(self):
        with machine.temporary() as folder:
            server = Server(folder + "/new")
            try:
                self.assertEqual(server.get("/timelines"), {"timelines": []})
                found = server.post("/search", {"query": "x"})
                self.assertEqual((found["total"], found["of"]), (0, 0))
                self.assertEqual(server.post("/search/histogram", {"query": ""})["counts"], [])
                self.assertTrue(server.get("/fields")["fields"])
                listener = Listener(server)
                listener.wait_for(lambda i, event, data: event == "hello")
                source = machine.make_machine(machine.Path(folder) / "web01")
                machine.run("process", source, data=folder + "/new")
                listener.wait_for(lambda i, event, data: event == "timeline" and data["timeline"]["status"] == "ready")
                listener.wait_for(lambda i, event, data: event == "segment" and data["events"] > 0)
                self.assertEqual(server.post("/search", {"query": "accepted"})["total"], 8)
                first = server.get("/timelines")["timelines"][0]
                star = server.post("/search", {"query": "accepted", "limit": 1})["hits"][0]["id"]
                server.call("PUT", f"/events/{star}/star")
                # The same source again: the new timeline takes the old one's place, and stars stay.
                machine.run("process", source, data=folder + "/new")
                listener.wait_for(lambda i, event, data: event == "timeline" and data["gone"] and data["id"] == first["id"])
                [second] = server.get("/timelines")["timelines"]
                self.assertNotEqual(second["id"], first["id"])
                self.assertEqual(second["events"], first["events"])
                found = server.post("/search", {"query": "starred:true"})
                self.assertEqual([(h["id"], h["timeline"]) for h in found["hits"]], [(star, second["id"])])
            finally:
                status, errors = server.stop()
            self.assertTrue(listener.ended.wait(5))
            listener.close()
            self.assertEqual((status, errors), (0, ""))

    def test_addresses(self):
        with machine.temporary() as folder:
            for listen, word in (("0.0.0.0:0", "sign-in"), ("192.0.2.1:80", "sign-in"), ("nonsense:1", "address"), ("127.0.0.1:99999", "port"),
                                 ("[::]:0", "sign-in")):
                p = machine.run("serve", "--listen", listen, data=folder, must=False)
                self.assertEqual(p.returncode, 2, listen)
                self.assertIn(word, p.stderr.decode())
            busy = socket.create_server(("127.0.0.1", 0))
            p = machine.run("serve", "--listen", f"127.0.0.1:{busy.getsockname()[1]}", data=folder, must=False)
            self.assertEqual(p.returncode, 3)
            self.assertIn("cannot listen", p.stderr.decode())
            busy.close()


if __name__ == "__main__":
    unittest.main()
