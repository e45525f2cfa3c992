// The Explore page's one store: what the URL says, what the server found, where one looks.

import { untrack } from "svelte";
import { SvelteSet } from "svelte/reactivity";
import {
  addComment,
  annotate,
  changeComment,
  deleteComment,
  getEvent,
  search,
  type Annotations,
  type Chip,
  type FieldValue,
  type Hit,
  type Problem,
  type Selection,
} from "../api/generated";
import { problemOf } from "../lib/problem";
import { prefs } from "../lib/prefs.svelte";
import { between, date, fromMicros, parseInstant, toIso, type Instant } from "../lib/time";
import {
  emptyView,
  readAddress,
  writeAddress,
  type Context,
  type Order,
  type View,
} from "./address";
import { isActive, timeChip, timeHull, valueChip, withChip, withoutChip, withTime } from "./chips";
import { Facet } from "./facets.svelte";
import { Hits, type Wanted } from "./hits.svelte";
import { lineHeight, rowHeight, Scroll } from "./scroll.svelte";
import type { Range } from "./dense";
import { Strip } from "./strip.svelte";
import { Timelines } from "./timelines.svelte";

// While events come in, the page asks again at most this often.
const liveEveryMs = 1000;
// Within one day, so long without an event is worth a line.
const quietSeconds = 1800;

export interface GapLine {
  day: boolean;
  seconds: number;
}

export class ExplorePage {
  view = $state.raw<View>(readAddress(location.search));
  readonly timelines = new Timelines();
  readonly hits = new Hits();
  readonly strip = new Strip();
  readonly scroll = new Scroll((row) => rowHeight + (this.lineAbove(row) ? lineHeight : 0));
  facets = $state.raw<Facet[]>([]);

  /** The event in focus: its row among the hits (-1: it is not one of them) and all of it. */
  focusRow = $state(-1);
  focus = $state.raw<Hit>();
  focusFailed = $state.raw<Problem>();
  /** What a star, a tag or a comment met with. */
  changeFailed = $state.raw<Problem>();
  readonly selected = new SvelteSet<string>();
  /** The middle of the context that is shown. */
  contextHit = $state.raw<Hit>();
  stripWidth = $state(0);
  /** Grows as events become searchable. */
  tick = $state(0);
  /** The filters before each zoom, to go back to. */
  #zooms: (Chip[] | undefined)[] = [];
  #lastZoom = -Infinity;
  #liveTimer: ReturnType<typeof setTimeout> | undefined;
  #lastLive = 0;
  #addressTimer: ReturnType<typeof setTimeout> | undefined;

  selection = $derived.by((): Selection | undefined => {
    const { context, query, chips } = this.view;
    if (context !== undefined) {
      const at = this.contextHit?.event.timestamp;
      if (at === undefined || this.contextHit?.id !== context.id) return undefined;
      const { from, until } = timeChip(at - context.seconds * 1e6, at + context.seconds * 1e6 + 1);
      return { ...(from ? { from } : {}), ...(until ? { until } : {}) };
    }
    const on = chips.filter(isActive);
    return on.length === 0 ? { query } : { query, chips: on };
  });
  // The view is made anew with every step of the focus; what is asked of the server depends on these, which stay equal.
  readonly selectionKey = $derived(JSON.stringify(this.selection));
  readonly #order = $derived(this.view.order);
  readonly #split = $derived(this.view.split);
  readonly #facetKey = $derived(this.view.facets.join("\n"));
  readonly #contextKey = $derived(JSON.stringify(this.view.context));

