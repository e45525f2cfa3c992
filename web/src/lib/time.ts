// Instants of evidence have nanoseconds, which neither a Date nor a double of milliseconds can hold.

export interface Instant {
  seconds: number;
  nanos: number;
}

const isoForm = /^(-?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Reads ISO 8601 with up to nine digits of a second; undefined where the text is no such time. */
export function parseInstant(text: string): Instant | undefined {
  const parts = isoForm.exec(text);
  if (parts === null) return undefined;
  const milliseconds = Date.parse(`${parts[1]}${parts[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return { seconds: milliseconds / 1000, nanos: Number((parts[2] ?? "").padEnd(9, "0")) };
}

/** Exact in the years 1685 to 2255, which a double can count; to 2 µs beyond. */
export function toMicros(at: Instant): number {
  return at.seconds * 1e6 + Math.floor(at.nanos / 1000);
}

export function fromMicros(micros: number): Instant {
  const seconds = Math.floor(micros / 1e6);
  return { seconds, nanos: Math.round(micros - seconds * 1e6) * 1000 };
}

/** ISO 8601 in UTC with as many digits as the instant needs: none, three, six or nine. */
export function toIso(at: Instant): string {
  const head = new Date(at.seconds * 1000).toISOString().slice(0, -5);
  return `${head}${fraction(at.nanos)}Z`;
}

export function fraction(nanos: number, least = 0): string {
  const digits = String(nanos).padStart(9, "0");
  const wanted = nanos === 0 ? 0 : nanos % 1e6 === 0 ? 3 : nanos % 1000 === 0 ? 6 : 9;
  const shown = Math.max(wanted, least);
  return shown === 0 ? "" : `.${digits.slice(0, shown)}`;
}

/** b − a in seconds; exact to the nanosecond below 2^53 ns, to the microsecond beyond. */
export function between(a: Instant, b: Instant): number {
  return b.seconds - a.seconds + (b.nanos - a.nanos) / 1e9;
}

const zones = new Map<string, { format: Intl.DateTimeFormat; offsets: Map<number, number> }>();

/** Minutes that the zone's clock is ahead of UTC at that moment; zones change on quarter hours only. */
export function zoneOffset(seconds: number, zone: string): number {
  if (zone === "UTC") return 0;
  let known = zones.get(zone);
  if (known === undefined) {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      era: "short",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
    });
    known = { format, offsets: new Map() };
    zones.set(zone, known);
  }
  const quarter = Math.floor(seconds / 900);
  const cached = known.offsets.get(quarter);
  if (cached !== undefined) return cached;
  const part: Record<string, string> = {};
  for (const p of known.format.formatToParts(new Date(quarter * 900_000))) part[p.type] = p.value;
  const year = part.era === "BC" ? 1 - Number(part.year) : Number(part.year);
  const wall = new Date(0);
  wall.setUTCFullYear(year, Number(part.month) - 1, Number(part.day));
  wall.setUTCHours(Number(part.hour), Number(part.minute));
  const offset = Math.round((wall.getTime() - quarter * 900_000) / 60_000);
  known.offsets.set(quarter, offset);
  return offset;
}

/** A Date whose UTC fields are what the zone's clock shows. */
export function wallClock(at: Instant | number, zone: string): Date {
  const seconds = typeof at === "number" ? at : at.seconds;
  return new Date((seconds + zoneOffset(seconds, zone) * 60) * 1000);
}

const two = (n: number): string => String(n).padStart(2, "0");
export const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const monthsLong =
  "January February March April May June July August September October November December".split(
    " ",
  );
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");

export function clock(at: Instant | number, zone: string): string {
  const d = wallClock(at, zone);
  return `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

export function date(at: Instant | number, zone: string): string {
  return wallClock(at, zone).toISOString().split("T")[0] ?? "";
}

export function longDate(at: Instant | number, zone: string): string {
  const d = wallClock(at, zone);
  return `${days[d.getUTCDay()]} ${d.getUTCDate()} ${monthsLong[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
}

/** "17 Nov 07:00", with seconds where they are not zero and the year where it is not `year`. */
export function shortMoment(seconds: number, zone: string, year?: number): string {
  const d = wallClock(seconds, zone);
  const whole = Math.floor(seconds);
  const s = d.getUTCSeconds() === 0 && whole === seconds ? "" : `:${two(d.getUTCSeconds())}`;
  const y = d.getUTCFullYear() === year ? "" : ` ${d.getUTCFullYear()}`;
  const day = `${d.getUTCDate()} ${months[d.getUTCMonth()]}${y}`;
  if (d.getUTCHours() === 0 && d.getUTCMinutes() === 0 && s === "") return day;
  return `${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}${s}`;
}

export function zoneLabel(at: Instant | number, zone: string): string {
  if (zone === "UTC") return "UTC";
  const seconds = typeof at === "number" ? at : at.seconds;
  const minutes = zoneOffset(seconds, zone);
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/**
 * Reads what a person types as a moment in `zone`: a date, a date and time of any precision, or a
 * time alone, which is taken on the day of `near`. Undefined where it is none of these.
 */
export function readMoment(text: string, zone: string, near: Instant): Instant | undefined {
  const form =
    /^(?:(\d{4})-(\d\d?)-(\d\d?))?(?:[T ]+|^)?(?:(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|UTC)?$/i;
  const m = form.exec(text.trim());
  if (m === null || (m[1] === undefined && m[4] === undefined)) return undefined;
  const at = m[8] === undefined ? zone : "UTC";
  const today = wallClock(near, at);
  const year = m[1] === undefined ? today.getUTCFullYear() : Number(m[1]);
  const month = m[2] === undefined ? today.getUTCMonth() : Number(m[2]) - 1;
  const day = m[3] === undefined ? today.getUTCDate() : Number(m[3]);
  const [hour, minute, second] = [Number(m[4] ?? 0), Number(m[5] ?? 0), Number(m[6] ?? 0)];
  if (month > 11 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return undefined;
  const wall = Date.UTC(year, month, day, hour, minute, second) / 1000;
  let seconds = wall - zoneOffset(wall, at) * 60;
  seconds = wall - zoneOffset(seconds, at) * 60;
  return { seconds, nanos: Number((m[7] ?? "").padEnd(9, "0")) };
}

const steps = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
  1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 172800, 604800,
];

export interface Tick {
  seconds: number;
  label: string;
}

/** Marks of a time axis, at round moments of the zone's clock, at most `most` of them. */
export function ticks(from: number, until: number, zone: string, most: number): Tick[] {
  const span = until - from;
  if (!(span > 0) || most < 1) return [];
  const step = steps.find((s) => span / s <= most);
  const found: Tick[] = [];
  if (step === undefined || step > 604800 / 2) {
    const monthStep = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600].find(
      (s) => span / (s * 2629746) <= most,
    );
    if (monthStep === undefined) return [];
    const first = wallClock(from, zone);
    let month = first.getUTCFullYear() * 12 + first.getUTCMonth();
    month = Math.ceil(month / monthStep) * monthStep;
    for (; found.length <= most; month += monthStep) {
      const wall = Date.UTC(Math.floor(month / 12), month % 12, 1) / 1000;
      const at = wall - zoneOffset(wall, zone) * 60;
      if (at > until) break;
      if (at < from) continue;
      const year = Math.floor(month / 12);
      found.push({
        seconds: at,
        label: month % 12 === 0 ? `${year}` : `${months[month % 12]} ${year}`,
      });
    }
    return found;
  }
  const offset = zoneOffset(from, zone) * 60;
  const start = Math.ceil((from + offset) / step);
  for (let i = 0; i <= most + 1; i++) {
    const wall = (start + i) * step;
    const at = wall - zoneOffset(wall - offset, zone) * 60;
    if (at > until) break;
    if (at < from) continue;
    found.push({ seconds: at, label: tickLabel(wall, step) });
  }
  return found;
}

function tickLabel(wall: number, step: number): string {
  const d = new Date(Math.round(wall * 1000));
  const midnight = wall % 86400 === 0;
  if (midnight || step >= 86400) return `${d.getUTCDate()} ${months[d.getUTCMonth()]}`;
  const minute = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  if (step >= 60) return minute;
  const second = `${minute}:${two(d.getUTCSeconds())}`;
  return step >= 1 ? second : `${second}.${String(d.getUTCMilliseconds()).padStart(3, "0")}`;
}
