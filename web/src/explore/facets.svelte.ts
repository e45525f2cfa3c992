// The most frequent, or rarest, values of some fields among the hits.

import { top, type Problem, type Selection, type TopResponse } from "../api/generated";
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

  async load(selection: Selection): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    try {
      this.answer = await top(
        {
          ...selection,
          field: this.field,
          n: this.many ? manyValues : fewValues,
          rare: this.rare,
        },
        { signal: abort.signal },
      );
      this.failed = undefined;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem !== undefined && this.#abort === abort) this.failed = problem;
    }
  }
}
