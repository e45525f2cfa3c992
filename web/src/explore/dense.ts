import type { HistogramResponse } from "../api/generated";

/** From one microsecond up to, not including, another. */
export type Range = [number, number];

/**
 * Where nearly all events are. A few outliers (a clock that stood at 1970) make the whole so long that the rest of it
 * would be one bar; then the strip begins where the events are, and says how many are outside.
 */
export function denseRange(all: HistogramResponse): Range | undefined {
  const first = all.starts_us[0];
  const last = all.starts_us.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const whole: Range = [first, last + all.interval_us];
  const sum = all.counts.reduce((a, b) => a + b, 0);
  const outside = Math.floor(sum * 0.02);
  let from = 0;
  for (let seen = 0; from < all.counts.length - 1; from++) {
    seen += all.counts[from] ?? 0;
    if (seen > outside) break;
  }
  let until = all.counts.length - 1;
  for (let seen = 0; until > from; until--) {
    seen += all.counts[until] ?? 0;
    if (seen > outside) break;
  }
  if (until - from + 1 > all.counts.length / 4) return whole;
  return [all.starts_us[from] ?? whole[0], (all.starts_us[until] ?? last) + all.interval_us];
}
