// Filters beside the query: making, joining and naming them.

import type { Chip, FieldValue } from "../api/generated";
import { parseInstant, readMoment, shortMoment, toMicros } from "../lib/time";

export function isTime(chip: Chip): boolean {
  return chip.field === undefined && chip.query === undefined;
}

export function isActive(chip: Chip): boolean {
  return chip.active !== false;
}

export function sameFilter(a: Chip, b: Chip): boolean {
  return (
    a.field === b.field &&
    a.value === b.value &&
    a.query === b.query &&
    a.from === b.from &&
    a.until === b.until
  );
}

/** The chips with one more; the same filter in another form (excluded, off) gives way to it. */
export function withChip(chips: Chip[], chip: Chip): Chip[] {
  return [...chips.filter((c) => !sameFilter(c, chip)), chip];
}

export function withoutChip(chips: Chip[], chip: Chip): Chip[] {
  return chips.filter((c) => !sameFilter(c, chip));
}

export function valueChip(field: string, value: FieldValue | null, exclude = false): Chip {
  return exclude ? { field, value, exclude } : { field, value };
}

const isoMicros = (micros: number): string => {
  const seconds = Math.floor(micros / 1e6);
  const rest = String(Math.round(micros - seconds * 1e6)).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${rest}Z`;
};

/** A range from one microsecond up to, not including, another. */
export function timeChip(fromMicros: number, untilMicros: number): Chip {
  return { from: isoMicros(fromMicros), until: isoMicros(Math.max(fromMicros, untilMicros - 1)) };
}

/** [from, until) in microseconds; a side that is open is undefined. */
export function timeRange(chip: Chip): [number | undefined, number | undefined] {
  const origin = { seconds: 0, nanos: 0 };
  const read = (text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const at = parseInstant(text) ?? readMoment(text, "UTC", origin);
    return at === undefined ? undefined : toMicros(at);
  };
  const until = read(chip.until);
  return [read(chip.from), until === undefined ? undefined : until + 1];
}

/** From the earliest to the latest moment of the time ranges that are on; undefined where all is open. */
export function timeHull(chips: Chip[]): [number, number] | undefined {
  let hull: [number, number] | undefined;
  for (const chip of chips) {
    if (!isTime(chip) || !isActive(chip) || chip.exclude === true) continue;
    const [from, until] = timeRange(chip);
    if (from === undefined || until === undefined) return undefined;
    hull = hull === undefined ? [from, until] : [Math.min(hull[0], from), Math.max(hull[1], until)];
  }
  return hull;
}

/** All time ranges that are on give way to this one; those that are off stay. */
export function withTime(chips: Chip[], time: Chip | undefined): Chip[] {
  const rest = chips.filter((c) => !(isTime(c) && isActive(c) && c.exclude !== true));
  return time === undefined ? rest : [time, ...rest];
}

const names: Record<string, string> = {
  data_type: "type",
  hostname: "host",
  username: "user",
  source_ip: "from",
};

export function chipLabel(
  chip: Chip,
  zone: string,
  year: number,
  timelineName: (id: FieldValue) => string,
): string {
  const not = chip.exclude === true ? "not " : "";
  if (chip.query !== undefined) return `${not}${chip.query}`;
  if (chip.field !== undefined) {
    const name = names[chip.field] ?? chip.field;
    if (chip.value === null || chip.value === undefined) return `${not}${name} unset`;
    const value = chip.field === "timeline" ? timelineName(chip.value) : String(chip.value);
    return `${not}${name} ${value === "" ? "“”" : value}`;
  }
  const [from, until] = timeRange(chip);
  const moment = (micros: number): string =>
    shortMoment(Math.round(micros / 1e3) / 1e3, zone, year);
  if (from === undefined) return `${not}until ${until === undefined ? "…" : moment(until)}`;
  if (until === undefined) return `${not}from ${moment(from)}`;
  return `${not}${moment(from)} – ${moment(until)}`;
}
