// The timelines, and what the server tells of them while they are being made.

import {
  listTimelines,
  streamUrl,
  type FieldValue,
  type Problem,
  type StreamAnnotation,
  type StreamSegment,
  type StreamTimeline,
  type Timeline,
} from "../api/generated";
import { problemOf } from "../lib/problem";

export interface Listener {
  /** Events have become searchable. */
  segment: (segment: StreamSegment) => void;
  /** A timeline came, changed its state or went. */
  changed: () => void;
  annotated: (ids: string[]) => void;
}

export class Timelines {
  list = $state.raw<Timeline[]>([]);
  loaded = $state(false);
  failed = $state.raw<Problem>();
  /** Whether the server can be heard. */
  heard = $state(true);

  async load(): Promise<void> {
    try {
      this.list = (await listTimelines()).timelines;
      this.failed = undefined;
    } catch (thrown) {
      this.failed = problemOf(thrown);
    }
    this.loaded = true;
  }

  listen(to: Listener): () => void {
    const stream = new EventSource(streamUrl());
    const on = (type: string, act: (data: unknown) => void): void => {
      stream.addEventListener(type, (message: MessageEvent<string>) => {
        act(JSON.parse(message.data));
      });
    };
    stream.onopen = () => {
      this.heard = true;
    };
    stream.onerror = () => {
      this.heard = false;
    };
    on("timeline", (data) => {
      if (this.#put(data as StreamTimeline)) to.changed();
    });
    on("segment", (data) => {
      to.segment(data as StreamSegment);
    });
    on("annotation", (data) => {
      to.annotated((data as StreamAnnotation).events);
    });
    on("reset", () => {
      void this.load();
      to.changed();
    });
    return () => {
      stream.close();
    };
  }

  /** Takes over one timeline; whether the events that can be found may have changed. */
  #put(change: StreamTimeline): boolean {
    const old = this.list.find((t) => t.id === change.id);
    if (change.gone || change.timeline === undefined) {
      this.list = this.list.filter((t) => t.id !== change.id);
      return old !== undefined;
    }
    const next = change.timeline;
    this.list =
      old === undefined
        ? [...this.list, next].sort((a, b) => a.id - b.id)
        : this.list.map((t) => (t.id === next.id ? next : t));
    return old === undefined || old.status !== next.status || old.events !== next.events;
  }

  byId(id: FieldValue): Timeline | undefined {
    return this.list.find((t) => t.id === Number(id));
  }

  /** A chip or facet names a timeline by its id or by its name. */
  named(value: FieldValue): Timeline | undefined {
    return this.byId(value) ?? this.list.find((t) => t.name === value);
  }

  nameOf(value: FieldValue): string {
    return this.named(value)?.name ?? String(value);
  }

  /** The number of the palette's colour, from 1. */
  colourOf(value: FieldValue): number {
    return ((this.named(value)?.colour ?? 0) % 7) + 1;
  }

  /** What of the timelines cannot be found, because its segment is damaged or gone. */
  get unreadable(): string[] {
    return this.list.flatMap((t) => {
      const n = t.unreadable?.length ?? 0;
      return n === 0 ? [] : [`${n} ${n === 1 ? "segment" : "segments"} of ${t.name}`];
    });
  }

  get making(): Timeline[] {
    return this.list.filter((t) => t.status === "making");
  }
}
