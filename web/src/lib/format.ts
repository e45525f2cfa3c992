// Numbers as a person reads them.

const grouped = new Intl.NumberFormat("en");

export function count(n: number): string {
  return grouped.format(n);
}

/** "1,402", "12.6 k", "3.2 M": for where there is no room. */
export function compact(n: number): string {
  if (n < 10_000) return grouped.format(n);
  const [scaled, unit] = n < 1e6 ? [n / 1e3, "k"] : n < 1e9 ? [n / 1e6, "M"] : [n / 1e9, "G"];
  return `${scaled < 100 ? scaled.toFixed(1) : scaled.toFixed(0)} ${unit}`;
}

export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  let scaled = n / 1024;
  let unit = 0;
  while (scaled >= 1024 && unit < 4) {
    scaled /= 1024;
    unit++;
  }
  return `${scaled < 10 ? scaled.toFixed(1) : scaled.toFixed(0)} ${"KiB MiB GiB TiB PiB".split(" ")[unit]}`;
}

/** A span of time in one unit, short: "11 ms", "8.6 s", "41 min", "3 h", "12 d". */
export function span(seconds: number): string {
  const s = Math.abs(seconds);
  if (s === 0) return "0";
  if (s < 1e-6) return `${Math.round(s * 1e9)} ns`;
  if (s < 1e-3) return `${Math.round(s * 1e6)} µs`;
  if (s < 1) return `${Math.round(s * 1e3)} ms`;
  if (s < 100) return `${s.toFixed(1)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172_800) return `${Math.round(s / 3600)} h`;
  if (s < 63_072_000) return `${Math.round(s / 86_400)} d`;
  return `${(s / 31_556_952).toFixed(1)} y`;
}

/** The same in words: "41 minutes", "3 days". */
export function spanWords(seconds: number): string {
  const units: [number, string][] = [
    [31_556_952, "year"],
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
  ];
  for (const [size, name] of units) {
    if (seconds >= size * 2 || (size <= 86_400 && seconds >= size)) {
      const n = Math.round(seconds / size);
      return `${n} ${name}${n === 1 ? "" : "s"}`;
    }
  }
  const n = Math.round(seconds);
  return `${n} second${n === 1 ? "" : "s"}`;
}

/** How long ago, seen from now. */
export function ago(seconds: number, now: number): string {
  const gone = now - seconds;
  if (Math.abs(gone) < 60) return "just now";
  return gone > 0 ? `${spanWords(gone)} ago` : `${spanWords(-gone)} from now`;
}
