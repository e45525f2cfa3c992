// Made by tools/gen_api.py from src/http/openapi.yaml: change that, then run it.

/** RFC 9457. `code` is stable and for programs, `detail` and `hint` are for people. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  /** bad_query, bad_request, no_token, not_found, method_not_allowed, too_large, too_long, busy, failed, ... */
  code: string;
  detail: string;
  /** what to do */
  hint?: string;
  /** the part of the request that is wrong, as in `chips[2].from` */
  field?: string;
  /** of a bad query, in UTF-16 units as JavaScript counts */
  position?: number;
  length?: number;
}

export interface About {
  version: string;
  /** when the server was started */
  started: string;
  timelines: number;
  events: number;
}

/** Of a timeline in the making. What is not known yet is absent. */
export interface Progress {
  stage?: string;
  bytes?: number;
  bytes_total?: number;
  files?: number;
  files_total?: number;
  /** made so far, searchable or not */
  events?: number;
  events_per_second?: number;
  seconds_left?: number;
}

/** What the disk says about its machine */
export interface Fact {
  /** hostname, machine_id, os, time_zone, address, user, kernel, boot, ... */
  name: string;
  value: string;
  /** path of the file that says so */
  source?: string;
}

export interface Timeline {
  id: number;
  name: string;
  status: "making" | "ready" | "failed" | "interrupted";
  /** false while an earlier timeline of the same source still stands for it: searched only when asked for by id */
  visible: boolean;
  /** index into the palette */
  colour: number;
  /** the sources as given */
  images: string[];
  /** searchable ones */
  events: number;
  segments: number;
  /** of its segments */
  bytes: number;
  warnings: number;
  /** time of the first event; absent where there is none */
  first?: string;
  /** time of the last event */
  last?: string;
  created: string;
  hostname?: string;
  /** the image as the user named it */
  source?: string;
  /** of the whole image, where it was asked for */
  sha256?: string;
  /** what the run was restricted to */
  options?: string;
  finished?: string;
  case?: string;
  system?: string;
  /** why it failed */
  error?: string;
  progress?: Progress;
  /** only where one timeline is asked for */
  facts?: Fact[];
  /** segments that are damaged and left out, and why */
  unreadable?: string[];
}

export interface TimelineList {
  timelines: Timeline[];
}

export interface Warning {
  /** truncated, corrupt, unsupported, limit, crashed, ... */
  kind: string;
  text: string;
  parser?: string;
  volume?: string;
  path?: string;
  inode?: number;
  offset?: number;
}

export interface WarningList {
  warnings: Warning[];
  total: number;
  /** how many of each kind, most first */
  kinds: ValueCount[];
  /** cursor of the next page; absent on the last */
  next?: string;
}

export type EventId = string;

/** no control characters */
export type Tag = string;

export type FieldValue = string | number | boolean;

/**
 * As exported: flat. Values are texts, whole numbers or booleans. An unset field is absent. Where bytes of the evidence
 * are no UTF-8, each bad byte is U+FFFD (the bytes themselves: `/events/{event_id}/bytes`).
 */
export interface Event {
  message: string;
  /** absent where the record has no valid time */
  datetime?: string;
  /** microseconds since 1970 */
  timestamp?: number;
  timestamp_desc: string;
  data_type: string;
  event_id: EventId;
  [field: string]: FieldValue | undefined;
}

export interface Comment {
  id: number;
  text: string;
  created: string;
  changed?: string;
}

export interface Annotations {
  event_id: EventId;
  starred: boolean;
  tags: string[];
  comments: Comment[];
}

export interface Hit {
  id: EventId;
  timeline: number;
  starred: boolean;
  tags: string[];
  comments: Comment[];
  event: Event;
}

/**
 * A filter beside the query. Chips that include different fields all must hold; chips that include values of one field, or
 * time ranges, are alternatives; what a chip excludes is out.
 */
