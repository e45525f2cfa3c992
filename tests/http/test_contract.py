#!/usr/bin/env python3
"""The API against its own description: requests made up from it, right and wrong ones, are answered as it says, every answer has the
shape that it gives, and nothing brings the server down. The seed is fixed; CAIRN_ROUNDS makes it longer."""
import json
import os
import random
import re
import unittest
import urllib.parse

from serving import Server, machine

ROUNDS = int(os.environ.get("CAIRN_ROUNDS", "60"))
WORDS = ["", "sshd", "*", "a AND )", "pid:[1 TO", "é", "\U0001f525", "username:user1", "message:/user[0-9]/", "starred:true", "tag:x", "2026-11-17",
         "2026-11-17T03:00:00Z", "9999", "1601-01-01", "-1", "timeline", "data_type", "inode", "message", "datetime", "\\", '"', "\n", "a" * 300,
         "1h", "1us", "1w", "offset", "NOT NOT x", "(((((", "%s%n", "../../etc", "source_ip:203.0.113.0/24", "timestamp:[* TO 5]"]


class Maker:
    def __init__(self, api, seed, ids):
        self.api, self.random, self.ids = api, random.Random(seed), ids

    def resolve(self, schema):
        while "$ref" in schema:
            node = self.api
            for part in schema["$ref"][2:].split("/"):
                node = node[part]
            schema = node
        return schema

    def members(self, schema):
        out = {}
        for base in schema.get("allOf", []):
            out.update(self.members(self.resolve(base)))
        out.update(schema.get("properties", {}))
        return out

    def wrong(self):
        return self.random.choice([None, True, -1, 10**30, 1.5, "x", "", [], {}, [1], {"a": 1}, [[]], "\ud7ff", [None] * 200, 1e308])

    def value(self, schema, mischief):
        schema, r = self.resolve(schema), self.random
        if r.random() < mischief:
            return self.wrong()
        if "enum" in schema:
            return r.choice(schema["enum"])
        kind = schema.get("type", "object")
        kind = r.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            members, required = self.members(schema), schema.get("required", [])
            made = {k: self.value(v, mischief) for k, v in members.items() if k in required or r.random() < 0.35}
            if r.random() < mischief:
                made[r.choice(WORDS)] = self.wrong()
            return made
        if kind == "array":
            low, high = schema.get("minItems", 0), min(schema.get("maxItems", 4), 4)
            return [self.value(schema["items"], mischief) for _ in range(r.randint(low, high))]
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", -5), schema.get("maximum", 1000)
            return r.choice([low, high, min(high, max(low, r.randint(0, 5))), r.randint(low, high)] + ([low - 1, high + 1] if r.random() < mischief else []))
        if kind == "boolean":
            return r.random() < 0.5
        if kind == "null":
            return None
        if "pattern" in schema:
            return r.choice(self.ids)
        return r.choice(WORDS)


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = machine.temporary()
        cls.data, _ = machine.make_timeline(cls.folder.name)
        cls.server = Server(cls.data)
        cls.api = cls.server.get("/openapi.json")
        cls.ids = [h["id"] for h in cls.server.post("/search", {"limit": 5})["hits"]] + ["0" * 40]

    @classmethod
    def tearDownClass(cls):
        status, errors = cls.server.stop()
        cls.folder.cleanup()
        assert (status, errors) == (0, ""), (status, errors)

    def check_shape(self, maker, schema, value, where):
        schema = maker.resolve(schema)
        types = schema.get("type", "object")
        types = types if isinstance(types, list) else [types]
        names = {str: ["string"], bool: ["boolean"], int: ["integer", "number"], float: ["number"], list: ["array"], dict: ["object"], type(None): ["null"]}
        self.assertTrue(set(names[type(value)]) & set(types), f"{where}: {value!r} is no {types}")
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        if "pattern" in schema:
            self.assertRegex(value, schema["pattern"], where)
        if isinstance(value, list):
            for i, item in enumerate(value):
                self.check_shape(maker, schema["items"], item, f"{where}[{i}]")
        if isinstance(value, dict) and (schema.get("properties") or schema.get("allOf")):
            members = maker.members(schema)
            for key in schema.get("required", []):
                self.assertIn(key, value, where)
            for key, item in value.items():
                more = schema.get("additionalProperties")
                self.assertTrue(key in members or more, f"{where}: {key} is not described")
                self.check_shape(maker, members.get(key, more), item, f"{where}.{key}")

    def ask(self, maker, method, path, spec, mischief):
        r, query, headers = maker.random, {}, {}
        for parameter in map(maker.resolve, spec.get("parameters", [])):
            is_json = "content" in parameter
            schema = parameter["content"]["application/json"]["schema"] if is_json else parameter["schema"]
            value = maker.value(schema, mischief)
            text = json.dumps(value) if is_json or not isinstance(value, str) else value
            if parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", urllib.parse.quote(text, safe="") or "x")
            elif parameter["in"] == "query" and r.random() < 0.5:
                query[parameter["name"]] = text
        body = None
        if "requestBody" in spec:
            schema = spec["requestBody"]["content"]["application/json"]["schema"]
            body = json.dumps(maker.value(schema, mischief)).encode()
            headers["Content-Type"] = "application/json"
            if r.random() < mischief:
                body = body[:r.randrange(len(body) + 1)]
        url = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        return url, body, self.server.raw(method, url, body, headers)

    def test_requests_made_from_the_description(self):
        statuses = {}
        for path, item in self.api["paths"].items():
            for method, spec in item.items():
                if spec["operationId"] == "stream":
                    continue
                for i in range(ROUNDS):
                    maker = Maker(self.api, f"{path} {method} {i}", self.ids)
                    url, body, (status, headers, content) = self.ask(maker, method.upper(), path, spec, 0 if i % 3 == 0 else 0.1)
                    where = f"{method} {url} {body!r:.300}"
                    statuses.setdefault(spec["operationId"], set()).add(status)
                    self.assertIn(status, (200, 400, 404, 422), f"{where}: {status} {content!r:.300}")
                    kind = headers["Content-Type"]
                    if status != 200:
                        self.assertEqual(kind, "application/problem+json", where)
                        problem = json.loads(content)
                        self.check_shape(maker, {"$ref": "#/components/schemas/Problem"}, problem, where)
                        self.assertEqual(problem["status"], status)
                    elif kind == "application/json":
                        schema = spec["responses"]["200"]["content"]["application/json"]["schema"]
                        self.check_shape(maker, schema, json.loads(content), where)
                    else:
                        self.assertIn(kind.split(";")[0], spec["responses"]["200"]["content"], where)
        for name, seen in statuses.items():
            if name not in ("changeComment", "deleteComment"):  # those need the id of a comment; test_server.py has one
                self.assertIn(200, seen, f"{name} was never answered")
        self.assertTrue(self.server.post("/search", {})["total"])


if __name__ == "__main__":
    unittest.main()
