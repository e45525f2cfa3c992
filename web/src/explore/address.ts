// What the page shows is what its URL says. This is the one place that reads and writes it.

import type { Chip } from "../api/generated";

export type Order = "asc" | "desc";

export interface EventRef {
  id: string;
  timeline: number;
}

/** All events of all timelines around one event, instead of a query's hits. */
export interface Context extends EventRef {
  seconds: number;
}

export type Place = "home" | "explore";

export interface View {
  place: Place;
  query: string;
  chips: Chip[];
  split: string;
  log: boolean;
  order: Order;
  facets: string[];
  columns: string[];
  event: EventRef | undefined;
  context: Context | undefined;
}

export const usualFacets = ["timeline", "data_type", "hostname", "username", "source_ip", "tag"];

export const emptyView: View = {
  place: "explore",
  query: "",
  chips: [],
  split: "timeline",
  log: false,
  order: "asc",
  facets: usualFacets,
  columns: [],
  event: undefined,
  context: undefined,
};

const eventForm = /^([0-9a-f]{40})\.(\d{1,10})$/;
const contextForm = /^([0-9a-f]{40})\.(\d{1,10})\.(\d{1,10})$/;

// A chip is [!][+-] and then @FROM..UNTIL, ?QUERY, FIELD=TEXT or FIELD:JSON; "!" is one that is off.
export function writeChip(chip: Chip): string {
  const sign = `${chip.active === false ? "!" : ""}${chip.exclude === true ? "-" : "+"}`;
  if (chip.field !== undefined) {
    const value = chip.value ?? null;
    return typeof value === "string"
      ? `${sign}${chip.field}=${value}`
      : `${sign}${chip.field}:${JSON.stringify(value)}`;
  }
  if (chip.query !== undefined) return `${sign}?${chip.query}`;
  return `${sign}@${chip.from ?? ""}..${chip.until ?? ""}`;
}

export function readChip(text: string): Chip | undefined {
  const parts = /^(!?)([+-])(.*)$/s.exec(text);
  if (parts === null) return undefined;
  const body = parts[3] ?? "";
  const rest: Chip = {};
  if (parts[1] === "!") rest.active = false;
  if (parts[2] === "-") rest.exclude = true;
  if (body.startsWith("?")) return { query: body.slice(1), ...rest };
  if (body.startsWith("@")) {
    const [from, until] = body.slice(1).split("..");
    if (!from && !until) return undefined;
    return { ...(from ? { from } : {}), ...(until ? { until } : {}), ...rest };
  }
  const value = /^([^=:]+)([=:])(.*)$/s.exec(body);
  if (value === null) return undefined;
  const [field, form, written] = [value[1] ?? "", value[2], value[3] ?? ""];
  if (form === "=") return { field, value: written, ...rest };
  try {
    const parsed: unknown = JSON.parse(written);
    if (parsed !== null && !["string", "number", "boolean"].includes(typeof parsed)) {
      return undefined;
    }
    return { field, value: parsed as string | number | boolean | null, ...rest };
  } catch {
    return undefined;
  }
}

export function readAddress(search: string): View {
  const p = new URLSearchParams(search);
  const event = eventForm.exec(p.get("event") ?? "");
  const context = contextForm.exec(p.get("context") ?? "");
  const list = (name: string, usual: string[]): string[] =>
    p.has(name) ? (p.get(name) ?? "").split(",").filter((f) => f !== "") : usual;
  return {
    place: p.get("page") === "home" ? "home" : "explore",
    query: p.get("q") ?? "",
    chips: p.getAll("c").flatMap((text) => readChip(text) ?? []),
    split: p.get("split") ?? emptyView.split,
    log: p.get("scale") === "log",
    order: p.get("order") === "desc" ? "desc" : "asc",
    facets: list("facets", usualFacets),
    columns: list("columns", []),
    event: event === null ? undefined : { id: event[1] ?? "", timeline: Number(event[2]) },
    context:
      context === null
        ? undefined
        : { id: context[1] ?? "", timeline: Number(context[2]), seconds: Number(context[3]) },
  };
}

export function writeAddress(view: View): string {
  const p = new URLSearchParams();
  if (view.place !== emptyView.place) p.set("page", view.place);
  if (view.query !== "") p.set("q", view.query);
  for (const chip of view.chips) p.append("c", writeChip(chip));
  if (view.split !== emptyView.split) p.set("split", view.split);
  if (view.log) p.set("scale", "log");
  if (view.order !== "asc") p.set("order", view.order);
  if (view.facets.join() !== usualFacets.join()) p.set("facets", view.facets.join());
  if (view.columns.length > 0) p.set("columns", view.columns.join());
  const { context, event } = view;
  if (context !== undefined)
    p.set("context", `${context.id}.${context.timeline}.${context.seconds}`);
  if (event !== undefined) p.set("event", `${event.id}.${event.timeline}`);
  const text = p.toString();
  return text === "" ? "/" : `/?${text}`;
}
