// The events that a selection finds: how many, and those of them that are looked at.

import { search, type Hit, type Problem, type Selection } from "../api/generated";
import { problemOf } from "../lib/problem";
import type { EventRef, Order } from "./address";

const pageSize = 100;
const mostKept = 20_000;
// So many events of one instant are gone through to find one of them.
const mostSearched = 20_000;

export interface Wanted extends EventRef {
  datetime: string;
}

export class Hits {
  total = $state(0);
  of = $state(0);
  tookMs = $state<number>();
  loading = $state(false);
  /** Whether a first answer is there. */
  ready = $state(false);
  failed = $state.raw<Problem>();
  /** Grows whenever rows came or changed. */
  version = $state(0);
  #rows = new Map<number, Hit>();
  #asked = new Map<number, AbortController>();
  #selection: Selection = {};
  #order: Order = "asc";
  #starting: AbortController | undefined;

  row(i: number): Hit | undefined {
    void this.version;
    return this.#rows.get(i);
  }

  /**
   * Looks for a selection's events. What was shown stays until the answer is there. Gives the row of the event that is
   * wanted, -1 where it is not among the hits, and undefined where the search failed or another overtook it.
   */
  async start(selection: Selection, order: Order, wanted?: Wanted): Promise<number | undefined> {
    this.#starting?.abort();
    const abort = new AbortController();
    this.#starting = abort;
    this.loading = true;
    try {
      const { signal } = abort;
      const where = wanted === undefined ? { offset: 0 } : { around: wanted.datetime };
      const page = await search({ ...selection, order, ...where, limit: pageSize }, { signal });
      const found =
        wanted === undefined ? -1 : await this.#find(page, selection, order, wanted, signal);
      for (const asked of this.#asked.values()) asked.abort();
      this.#asked.clear();
      this.#rows.clear();
      this.#selection = selection;
      this.#order = order;
      this.#keep(page.offset, page.hits);
      this.total = page.total;
      this.of = page.of;
      this.tookMs = page.took_ms;
      this.failed = undefined;
      this.ready = true;
      return found;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem !== undefined && this.#starting === abort) this.failed = problem;
      return undefined;
    } finally {
      if (this.#starting === abort) {
        this.#starting = undefined;
        this.loading = false;
      }
    }
  }

  /** The row of an event among the present hits; undefined where it is not one of them. */
  async locate(wanted: Wanted): Promise<number | undefined> {
    for (const [row, hit] of this.#rows) if (hit.id === wanted.id) return row;
    const around = { around: wanted.datetime, limit: pageSize };
    const [selection, order] = [this.#selection, this.#order];
    const page = await search({ ...selection, order, ...around });
    const found = await this.#find(page, selection, order, wanted);
    return found < 0 ? undefined : found;
  }

  /** The row of the first hit at or after a time (before it, where the newest come first). */
  async rowAt(datetime: string): Promise<number> {
    const page = await search({
      ...this.#selection,
      order: this.#order,
      around: datetime,
      limit: 2 * pageSize,
      fields: [],
    });
    const at = Date.parse(datetime);
    const index = page.hits.findIndex(({ event }) => {
      if (event.datetime === undefined) return true;
      const time = Date.parse(event.datetime);
      return this.#order === "asc" ? time >= at : time <= at;
    });
    return page.offset + (index < 0 ? page.hits.length : index);
  }

  async #find(
    page: { offset: number; hits: Hit[]; total: number },
    selection: Selection,
    order: Order,
    wanted: Wanted,
    signal?: AbortSignal,
  ): Promise<number> {
    const here = page.hits.findIndex((hit) => hit.id === wanted.id);
    if (here >= 0) return page.offset + here;
    // Many events can be of one instant: go on in both directions while it lasts.
    const ask = { ...selection, order, fields: [] };
    const given = signal === undefined ? {} : { signal };
    for (const step of [1, -1]) {
      let edge = step > 0 ? page.offset + page.hits.length : page.offset;
      let last = step > 0 ? page.hits.at(-1) : page.hits[0];
      for (let seen = 0; seen < mostSearched; ) {
        if (last?.event.datetime !== wanted.datetime) break;
        const offset = step > 0 ? edge : Math.max(0, edge - 1000);
        const limit = step > 0 ? 1000 : edge - offset;
        if (limit === 0 || offset >= page.total) break;
        const more = await search({ ...ask, offset, limit }, given);
        const at = more.hits.findIndex((hit) => hit.id === wanted.id);
        if (at >= 0) return more.offset + at;
        if (more.hits.length === 0) break;
        seen += more.hits.length;
        edge = step > 0 ? edge + more.hits.length : offset;
        last = step > 0 ? more.hits.at(-1) : more.hits[0];
      }
    }
    return -1;
  }

  /** Fetches what is missing of the rows from first to last. */
  need(first: number, last: number): void {
    const from = Math.max(0, Math.floor(first / pageSize));
    const until = Math.floor(Math.min(last, this.total - 1) / pageSize);
    for (const [page, asked] of this.#asked) {
      if (page < from - 1 || page > until + 1) {
        asked.abort();
        this.#asked.delete(page);
      }
    }
    for (let page = from; page <= until; page++) {
      if (this.#asked.has(page)) continue;
      const end = Math.min(this.total, (page + 1) * pageSize);
      for (let i = page * pageSize; i < end; i++) {
        if (!this.#rows.has(i)) {
          void this.#fetch(page);
          break;
        }
      }
    }
  }

  async #fetch(page: number): Promise<void> {
    const abort = new AbortController();
    this.#asked.set(page, abort);
    try {
      const answer = await search(
        { ...this.#selection, order: this.#order, offset: page * pageSize, limit: pageSize },
        { signal: abort.signal },
      );
      this.#keep(answer.offset, answer.hits);
      this.failed = undefined;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem !== undefined && this.#asked.get(page) === abort) this.failed = problem;
    } finally {
      if (this.#asked.get(page) === abort) this.#asked.delete(page);
    }
  }

  #keep(offset: number, hits: Hit[]): void {
    hits.forEach((hit, i) => this.#rows.set(offset + i, hit));
    for (const row of this.#rows.keys()) {
      if (this.#rows.size <= mostKept) break;
      if (row < offset || row >= offset + hits.length) this.#rows.delete(row);
    }
    this.version++;
  }

  /** Changes hits that are held, as when one is starred. */
  change(ids: ReadonlySet<string>, how: (hit: Hit) => Hit): void {
    let any = false;
    for (const [row, hit] of this.#rows) {
      if (!ids.has(hit.id)) continue;
      this.#rows.set(row, how(hit));
      any = true;
    }
    if (any) this.version++;
  }

  holds(id: string): boolean {
    for (const hit of this.#rows.values()) if (hit.id === id) return true;
    return false;
  }
}
