// The most frequent, or rarest, values of some fields among the hits.

import {
  listTags,
  search,
  top,
  type Problem,
  type Selection,
  type TopResponse,
} from "../api/generated";
import { problemOf } from "../lib/problem";

export const fewValues = 7;
export const manyValues = 50;

export class Facet {
  readonly field: string;
  answer = $state.raw<TopResponse>();
  failed = $state.raw<Problem>();
  rare = $state(false);
  many = $state(false);
  #abort: AbortController | undefined;

  constructor(field: string) {
    this.field = field;
  }

  // Tags are not part of the evidence: each is looked for among the hits.
  async #tags(selection: Selection, n: number, signal: AbortSignal): Promise<TopResponse> {
    const known = (await listTags({ signal })).values;
    const counted = await Promise.all(
      known.slice(0, manyValues).map(async ({ value }) => {
        const chips = [...(selection.chips ?? []), { field: "tag", value }];
        const found = await search({ ...selection, chips, limit: 0 }, { signal });
        return { value, count: found.total };
      }),
    );
    const there = counted.filter((v) => v.count > 0).sort((a, b) => b.count - a.count);
    if (this.rare) there.reverse();
    return {
      field: this.field,
      values: there.slice(0, n),
      distinct: there.length,
      missing: 0,
      total: 0,
      took_ms: 0,
    };
  }

  async load(selection: Selection): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    const { signal } = abort;
    const n = this.many ? manyValues : fewValues;
    try {
      this.answer =
        this.field === "tag"
          ? await this.#tags(selection, n, signal)
          : await top({ ...selection, field: this.field, n, rare: this.rare }, { signal });
      this.failed = undefined;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem !== undefined && this.#abort === abort) this.failed = problem;
    }
  }
}
