import assert from "node:assert/strict";
import { test } from "node:test";
import {
  between,
  clock,
  date,
  fraction,
  fromMicros,
  parseInstant,
  readMoment,
  shortMoment,
  ticks,
  toIso,
  toMicros,
  zoneOffset,
} from "../src/lib/time";
import { compact, span, spanWords } from "../src/lib/format";

const at = (text: string) => {
  const found = parseInstant(text);
  assert.ok(found, text);
  return found;
};

test("instants keep their nanoseconds", () => {
  const one = at("2026-11-18T01:12:19.660431007+00:00");
  assert.equal(one.nanos, 660431007);
  assert.equal(toIso(one), "2026-11-18T01:12:19.660431007Z");
  assert.equal(toIso(at("2026-11-18T01:12:19Z")), "2026-11-18T01:12:19Z");
  assert.equal(toIso(at("2026-11-18T02:12:19.5+01:00")), "2026-11-18T01:12:19.500Z");
  assert.equal(between(one, at("2026-11-18T01:12:19.660431008Z")), 1e-9);
  assert.equal(fraction(0), "");
  assert.equal(fraction(0, 6), ".000000");
  assert.equal(fraction(7), ".000000007");
});

test("instants before 1970 and far ahead", () => {
  const old = at("1700-01-01T00:00:00.000001Z");
  assert.equal(toMicros(old), -8520336000 * 1e6 + 1);
  assert.deepEqual(fromMicros(toMicros(old)), old);
  assert.equal(toIso(at("2262-04-11T23:47:16.854775807Z")), "2262-04-11T23:47:16.854775807Z");
  assert.equal(at("1969-12-31T23:59:59.25Z").seconds, -1);
});

test("what is no time is none", () => {
  for (const text of [
    "",
    "yesterday",
    "2026-13-01T00:00:00Z",
    "2026-11-18",
    "2026-11-18T01:12:19",
  ]) {
    assert.equal(parseInstant(text), undefined, text);
  }
});

test("zones, also where the clock is changed", () => {
  assert.equal(zoneOffset(at("2026-03-29T00:59:59Z").seconds, "Europe/Berlin"), 60);
  assert.equal(zoneOffset(at("2026-03-29T01:00:00Z").seconds, "Europe/Berlin"), 120);
  assert.equal(zoneOffset(0, "Asia/Kathmandu"), 330);
  assert.equal(clock(at("2026-11-18T23:30:00Z"), "Europe/Berlin"), "00:30:00");
  assert.equal(date(at("2026-11-18T23:30:00Z"), "Europe/Berlin"), "2026-11-19");
});

test("moments that people type", () => {
  const near = at("2026-11-18T10:00:00Z");
  const read = (text: string, zone = "UTC") => {
    const found = readMoment(text, zone, near);
    return found === undefined ? undefined : toIso(found);
  };
  assert.equal(read("2026-11-18"), "2026-11-18T00:00:00Z");
  assert.equal(read("2026-11-18 01:12:19.5"), "2026-11-18T01:12:19.500Z");
  assert.equal(read("01:12"), "2026-11-18T01:12:00Z");
  assert.equal(read("01:12", "Europe/Berlin"), "2026-11-18T00:12:00Z");
  assert.equal(read("2026-11-18T01:12Z", "Europe/Berlin"), "2026-11-18T01:12:00Z");
  assert.equal(read("2026-07-01 00:00", "Europe/Berlin"), "2026-06-30T22:00:00Z");
  for (const text of ["", "x", "25:00", "2026-13-01", "2026-01-32", "12"]) {
    assert.equal(read(text), undefined, text);
  }
});

test("axes have marks at round moments, never too many", () => {
  const from = at("2026-11-17T07:03:00Z").seconds;
  const labels = ticks(from, from + 30 * 3600, "UTC", 10).map((t) => t.label);
  assert.deepEqual(labels, [
    "09:00",
    "12:00",
    "15:00",
    "18:00",
    "21:00",
    "18 Nov",
    "03:00",
    "06:00",
    "09:00",
    "12:00",
  ]);
  for (const long of [1e-4, 0.003, 1, 59, 3600, 86400, 40 * 86400, 3e7, 3e8, 8e9, 2e10]) {
    for (const zone of ["UTC", "America/New_York"]) {
      const marks = ticks(from, from + long, zone, 12);
      assert.ok(marks.length <= 13, `${marks.length} marks for ${long} s`);
      assert.ok(marks.every((m) => m.seconds >= from && m.seconds <= from + long));
    }
  }
  assert.deepEqual(ticks(5, 5, "UTC", 10), []);
});

test("numbers and spans as people read them", () => {
  assert.equal(compact(9_999), "9,999");
  assert.equal(compact(12_640), "12.6 k");
  assert.equal(span(0.011), "11 ms");
  assert.equal(span(8.64), "8.6 s");
  assert.equal(span(2460), "41 min");
  assert.equal(span(5e-9), "5 ns");
  assert.equal(spanWords(2460), "41 minutes");
  assert.equal(spanWords(3 * 86400), "3 days");
  assert.equal(spanWords(1), "1 second");
  assert.equal(shortMoment(at("2026-11-17T07:00:00Z").seconds, "UTC", 2026), "17 Nov 07:00");
  assert.equal(shortMoment(at("2025-11-17T00:00:00Z").seconds, "UTC", 2026), "17 Nov 2025");
});