export interface Chip {
  /** of a value filter */
  field?: string;
  /** the whole value; null: the field is not set */
  value?: string | number | boolean | null;
  /** of a time range */
  from?: string;
  until?: string;
  /** a further query */
  query?: string;
  exclude?: boolean;
  /** a chip that is off changes nothing */
  active?: boolean;
}

/** Which events. Everything that is absent does not narrow. */
export interface Selection {
  query?: string;
  /** all visible ones where absent; none where empty */
  timelines?: number[];
  from?: string;
  until?: string;
  chips?: Chip[];
}

/** At most one of cursor, offset and around says where the page begins. */
export interface SearchRequest extends Selection {
  /** of time */
  order?: "asc" | "desc";
  /** 0: only the total */
  limit?: number;
  /** `next` or `previous` of another page of the same search */
  cursor?: string;
  /** row number in the list of hits */
  offset?: number;
  /** a time: the page has its half before it, its half from it on */
  around?: string;
  /** of `event`, beside the required ones; all where absent */
  fields?: string[];
}

export interface SearchResponse {
  /** hits in all; exact */
  total: number;
  /** events in the chosen timelines */
  of: number;
  took_ms: number;
  /** row number of the first hit of this page */
  offset: number;
  hits: Hit[];
  /** cursor; absent at the end */
  next?: string;
  /** cursor; absent at the beginning */
  previous?: string;
}

export interface HistogramRequest extends Selection {
  /** about how many, where no interval is given */
  buckets?: number;
  /** 500us, 10ms, 1s, 5m, 1h, 1d, 1w */
  interval?: string;
  /** where the buckets begin; the first hit where absent. Does not narrow. */
  first?: string;
  /** where the buckets end; the last hit where absent */
  last?: string;
  /** a field or `timeline` */
  split?: string;
  /** most frequent values that get a series; the rest is one without a value */
  series?: number;
}

export interface Series {
  value?: FieldValue;
  /** all other values and events without the field */
  rest?: boolean;
  total: number;
  counts: number[];
}

/** Bucket i is [starts_us[i], starts_us[i] + interval_us). All buckets are there, the empty ones too. */
export interface HistogramResponse {
  /** hits with a time inside the buckets */
  total: number;
  /** hits that have no time */
  untimed: number;
  took_ms: number;
  /** for people: 5 minutes */
  interval: string;
  interval_us: number;
  starts_us: number[];
  counts: number[];
  /** empty without split */
  series: Series[];
}

export interface TopRequest extends Selection {
  /** a field, `timeline` or `tag` */
  field: string;
  n?: number;
  /** rarest first */
  rare?: boolean;
}

export interface ValueCount {
  value: FieldValue;
  count: number;
}

export interface TopResponse {
  field: string;
  values: ValueCount[];
  /** different values in all */
  distinct: number;
  /** hits without the field */
  missing: number;
  /** hits */
  total: number;
  took_ms: number;
}

export interface CheckRequest {
  query: string;
}

export interface QueryError {
  /** in UTF-16 units as JavaScript counts */
  position: number;
  length: number;
  message: string;
  hint?: string;
}

export interface QueryToken {
  /** in UTF-16 units as JavaScript counts */
  position: number;
  length: number;
  class: "field" | "operator" | "word" | "phrase" | "regex" | "punctuation" | "error";
}

export interface CheckResponse {
  ok: boolean;
  error?: QueryError;
  tokens: QueryToken[];
}

export interface Field {
  name: string;
  type: "text" | "int" | "bool" | "addr" | "time";
  /** absent for names that the evidence gave */
  meaning?: string;
  /** that have it */
  timelines: number[];
  /** that have it */
  events: number;
}

export interface FieldList {
  fields: Field[];
}

export interface ValueList {
  values: ValueCount[];
}

export interface EventBytes {
  image: string;
  volume?: string;
  path: string;
  inode?: number;
  /** empty for the file as it is, else gzip, bzip2, xz, zstd: offsets count what is inside */
  stream: string;
  /** of the record */
  offset: number;
  /** of the record */
  length: number;
  /** of the first byte that is shown */
  start: number;
  /** the bytes, two digits each */
  hex: string;
  /** the bytes as UTF-8, bad ones as U+FFFD */
  text: string;
  /** the record is longer than what is shown */
  cut: boolean;
}

