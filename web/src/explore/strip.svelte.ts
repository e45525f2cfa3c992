// The counts behind the strip: an overview of all time, and the window of it that is looked at.

import {
  histogram,
  search,
  type Hit,
  type HistogramResponse,
  type Problem,
  type Selection,
} from "../api/generated";
import { problemOf } from "../lib/problem";
import { isTime, timeChip } from "./chips";
import { denseRange, type Range } from "./dense";

/** A star or a tag on the strip. */
export interface Mark {
  micros: number;
  starred: boolean;
  label: string;
}

const overviewBuckets = 400;
const mostMarks = 500;

export class Strip {
  overview = $state.raw<HistogramResponse>();
  detail = $state.raw<HistogramResponse>();
  marks = $state.raw<Mark[]>([]);
  failed = $state.raw<Problem>();
  /** Without time filters: all there is, not only where most events are. */
  wide = $state(false);
  #abort: AbortController | undefined;

  whole = $derived.by((): Range | undefined => {
    const first = this.overview?.starts_us[0];
    const last = this.overview?.starts_us.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return [first, last + (this.overview?.interval_us ?? 0)];
  });
  /** Where nearly all of them are. */
  dense = $state.raw<Range>();

  async #narrow(
    overview: HistogramResponse,
    everywhen: Selection,
    signal: AbortSignal,
  ): Promise<Range | undefined> {
    let looked = overview;
    let dense = denseRange(looked);
    for (let look = 0; look < mostLooks && dense !== undefined; look++) {
      const whole =
        (looked.starts_us.at(-1) ?? 0) + looked.interval_us - (looked.starts_us[0] ?? 0);
      if (dense[1] - dense[0] >= whole / 4 || looked.interval_us <= 1000) break;
      const { from, until } = timeChip(...dense);
      if (from === undefined || until === undefined) break;
      const closer = {
        ...everywhen,
        from,
        until,
        first: from,
        last: until,
        buckets: overviewBuckets,
      };
      looked = await histogram(closer, { signal });
      dense = denseRange(looked) ?? dense;
    }
    return dense;
  }

  /** Counts anew. `window` is the time filter that is on, `buckets` about how many bars there is room for. */
  async load(
    selection: Selection,
    window: Range | undefined,
    split: string,
    buckets: number,
  ): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const { signal } = abort;
    const everywhen = window === undefined ? selection : withoutTimes(selection);
    try {
      const overview = await histogram({ ...everywhen, buckets: overviewBuckets }, { signal });
      const dense = await this.#narrow(overview, everywhen, signal);
      this.overview = overview;
      this.dense = dense;
      const shown = window ?? (this.wide ? this.whole : this.dense);
      if (shown === undefined) {
        this.detail = undefined;
        this.marks = [];
      } else {
        const { from, until } = timeChip(...shown);
        const span = { ...(from ? { first: from } : {}), ...(until ? { last: until } : {}) };
        // Only what is in the window is counted, so that the split has the series that matter there.
        const inside = { ...selection, ...(from ? { from } : {}), ...(until ? { until } : {}) };
        const [detail, marked] = await Promise.all([
          histogram({ ...inside, ...span, buckets, split, series: 7 }, { signal }),
          search(
            {
              ...inside,
              chips: [...(inside.chips ?? []), { query: "starred:true OR _exists_:tag" }],
              limit: mostMarks,
              fields: ["timestamp"],
            },
            { signal },
          ),
        ]);
        this.detail = detail;
        this.marks = marked.hits.flatMap(markOf);
      }
      this.failed = undefined;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem !== undefined && this.#abort === abort) this.failed = problem;
    }
  }
}

/** The whole, or as much smaller a part of it as holds nearly all; each look has finer bars than the one before. */
const mostLooks = 6;

function markOf(hit: Hit): Mark[] {
  const micros = hit.event.timestamp;
  if (micros === undefined) return [];
  const label = [...(hit.starred ? ["★"] : []), ...hit.tags].join(" ");
  return [{ micros, starred: hit.starred, label: `${label} ${hit.event.message}`.slice(0, 200) }];
}

function withoutTimes(selection: Selection): Selection {
  const rest: Selection = { ...selection };
  delete rest.from;
  delete rest.until;
  if (rest.chips !== undefined) {
    rest.chips = rest.chips.filter((c) => !isTime(c) || c.exclude === true);
  }
  return rest;
}
