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
const mostLooks = 6;

export class Strip {
  overview = $state.raw<HistogramResponse>();
  detail = $state.raw<HistogramResponse>();
  marks = $state.raw<Mark[]>([]);
  failed = $state.raw<Problem>();
  /** Without time filters: all there is, not only where most events are. */
  wide = $state(false);
  #abort: AbortController | undefined;
  #overviewKey = "";

  whole = $derived.by((): Range | undefined => {
    const first = this.overview?.starts_us[0];
    const last = this.overview?.starts_us.at(-1);
    if (first === undefined || last === undefined) return undefined;
    return [first, last + (this.overview?.interval_us ?? 0)];
  });
  /** Where nearly all of them are. */
  dense = $state.raw<Range>();

  /** As small a part of the whole as holds nearly all; each look has finer bars than the one before. */
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
      const closer = { ...everywhen, ...endsOf(dense), buckets: overviewBuckets };
      looked = await histogram(closer, { signal });
      dense = denseRange(looked) ?? dense;
    }
    return dense;
  }

  /**
   * Counts anew. `window` is the time filter that is on, `buckets` about how many bars there is room for; `tick` grows where the
   * evidence does.
   */
  async load(
    selection: Selection,
    window: Range | undefined,
    split: string,
    buckets: number,
    tick: number,
  ): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const { signal } = abort;
    const everywhen = window === undefined ? selection : withoutTimes(selection);
    try {
      // The list asks for the same selection: what the server found for that serves for this too. A window narrows no
      // selection but by its filter; the bars only begin and end with it.
      const key = JSON.stringify([everywhen, tick]);
      if (this.overview === undefined || this.#overviewKey !== key) {
        const overview = await histogram({ ...everywhen, buckets: overviewBuckets }, { signal });
        this.dense = await this.#narrow(overview, everywhen, signal);
        this.overview = overview;
        this.#overviewKey = key;
      }
      const shown = window ?? (this.wide ? this.whole : this.dense);
      if (shown === undefined) {
        this.detail = undefined;
        this.marks = [];
      } else {
        const ends = endsOf(shown);
        this.detail = await histogram(
          { ...selection, ...ends, buckets, split, series: 7 },
          { signal },
        );
        const chips = [...(selection.chips ?? []), { query: "starred:true OR _exists_:tag" }];
        const marked = { ...selection, chips, limit: mostMarks, fields: ["timestamp"] };
        this.marks = (await search(marked, { signal })).hits.flatMap(markOf);
      }
      this.failed = undefined;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem !== undefined && this.#abort === abort) this.failed = problem;
    }
  }
}

/** Where the bars begin and end. */
function endsOf(range: Range): { first?: string; last?: string } {
  const { from, until } = timeChip(...range);
  return { ...(from ? { first: from } : {}), ...(until ? { last: until } : {}) };
}

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