export interface CommentRequest {
  text: string;
}

export interface AnnotateRequest {
  events: EventId[];
  star?: boolean;
  add_tags?: Tag[];
  remove_tags?: Tag[];
}

export interface AnnotateResponse {
  events: number;
}

export interface StreamTimeline {
  id: number;
  /** then there is no timeline any more */
  gone: boolean;
  timeline?: Timeline;
}

export interface StreamSegment {
  timeline: number;
  /** that became searchable */
  events: number;
  /** time of the first of them */
  first?: string;
  last?: string;
}

export interface StreamAnnotation {
  events: EventId[];
}

/** The server said no; `problem` says why and what to do. Status 0: it could not be reached. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
  }
}

export interface CallOptions {
  signal?: AbortSignal;
}

export const API_BASE = "/api/v1";

type QueryValue = string | number | boolean | object | undefined;

function withQuery(path: string, query: Record<string, QueryValue>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    search.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  const text = search.toString();
  return API_BASE + path + (text ? `?${text}` : "");
}

function unreachable(detail: string): Problem {
  return { type: "about:blank", title: "No answer", status: 0, code: "unreachable", detail };
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    return (await response.json()) as Problem;
  } catch {
    return {
      type: "about:blank",
      title: response.statusText,
      status: response.status,
      code: "failed",
      detail: `The server answered ${response.status} ${response.statusText}.`,
    };
  }
}

async function call<T>(
  method: string,
  url: string,
  body: object | undefined,
  options: CallOptions,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: "same-origin",
      ...(options.signal ? { signal: options.signal } : {}),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(unreachable("The server does not answer. Is cairn serve still running?"));
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  return (await response.json()) as T;
}

/** Version of the server and what it serves */
export function about(
  options: CallOptions = {},
): Promise<About> {
  return call<About>("GET", withQuery("/about", {}), undefined, options);
}

/** This description, as JSON */
export function getOpenapi(
  options: CallOptions = {},
): Promise<Record<string, unknown>> {
  return call<Record<string, unknown>>("GET", withQuery("/openapi.json", {}), undefined, options);
}

/** All timelines, in the order they were made */
export function listTimelines(
  options: CallOptions = {},
): Promise<TimelineList> {
  return call<TimelineList>("GET", withQuery("/timelines", {}), undefined, options);
}

/** One timeline with the facts about its machine */
export function getTimeline(
  id: number,
  options: CallOptions = {},
): Promise<Timeline> {
  return call<Timeline>("GET", withQuery(`/timelines/${encodeURIComponent(id)}`, {}), undefined, options);
}

/** What was odd or unreadable in the evidence of a timeline */
export function listWarnings(
  id: number,
  query: { limit?: number; cursor?: string } = {},
  options: CallOptions = {},
): Promise<WarningList> {
  return call<WarningList>("GET", withQuery(`/timelines/${encodeURIComponent(id)}/warnings`, query), undefined, options);
}

/** The events that a query finds, a page of them in order of time */
export function search(
  body: SearchRequest,
  options: CallOptions = {},
): Promise<SearchResponse> {
  return call<SearchResponse>("POST", withQuery("/search", {}), body, options);
}

/** How many events a query finds in each interval of time */
export function histogram(
  body: HistogramRequest,
  options: CallOptions = {},
): Promise<HistogramResponse> {
  return call<HistogramResponse>("POST", withQuery("/search/histogram", {}), body, options);
}

/** The most frequent (or rarest) values of a field among the events that a query finds */
export function top(
  body: TopRequest,
  options: CallOptions = {},
): Promise<TopResponse> {
  return call<TopResponse>("POST", withQuery("/search/top", {}), body, options);
}

