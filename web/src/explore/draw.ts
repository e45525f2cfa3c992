// Draws the strip: stacked bars of the window, marks and a time axis over an overview of all time.

import type { HistogramResponse } from "../api/generated";
import { ticks } from "../lib/time";
import type { Range } from "./dense";
import type { Mark } from "./strip.svelte";

export const stripHeight = 112;
export const barsTop = 14;
export const barsBase = 82;
export const axisAt = 93;
export const overviewTop = 98;
export const overviewBase = 111;

export interface Picture {
  width: number;
  shown: Range;
  whole: Range;
  detail: HistogramResponse | undefined;
  overview: HistogramResponse | undefined;
  /** Of series i of the detail: the name of a token. */
  colours: string[];
  log: boolean;
  zone: string;
  marks: Mark[];
  /** Where the pointer draws a new window. */
  brush: Range | undefined;
  /** The overview's. */
  overviewBrush: Range | undefined;
  /** What the list shows. */
  inSight: Range | undefined;
  focus: number | undefined;
  pointer: number | undefined;
}

export function xOf(micros: number, [from, until]: Range, width: number): number {
  return ((micros - from) / (until - from)) * width;
}

export function microsOf(x: number, [from, until]: Range, width: number): number {
  return Math.round(from + (x / width) * (until - from));
}

function height(n: number, most: number, log: boolean, room: number): number {
  if (n <= 0 || most <= 0) return 0;
  const share = log ? Math.log1p(n) / Math.log1p(most) : n / most;
  return Math.max(1, share * room);
}

export function draw(canvas: HTMLCanvasElement, p: Picture): void {
  const ratio = devicePixelRatio || 1;
  const { width, shown, detail } = p;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(stripHeight * ratio);
  const c = canvas.getContext("2d");
  if (c === null) return;
  c.scale(ratio, ratio);
  c.clearRect(0, 0, width, stripHeight);
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  const [line, strong, accent, muted] = [
    token("--line"),
    token("--line-strong"),
    token("--accent"),
    token("--muted"),
  ];

  c.fillStyle = line;
  for (let g = 1; g < 4; g++) c.fillRect(0, barsBase - (g * (barsBase - barsTop)) / 3, width, 1);
  c.fillRect(0, barsBase, width, 1);

  const at = (micros: number): number => xOf(micros, shown, width);
  if (p.inSight !== undefined) {
    const [from, until] = [at(p.inSight[0]), at(p.inSight[1])];
    c.fillStyle = accent;
    c.globalAlpha = 0.07;
    c.fillRect(from, barsTop - 10, Math.max(2, until - from), barsBase - barsTop + 10);
    c.globalAlpha = 1;
  }
  if (detail !== undefined) drawBars(c, p, detail, token, strong);

  c.font = `10.5px ${token("--font")}`;
  c.textAlign = "center";
  c.fillStyle = muted;
  const marks =
    p.overview === undefined || p.overview.starts_us.length === 0
      ? []
      : ticks(shown[0] / 1e6, shown[1] / 1e6, p.zone, Math.floor(width / 90));
  for (const tick of marks) {
    const x = at(tick.seconds * 1e6);
    c.fillRect(Math.round(x), barsBase, 1, 4);
    const half = c.measureText(tick.label).width / 2;
    c.fillText(tick.label, Math.max(half + 2, Math.min(width - half - 2, x)), axisAt + 2);
  }

  c.font = `11px ${token("--font")}`;
  for (const mark of p.marks) {
    const x = at(mark.micros);
    if (x < 0 || x > width) continue;
    c.fillStyle = token(mark.starred ? "--series-5" : "--accent");
    c.fillText(mark.starred ? "★" : "▾", x, barsTop - 4);
  }
  if (p.focus !== undefined) {
    c.fillStyle = accent;
    c.fillRect(Math.round(at(p.focus)), barsTop - 12, 1, barsBase - barsTop + 12);
  }
  if (p.brush !== undefined) drawBrush(c, at(p.brush[0]), at(p.brush[1]), 4, barsBase, accent);
  drawOverview(c, p, strong, accent);
}

function drawBars(
  c: CanvasRenderingContext2D,
  p: Picture,
  detail: HistogramResponse,
  token: (name: string) => string,
  strong: string,
): void {
  const { shown, width } = p;
  let most = 0;
  detail.counts.forEach((n, i) => {
    const start = detail.starts_us[i] ?? 0;
    if (start + detail.interval_us > shown[0] && start < shown[1]) most = Math.max(most, n);
  });
  const room = barsBase - barsTop;
  const wide = (detail.interval_us / (shown[1] - shown[0])) * width;
  const gap = wide > 4 ? 1 : 0;
  const colours = p.colours.map((name) => (name === "" ? strong : token(name)));
  detail.counts.forEach((n, i) => {
    if (n === 0) return;
    const start = detail.starts_us[i] ?? 0;
    const x = xOf(start, shown, width);
    if (x + wide < 0 || x > width) return;
    const tall = height(n, most, p.log, room);
    const w = Math.max(1, wide - gap);
    if (detail.series.length === 0) {
      c.fillStyle = token("--series-1");
      c.fillRect(x, barsBase - tall, w, tall);
      return;
    }
    let y = barsBase;
    detail.series.forEach((series, s) => {
      const share = ((series.counts[i] ?? 0) / n) * tall;
      if (share === 0) return;
      c.fillStyle = colours[s] ?? strong;
      c.fillRect(x, y - share, w, share);
      y -= share;
    });
  });
}

function drawBrush(
  c: CanvasRenderingContext2D,
  from: number,
  until: number,
  top: number,
  base: number,
  accent: string,
): void {
  c.fillStyle = accent;
  c.globalAlpha = 0.13;
  c.fillRect(from, top, until - from, base - top);
  c.globalAlpha = 1;
  c.fillRect(Math.round(from), top, 1, base - top);
  c.fillRect(Math.round(until), top, 1, base - top);
}

function drawOverview(
  c: CanvasRenderingContext2D,
  p: Picture,
  strong: string,
  accent: string,
): void {
  const { overview, whole, width } = p;
  if (overview === undefined) return;
  const most = Math.max(...overview.counts, 1);
  const wide = Math.max(1, (overview.interval_us / (whole[1] - whole[0])) * width);
  c.fillStyle = strong;
  overview.counts.forEach((n, i) => {
    const tall = height(n, most, true, overviewBase - overviewTop);
    c.fillRect(xOf(overview.starts_us[i] ?? 0, whole, width), overviewBase - tall, wide, tall);
  });
  const [from, until] = p.overviewBrush ?? p.shown;
  const [a, b] = [Math.max(0, xOf(from, whole, width)), Math.min(width, xOf(until, whole, width))];
  if (b - a < width - 1 || p.overviewBrush !== undefined) {
    drawBrush(c, a, Math.max(a + 3, b), overviewTop - 1, overviewBase + 1, accent);
  }
}