  readonly #hull = $derived.by((): Range | undefined => {
    const { context, chips } = this.view;
    const at = this.contextHit?.event.timestamp;
    if (context !== undefined) {
      if (at === undefined) return undefined;
      return [at - context.seconds * 1e6, at + context.seconds * 1e6 + 1];
    }
    return timeHull(chips);
  });
  readonly #hullKey = $derived(this.#hull?.join());
  /** The time filter that is on, as the strip's window. */
  readonly window = $derived.by((): Range | undefined => {
    const [from, until] = this.#hullKey?.split(",").map(Number) ?? [];
    return from === undefined || until === undefined ? undefined : [from, until];
  });

  constructor() {
    // The token has made its cookie; it need not stand in the address.
    if (new URLSearchParams(location.search).has("token")) {
      history.replaceState(null, "", writeAddress(this.view));
    }
    $effect(() => {
      const back = (): void => {
        this.view = readAddress(location.search);
        void this.#followEvent();
      };
      addEventListener("popstate", back);
      return () => {
        removeEventListener("popstate", back);
      };
    });
    $effect(() => {
      void this.timelines.load();
      return this.timelines.listen({
        segment: () => {
          this.#grow();
        },
        changed: () => {
          this.#grow();
        },
        annotated: (ids) => {
          void this.#refreshAnnotated(ids);
        },
      });
    });
    $effect(() => {
      void this.#contextKey;
      untrack(() => {
        const { context } = this.view;
        if (context !== undefined) void this.#loadContext(context);
      });
    });
    $effect(() => {
      void this.selectionKey;
      void this.#order;
      void this.tick;
      untrack(() => {
        void this.#search();
      });
    });
    $effect(() => {
      void this.selectionKey;
      void this.tick;
      const split = this.#split;
      const buckets = Math.max(20, Math.min(1000, Math.floor(this.stripWidth / 5)));
      const { wide } = this.strip;
      void wide;
      if (this.stripWidth === 0) return;
      untrack(() => {
        if (this.selection !== undefined) {
          void this.strip.load(this.selection, this.window, split, buckets, this.tick);
        }
      });
    });
    $effect(() => {
      void this.#facetKey;
      untrack(() => {
        this.facets = this.view.facets.map(
          (field) => this.facets.find((f) => f.field === field) ?? new Facet(field),
        );
      });
    });
    $effect(() => {
      void this.selectionKey;
      void this.tick;
      if (!prefs.facetsOpen) return;
      for (const facet of this.facets) {
        void facet.rare;
        void facet.many;
        untrack(() => {
          if (this.selection !== undefined) void facet.load(this.selection);
        });
      }
    });
    void this.#followEvent();
  }

  /** Goes to another view of the page; `replace` where Back should not come by here. */
  go(change: Partial<View>, how: "push" | "replace" = "push"): void {
    clearTimeout(this.#addressTimer);
    this.view = { ...this.view, ...change };
    const address = writeAddress(this.view);
    if (address === `${location.pathname}${location.search}`) return;
    if (how === "push") history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }

  // --- what is searched for ---

  ask(query: string): void {
    prefs.remember(query);
    this.go({ query, context: undefined });
  }

  setChips(chips: Chip[], how: "push" | "replace" = "push"): void {
    this.go({ chips, context: undefined }, how);
  }

  filter(field: string, value: FieldValue | null, exclude = false): void {
    this.setChips(withChip(this.view.chips, valueChip(field, value, exclude)));
  }

  /** Puts a value's filter there, or takes it away where it is there in that form. */
  toggleFilter(field: string, value: FieldValue, exclude: boolean): void {
    const chip = valueChip(field, value, exclude);
    const there = this.view.chips.find(
      (c) =>
        c.field === field && c.value === value && isActive(c) && (c.exclude ?? false) === exclude,
    );
    this.setChips(
      there === undefined ? withChip(this.view.chips, chip) : withoutChip(this.view.chips, chip),
    );
  }

  /** Narrows to a range of time. Steps that follow each other closely are one step back. */
  zoom(range: Range | undefined, closely = false): void {
    const joined = closely && performance.now() - this.#lastZoom < 1500;
    if (!joined) this.#zooms.push(this.view.chips);
    this.#lastZoom = closely ? performance.now() : -Infinity;
    const chip = range === undefined ? undefined : timeChip(...range);
    this.setChips(withTime(this.view.chips, chip), joined ? "replace" : "push");
  }

  zoomBack(): void {
    const before = this.#zooms.pop();
    const now = this.window;
    if (before !== undefined) this.setChips(before);
    else if (now !== undefined) this.setChips(withTime(this.view.chips, undefined));
    else this.strip.wide = !this.strip.wide;
  }

  openContext(seconds: number): void {
    const { focus } = this;
    if (focus?.event.datetime === undefined) return;
    this.contextHit = focus;
    this.go({ context: { id: focus.id, timeline: focus.timeline, seconds } });
  }

  closeContext(): void {
    this.go({ context: undefined });
  }

  async #loadContext(context: Context): Promise<void> {
    if (untrack(() => this.contextHit)?.id === context.id) return;
    try {
      this.contextHit = await getEvent(context.id, { timeline: context.timeline });
    } catch (thrown) {
      this.focusFailed = problemOf(thrown);
    }
  }

  // --- the list ---

  async #search(): Promise<void> {
    const { selection } = this;
    if (selection === undefined) return;
    const { order, context } = this.view;
    const key = this.selectionKey + order;
    const again = this.#lastSearch === key;
    const middle = context === undefined ? undefined : this.contextHit;
    // What one looks at stays where it is: the focus or, where that is out of sight and only new events came, the
    // first row that is shown.
    const focusY = this.focusRow < 0 ? undefined : this.scroll.offsetOf(this.focusRow);
    const inSight = focusY !== undefined && focusY >= 0;
    const top = this.scroll.row > 0 ? this.hits.row(this.scroll.row) : undefined;
    const kept = again && !inSight ? top : (this.focus ?? middle);
    const y = again && !inSight ? -this.scroll.gone : focusY;
    const row = await this.hits.start(selection, order, wantedOf(kept));
    if (row === undefined) return;
    this.#lastSearch = key;
    this.scroll.total = this.hits.total;
    if (row >= 0 && kept !== undefined) {
      const seen = y !== undefined && y >= -rowHeight;
      this.scroll.place(row, seen ? y : (this.scroll.viewport - rowHeight) / 2);
    } else if (!again) {
      this.scroll.to(0);
    } else {
      this.scroll.by(0);
    }
    if (kept === this.focus) this.focusRow = this.focus === undefined ? -1 : row;
    else if (this.focus === undefined && kept === middle && middle !== undefined) {
      this.focusOn(row, middle);
    } else {
      // The focus is out of sight, or came to be while the search was under way.
      const { focus } = this;
      const wanted = wantedOf(focus);
      const there = wanted === undefined ? undefined : await this.hits.locate(wanted);
      if (focus !== this.focus) return;
      if (there !== undefined && !again) this.focusOn(there, focus);
      else this.focusRow = there ?? -1;
      // Where the event of a link is not among the hits, those of its time are shown.
      if (there === undefined && !again && wanted !== undefined && kept === undefined) {
        this.scroll.to(await this.hits.rowAt(wanted.datetime));
      }
    }
  }
  #lastSearch = "";

  #grow(): void {
    if (this.#liveTimer !== undefined) return;
    const wait = Math.max(0, this.#lastLive + liveEveryMs - performance.now());
    this.#liveTimer = setTimeout(() => {
      this.#liveTimer = undefined;
      this.#lastLive = performance.now();
      this.tick++;
    }, wait);
  }

  at(row: number): Instant | undefined {
    const text = this.hits.row(row)?.event.datetime;
    return text === undefined ? undefined : parseInstant(text);
  }

  /** The line between a row and the one above it: another day, or a long time without an event. */
  lineAbove(row: number): GapLine | undefined {
    const here = this.at(row);
    if (here === undefined) return undefined;
    if (row === 0) return { day: true, seconds: 0 };
    const above = this.at(row - 1);
    if (above === undefined) return undefined;
    const seconds = Math.abs(between(above, here));
    const day = date(here, prefs.zone) !== date(above, prefs.zone);
    return day || seconds >= quietSeconds ? { day, seconds } : undefined;
  }

  /** Somebody moved the list by pointer. */
  scrolled(): void {
    this.#held = this.scroll.atEnd ? "end" : undefined;
  }
  // What stays in sight while rows come, which may have lines above them.
  #held: "focus" | "end" | undefined;

  focusOn(row: number, hit = this.hits.row(row)): void {
    if (row < 0 || row >= this.hits.total) return;
    this.focusRow = row;
    this.#held = "focus";
    this.scroll.reveal(row);
    if (hit !== undefined) this.#setFocus(hit);
    // The row is not there yet: the list gives it over when it comes.
    else this.focus = undefined;
  }

  /** Called by the list when rows came: the focus may have waited for one of them. */
  rowsCame(): void {
    if (this.#held === "end") this.scroll.toEnd();
    if (this.focusRow < 0) return;
    if (this.#held === "focus") this.scroll.reveal(this.focusRow);
    const hit = this.hits.row(this.focusRow);
    if (hit === undefined) return;
    if (this.focus === undefined) this.#setFocus(hit);
    else if (this.focus.id === hit.id && this.focus !== hit) this.focus = hit;
  }

  #setFocus(hit: Hit): void {
    this.focus = hit;
    this.focusFailed = undefined;
    this.changeFailed = undefined;
    // A browser takes only so many changes of the address in a second.
    clearTimeout(this.#addressTimer);
    this.#addressTimer = setTimeout(() => {
      this.go({ event: { id: hit.id, timeline: hit.timeline } }, "replace");
    }, 200);
  }

  unfocus(): void {
    this.focusRow = -1;
    this.focus = undefined;
    this.focusFailed = undefined;
    this.go({ event: undefined }, "replace");
  }

  move(by: number): void {
    if (this.hits.total === 0) return;
    const from = this.focusRow >= 0 ? this.focusRow + by : this.scroll.row + (by > 0 ? 0 : -1);
    this.focusOn(Math.max(0, Math.min(this.hits.total - 1, from)));
  }

  /** Goes to the event that the URL names. */
  async #followEvent(): Promise<void> {
    const { event } = this.view;
    if (event === undefined) {
      this.focusRow = -1;
      this.focus = undefined;
      return;
    }
    if (this.focus?.id === event.id) return;
    try {
      const hit = await getEvent(event.id, { timeline: event.timeline });
      if (this.view.event?.id !== hit.id) return;
      this.focus = hit;
      this.focusFailed = undefined;
      if (this.hits.ready) await this.reveal(hit);
    } catch (thrown) {
      this.focusFailed = problemOf(thrown);
    }
  }

  /** Shows an event in the list, where it is among the hits. */
  async reveal(hit: Hit): Promise<void> {
    const wanted = wantedOf(hit);
    if (wanted === undefined) return;
    const row = await this.hits.locate(wanted);
    if (row === undefined) this.focusRow = -1;
    else this.focusOn(row, hit);
  }

  async goTo(at: Instant): Promise<void> {
    const row = await this.hits.rowAt(toIso(at));
    if (this.hits.total === 0) return;
    const last = Math.min(row, this.hits.total - 1);
    this.scroll.to(last);
    this.focusOn(last);
  }

  async goToMicros(micros: number): Promise<void> {
    await this.goTo(fromMicros(micros));
  }

  /** To the next (1) or previous (-1) event with a star, as the list runs. */
  async nextStar(step: 1 | -1): Promise<boolean> {
    const { selection } = this;
    if (selection === undefined) return false;
    const { order } = this.view;
    const chips = [...(selection.chips ?? []), { query: "starred:true" }];
    const here = this.focus?.event.datetime ?? this.hits.row(this.scroll.row)?.event.datetime;
    const around = here === undefined ? { offset: 0 } : { around: here };
    const page = await search({ ...selection, chips, order, ...around, limit: 1000 });
    const own = page.hits.findIndex((hit) => hit.id === this.focus?.id);
    let next: Hit | undefined;
    if (own >= 0) next = page.hits[own + step];
    else {
      const now = here === undefined ? undefined : parseInstant(here);
      const sign = order === "asc" ? 1 : -1;
      const beyond = page.hits.filter((hit) => {
        const at = hit.event.datetime === undefined ? undefined : parseInstant(hit.event.datetime);
        if (at === undefined || now === undefined) return true;
        return between(now, at) * step * sign > 0;
      });
      next = step > 0 ? beyond[0] : beyond.at(-1);
    }
    if (next === undefined) return false;
    const whole = await getEvent(next.id, { timeline: next.timeline });
    await this.reveal(whole);
    return true;
  }

  // --- stars, tags, comments ---

  /** What a star or a tag is put on: the selected events, else the one in focus. */
  get targets(): string[] {
    if (this.selected.size > 0) return [...this.selected];
    return this.focus === undefined ? [] : [this.focus.id];
  }

  toggleSelected(hit: Hit): void {
    if (!this.selected.delete(hit.id)) this.selected.add(hit.id);
  }

  async star(ids: string[], star: boolean): Promise<void> {
    await this.#change(ids, { star }, (hit) => ({ ...hit, starred: star }));
  }

  async toggleStar(): Promise<void> {
    const ids = this.targets;
    if (ids.length === 0) return;
    await this.star(ids, this.focus?.starred !== true);
  }

  async tag(ids: string[], tag: string): Promise<void> {
    await this.#change(ids, { add_tags: [tag] }, (hit) =>
      hit.tags.includes(tag) ? hit : { ...hit, tags: [...hit.tags, tag] },
    );
  }

  async untag(ids: string[], tag: string): Promise<void> {
    await this.#change(ids, { remove_tags: [tag] }, (hit) => ({
      ...hit,
      tags: hit.tags.filter((t) => t !== tag),
    }));
  }

  async #change(
    ids: string[],
    change: { star?: boolean; add_tags?: string[]; remove_tags?: string[] },
    how: (hit: Hit) => Hit,
  ): Promise<void> {
    if (ids.length === 0) return;
    try {
      await annotate({ events: ids, ...change });
      const set = new Set(ids);
      this.hits.change(set, how);
      if (this.focus !== undefined && set.has(this.focus.id)) this.focus = how(this.focus);
      this.changeFailed = undefined;
      this.#grow();
    } catch (thrown) {
      this.changeFailed = problemOf(thrown);
    }
  }

  /** Adds, changes (text) or deletes (no text) a comment of the event in focus. */
  async comment(text: string | undefined, id?: number): Promise<boolean> {
    const event = this.focus?.id;
    if (event === undefined) return false;
    try {
      let answer: Annotations;
      if (id === undefined) answer = await addComment(event, { text: text ?? "" });
      else if (text === undefined) answer = await deleteComment(event, id);
      else answer = await changeComment(event, id, { text });
      this.#takeOver(answer);
      this.changeFailed = undefined;
      return true;
    } catch (thrown) {
      this.changeFailed = problemOf(thrown);
      return false;
    }
  }

  #takeOver({ event_id, starred, tags, comments }: Annotations): void {
    const how = (hit: Hit): Hit => ({ ...hit, starred, tags, comments });
    this.hits.change(new Set([event_id]), how);
    if (this.focus?.id === event_id) this.focus = how(this.focus);
  }

  /** Somebody else, in another window, changed these. */
  async #refreshAnnotated(ids: string[]): Promise<void> {
    const shown = ids.filter((id) => this.hits.holds(id) || this.focus?.id === id).slice(0, 200);
    try {
      for (const id of shown) {
        const { starred, tags, comments } = await getEvent(id);
        this.#takeOver({ event_id: id, starred, tags, comments });
      }
    } catch (thrown) {
      this.changeFailed = problemOf(thrown);
    }
    this.#grow();
  }

  setOrder(order: Order): void {
    this.go({ order });
  }

  /** Nothing is narrowed any more. */
  clear(): void {
    this.go({ query: emptyView.query, chips: [], context: undefined });
  }
}

function wantedOf(hit: Hit | undefined): Wanted | undefined {
  if (hit?.event.datetime === undefined) return undefined;
  return { id: hit.id, timeline: hit.timeline, datetime: hit.event.datetime };
}
