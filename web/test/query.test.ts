import assert from "node:assert/strict";
import { test } from "node:test";
import type { Chip, HistogramResponse, QueryToken } from "../src/api/generated";
import { emptyView, readAddress, readChip, writeAddress, writeChip } from "../src/explore/address";
import { timeChip, timeHull, timeRange, withChip, withTime } from "../src/explore/chips";
import { asHex, asText, fromHex } from "../src/explore/hex";
import { gapAt, mark, markPattern, pieces, quote } from "../src/explore/query";
import { denseRange } from "../src/explore/dense";

test("chips come back from the address as they were", () => {
  const chips: Chip[] = [
    { field: "username", value: "a=b:c&d #%" },
    { field: "username", value: "nagios", exclude: true, active: false },
    { field: "source_port", value: 22 },
    { field: "is_allocated", value: false, exclude: true },
    { field: "url", value: null },
    { field: "message", value: "" },
    { from: "2026-11-17T07:00:00Z", until: "2026-11-18" },
    { from: "2026-11-17T07:00:00Z" },
    { until: "2026-11-18", active: false },
    { query: 'starred:true OR tag:"a+b"' },
  ];
  for (const chip of chips) assert.deepEqual(readChip(writeChip(chip)), chip);
  const view = {
    ...emptyView,
    query: "a AND 'ü' \"x\"",
    chips,
    log: true,
    split: "hostname",
    columns: ["pid"],
  };
  assert.deepEqual(readAddress(new URL(writeAddress(view), "http://x").search), view);
});

test("an address that is nonsense is read as far as it makes sense", () => {
  const view = readAddress(
    "?c=&c=%2B&c=%2B@..&c=%2Ba:{}&c=%2Ba:nul&event=xyz&context=1.2.3&page=admin&order=up",
  );
  assert.deepEqual(view, emptyView);
  assert.equal(writeAddress(emptyView), "/");
});

test("one filter stands there once", () => {
  const one = withChip([], { field: "a", value: "x" });
  assert.deepEqual(withChip(one, { field: "a", value: "x", exclude: true }), [
    { field: "a", value: "x", exclude: true },
  ]);
  assert.equal(withChip(one, { field: "a", value: "y" }).length, 2);
});

test("ranges of time are exact to the microsecond, and half open", () => {
  const chip = timeChip(1_000_000, 2_000_000);
  assert.deepEqual(chip, {
    from: "1970-01-01T00:00:01.000000Z",
    until: "1970-01-01T00:00:01.999999Z",
  });
  assert.deepEqual(timeRange(chip), [1_000_000, 2_000_000]);
  const off = { ...timeChip(0, 10), active: false };
  assert.deepEqual(timeHull([chip, timeChip(5_000_000, 6_000_000), off]), [1_000_000, 6_000_000]);
  assert.equal(timeHull([{ from: "2026-11-18" }]), undefined);
  assert.deepEqual(withTime([off, chip, { query: "x" }], undefined), [off, { query: "x" }]);
});

test("values are quoted where they must be", () => {
  assert.equal(quote("203.0.113.77"), "203.0.113.77");
  assert.equal(quote("syslog:ssh:login"), "syslog:ssh:login");
  assert.equal(quote('say "hi" \\'), '"say \\"hi\\" \\\\"');
  for (const text of ["", "a b", "OR", "x*", "(a)", "-a", "[1 TO 2]"]) {
    assert.match(quote(text), /^".*"$/, text);
  }
});

test("what is completed at the caret", () => {
  assert.deepEqual(gapAt("data_t", 6), { kind: "field", from: 0, prefix: "data_t" });
  assert.deepEqual(gapAt("a AND (user", 11), { kind: "field", from: 7, prefix: "user" });
  assert.deepEqual(gapAt("data_type:sys", 13), {
    kind: "value",
    from: 10,
    field: "data_type",
    prefix: "sys",
  });
  assert.deepEqual(gapAt('path:"/var/l', 12), {
    kind: "value",
    from: 5,
    field: "path",
    prefix: "/var/l",
  });
  assert.deepEqual(gapAt("user:=ro", 8), { kind: "value", from: 6, field: "user", prefix: "ro" });
  assert.equal(gapAt("", 0), undefined);
  assert.equal(gapAt('"some words', 11)?.kind, "field");
  assert.equal(gapAt("a ", 2), undefined);
});

const token = (position: number, length: number, kind: QueryToken["class"]): QueryToken => ({
  position,
  length,
  class: kind,
});

test("colours stay while one types", () => {
  const tokens = [
    token(0, 1, "field"),
    token(1, 1, "punctuation"),
    token(2, 1, "word"),
    token(4, 3, "operator"),
  ];
  const text = pieces("a:bcd AND", tokens, "a:b AND");
  assert.equal(text.map((p) => p.text).join(""), "a:bcd AND");
  assert.equal(text.find((p) => p.text === "AND")?.kind, "operator");
  assert.equal(text[0]?.kind, "field");
  for (const now of ["", "a", "AND", "a:b AND a:b AND", "zzz"]) {
    assert.equal(
      pieces(now, tokens, "a:b AND")
        .map((p) => p.text)
        .join(""),
      now,
    );
  }
});

test("what was searched for is marked, what was not is not", () => {
  const query = 'fail* AND "for root" AND NOT closed';
  const tokens = [
    token(0, 5, "word"),
    token(6, 3, "operator"),
    token(10, 10, "phrase"),
    token(21, 3, "operator"),
    token(25, 3, "operator"),
    token(29, 6, "word"),
  ];
  const pattern = markPattern(query, tokens);
  const found = mark("Failed password for root, closed, unfailed", pattern);
  assert.deepEqual(
    found.filter((p) => p.hit).map((p) => p.text),
    ["Failed", "for root"],
  );
  assert.equal(found.map((p) => p.text).join(""), "Failed password for root, closed, unfailed");
  assert.equal(markPattern("*", [token(0, 1, "word")]), undefined);
  const odd = markPattern("a(b[c\\d", [token(0, 7, "word")]);
  assert.ok(odd === undefined || odd instanceof RegExp);
});

test("bytes: the record apart from what is around it", () => {
  const bytes = fromHex("41420a00ff43");
  assert.deepEqual(asText(bytes, 2, 5), [
    { text: "AB", own: false },
    { text: "\n␀\ufffd", own: true },
    { text: "C", own: false },
  ]);
  const lines = asHex(bytes, 6, 2, 5, 8);
  assert.equal(lines.length, 2);
  assert.equal(lines[0]?.offset, "00000000");
  assert.equal(
    lines[0]?.digits
      .map((p) => p.text)
      .join("")
      .trim(),
    "41 42",
  );
  assert.equal(
    lines[1]?.digits
      .filter((p) => p.own)
      .map((p) => p.text)
      .join("")
      .trim(),
    "0a 00 ff",
  );
  assert.deepEqual(asText(new Uint8Array(0), 0, 0), []);
});

test("a strip does not begin at a clock that stood at 1970", () => {
  const counts = new Array<number>(100).fill(0);
  counts[0] = 3;
  counts[90] = 5000;
  counts[91] = 6000;
  const all: HistogramResponse = {
    total: 11003,
    untimed: 0,
    took_ms: 1,
    interval: "1",
    interval_us: 10,
    starts_us: counts.map((_, i) => i * 10),
    counts,
    series: [],
  };
  assert.deepEqual(denseRange(all), [900, 920]);
  assert.deepEqual(denseRange({ ...all, counts: counts.map(() => 5) }), [0, 1000]);
  assert.equal(denseRange({ ...all, counts: [], starts_us: [] }), undefined);
});