/** Whether a query can be understood, and its parts for colouring */
export function checkQuery(
  body: CheckRequest,
  options: CallOptions = {},
): Promise<CheckResponse> {
  return call<CheckResponse>("POST", withQuery("/query/check", {}), body, options);
}

/** All fields that queries can name, with what they mean and which timelines have them */
export function listFields(
  options: CallOptions = {},
): Promise<FieldList> {
  return call<FieldList>("GET", withQuery("/fields", {}), undefined, options);
}

/** Values of a field that begin with a prefix, most frequent first */
export function listFieldValues(
  name: string,
  query: { prefix?: string; limit?: number; timelines?: string } = {},
  options: CallOptions = {},
): Promise<ValueList> {
  return call<ValueList>("GET", withQuery(`/fields/${encodeURIComponent(name)}/values`, query), undefined, options);
}

/** Server-sent events on what changes */
export function streamUrl(): string {
  return withQuery("/events/stream", {});
}

/** One event with all its fields */
export function getEvent(
  eventId: EventId,
  query: { timeline?: number } = {},
  options: CallOptions = {},
): Promise<Hit> {
  return call<Hit>("GET", withQuery(`/events/${encodeURIComponent(eventId)}`, query), undefined, options);
}

/** The very bytes of the evidence that an event was read from */
export function getEventBytes(
  eventId: EventId,
  query: { timeline?: number; before?: number; after?: number } = {},
  options: CallOptions = {},
): Promise<EventBytes> {
  return call<EventBytes>("GET", withQuery(`/events/${encodeURIComponent(eventId)}/bytes`, query), undefined, options);
}

/** Star an event */
export function starEvent(
  eventId: EventId,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("PUT", withQuery(`/events/${encodeURIComponent(eventId)}/star`, {}), undefined, options);
}

/** Take the star off an event */
export function unstarEvent(
  eventId: EventId,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("DELETE", withQuery(`/events/${encodeURIComponent(eventId)}/star`, {}), undefined, options);
}

/** Tag an event */
export function tagEvent(
  eventId: EventId,
  tag: Tag,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("PUT", withQuery(`/events/${encodeURIComponent(eventId)}/tags/${encodeURIComponent(tag)}`, {}), undefined, options);
}

/** Take a tag off an event */
export function untagEvent(
  eventId: EventId,
  tag: Tag,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("DELETE", withQuery(`/events/${encodeURIComponent(eventId)}/tags/${encodeURIComponent(tag)}`, {}), undefined, options);
}

/** Comment an event */
export function addComment(
  eventId: EventId,
  body: CommentRequest,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("POST", withQuery(`/events/${encodeURIComponent(eventId)}/comments`, {}), body, options);
}

/** Change a comment's text */
export function changeComment(
  eventId: EventId,
  comment: number,
  body: CommentRequest,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("PUT", withQuery(`/events/${encodeURIComponent(eventId)}/comments/${encodeURIComponent(comment)}`, {}), body, options);
}

/** Delete a comment */
export function deleteComment(
  eventId: EventId,
  comment: number,
  options: CallOptions = {},
): Promise<Annotations> {
  return call<Annotations>("DELETE", withQuery(`/events/${encodeURIComponent(eventId)}/comments/${encodeURIComponent(comment)}`, {}), undefined, options);
}

/** Star, unstar, tag or untag many events at once; all or nothing */
export function annotate(
  body: AnnotateRequest,
  options: CallOptions = {},
): Promise<AnnotateResponse> {
  return call<AnnotateResponse>("POST", withQuery("/annotations", {}), body, options);
}

/** All tags in use, most frequent first */
export function listTags(
  options: CallOptions = {},
): Promise<ValueList> {
  return call<ValueList>("GET", withQuery("/tags", {}), undefined, options);
}

/** All events that a query finds, as a file */
export function exportEventsUrl(query: { format?: "jsonl" | "csv" | "l2tcsv" | "bodyfile"; query?: string; timelines?: string; from?: string; until?: string; order?: "asc" | "desc"; limit?: number; chips?: Chip[] } = {}): string {
  return withQuery("/export", query);
}
