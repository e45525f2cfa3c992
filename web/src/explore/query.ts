// The query line's text: its parts for colouring, what can be completed at a place, which words to mark.

import type { FieldValue, QueryToken } from "../api/generated";

export interface Piece {
  text: string;
  kind: QueryToken["class"] | "plain";
}

/**
 * The text in coloured pieces. The tokens are of an earlier text, `checked`, as they come from the server a moment
 * later: those before and behind the place of the edit still hold.
 */
export function pieces(text: string, tokens: QueryToken[], checked: string): Piece[] {
  let before = 0;
  while (before < text.length && before < checked.length && text[before] === checked[before]) {
    before++;
  }
  let behind = 0;
  while (
    behind < text.length - before &&
    behind < checked.length - before &&
    text[text.length - 1 - behind] === checked[checked.length - 1 - behind]
  ) {
    behind++;
  }
  const shift = text.length - checked.length;
  const found: Piece[] = [];
  let at = 0;
  for (const token of tokens) {
    const end = token.position + token.length;
    let start: number;
    if (end <= before) start = token.position;
    else if (token.position >= checked.length - behind) start = token.position + shift;
    else continue;
    if (start < at) continue;
    if (start > at) found.push({ text: text.slice(at, start), kind: "plain" });
    found.push({ text: text.slice(start, start + token.length), kind: token.class });
    at = start + token.length;
  }
  if (at < text.length) found.push({ text: text.slice(at), kind: "plain" });
  return found;
}

/** The query text of a value, quoted where it needs it. */
export function quote(value: FieldValue): string {
  const text = String(value);
  if (/^[\p{L}\p{N}_./@][\p{L}\p{N}_./@:-]*$/u.test(text) && !/^(AND|OR|NOT|TO)$/.test(text)) {
    return text;
  }
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}

export type Gap =
  | { kind: "field"; from: number; prefix: string }
  | { kind: "value"; from: number; field: string; prefix: string };

/** What is being typed at the caret: a word, which may be the beginning of a field's name, or a field's value. */
export function gapAt(text: string, caret: number): Gap | undefined {
  const before = text.slice(0, caret);
  const value = /(?:^|[\s(+-])([A-Za-z_][\w.-]*):=?(?:"([^"]*)|([^\s()"[\]]*))$/.exec(before);
  if (value !== null) {
    const prefix = value[2] ?? value[3] ?? "";
    const written = value[2] === undefined ? prefix : `"${prefix}`;
    return { kind: "value", from: caret - written.length, field: value[1] ?? "", prefix };
  }
  const word = /(?:^|[\s(+-])([A-Za-z_][\w.-]*)$/.exec(before);
  if (word === null) return undefined;
  const prefix = word[1] ?? "";
  return { kind: "field", from: caret - prefix.length, prefix };
}

/**
 * What to mark in messages: the words and phrases that are searched for, as patterns. What stands behind NOT is not
 * marked, nor what no message would show.
 */
export function markPattern(query: string, tokens: QueryToken[]): RegExp | undefined {
  const found: string[] = [];
  let negated = false;
  for (const token of tokens) {
    const text = query.slice(token.position, token.position + token.length);
    if (token.class === "operator") {
      negated = /^(NOT|!|-)$/i.test(text);
      continue;
    }
    if (token.class === "word" || token.class === "phrase" || token.class === "regex") {
      const pattern = negated ? undefined : patternOf(token.class, text);
      if (pattern !== undefined) found.push(pattern);
      negated = false;
    }
  }
  if (found.length === 0) return undefined;
  found.sort((a, b) => b.length - a.length);
  try {
    return new RegExp(found.join("|"), "giu");
  } catch {
    return undefined;
  }
}

function patternOf(kind: QueryToken["class"], text: string): string | undefined {
  const literal = (t: string): string => t.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  if (kind === "regex") return undefined;
  if (kind === "phrase") {
    const inner = text.replace(/^"|"$/g, "").replace(/\\(.)/g, "$1");
    return inner.length < 2 ? undefined : literal(inner);
  }
  const bare = text.replaceAll(/\\(.)/g, "$1");
  if (bare.replace(/[*?]/g, "").length < 2) return undefined;
  const edge = /^[\p{L}\p{N}_]/u.test(bare) ? "(?<![\\p{L}\\p{N}_])" : "";
  const pattern = bare
    .split(/([*?])/)
    .map((part) => (part === "*" ? "[\\p{L}\\p{N}_]*" : part === "?" ? "." : literal(part)))
    .join("");
  return `${edge}${pattern}`;
}

export interface Marked {
  text: string;
  hit: boolean;
}

export function mark(text: string, pattern: RegExp | undefined): Marked[] {
  if (pattern === undefined) return [{ text, hit: false }];
  const found: Marked[] = [];
  let at = 0;
  for (const m of text.matchAll(pattern)) {
    if (m[0] === "") continue;
    if (m.index > at) found.push({ text: text.slice(at, m.index), hit: false });
    found.push({ text: m[0], hit: true });
    at = m.index + m[0].length;
  }
  if (at < text.length || found.length === 0) found.push({ text: text.slice(at), hit: false });
  return found;
}
