// Where a list of millions of rows stands. A browser's own scroll height ends at some ten million pixels, and lines
// between rows make heights uneven, so the list keeps its place as a row and the pixels that are gone of it; the
// scrollbar only mirrors that.

export const rowHeight = 24;
export const lineHeight = 20;
const tallest = 8_000_000;

/** Pixels of a row with the line above it, if it has one. */
export type HeightOf = (row: number) => number;

export class Scroll {
  row = $state(0);
  gone = $state(0);
  viewport = $state(0);
  total = $state(0);
  readonly #height: HeightOf;

  constructor(height: HeightOf) {
    this.#height = height;
  }

  /** Pixels that the element inside the scrollbar is high. */
  get spacer(): number {
    return Math.max(this.viewport, Math.min(tallest, this.total * rowHeight));
  }

  /** Rows that fit, at least one. */
  get page(): number {
    return Math.max(1, Math.floor(this.viewport / rowHeight));
  }

  /** The last place: the end of the last row at the lower edge. */
  #end(): { row: number; gone: number } {
    let left = this.viewport;
    let row = this.total;
    while (row > 0 && left > 0) {
      row--;
      left -= this.#height(row);
    }
    return left > 0 ? { row: 0, gone: 0 } : { row, gone: -left };
  }

  #settle(): void {
    if (this.row < 0) {
      this.row = 0;
      this.gone = 0;
    }
    const end = this.#end();
    if (this.row > end.row || (this.row === end.row && this.gone > end.gone)) {
      this.row = end.row;
      this.gone = end.gone;
    }
  }

  by(pixels: number): void {
    this.gone += pixels;
    while (this.gone < 0 && this.row > 0) {
      this.row--;
      this.gone += this.#height(this.row);
    }
    if (this.gone < 0) this.gone = 0;
    while (this.row < this.total && this.gone >= this.#height(this.row)) {
      this.gone -= this.#height(this.row);
      this.row++;
    }
    this.#settle();
  }

  to(row: number, gone = 0): void {
    this.row = Math.max(0, Math.min(this.total, row));
    this.gone = gone;
    this.#settle();
  }

  toEnd(): void {
    this.to(this.total);
  }

  /** Puts a row so many pixels below the upper edge, as near as there is room. */
  place(row: number, y: number): void {
    this.row = Math.max(0, Math.min(this.total, row));
    this.gone = 0;
    this.by(-y);
  }

  get atEnd(): boolean {
    const end = this.#end();
    return this.row === end.row && this.gone >= end.gone;
  }

  /** Pixels from the upper edge to the row; undefined where it is far outside. */
  offsetOf(row: number): number | undefined {
    if (row < this.row) return row >= this.row - 200 ? -1 : undefined;
    let y = -this.gone;
    for (let i = this.row; i < row; i++) {
      y += this.#height(i);
      if (y > this.viewport) return undefined;
    }
    return y;
  }

  /** Moves as little as is needed for the row to be seen whole; from far away it comes to the middle. */
  reveal(row: number): void {
    const y = this.offsetOf(row);
    if (y === undefined) {
      this.place(row, (this.viewport - rowHeight) / 2);
      return;
    }
    if (row < this.row || y < 0) {
      this.to(row);
      return;
    }
    const over = y + this.#height(row) - this.viewport;
    if (over > 0) this.by(over);
  }

  /** Rows to draw, from this.row on, with their heights. */
  visible(): number[] {
    const rows: number[] = [];
    let y = -this.gone;
    for (let i = this.row; i < this.total && y < this.viewport; i++) {
      rows.push(i);
      y += this.#height(i);
    }
    return rows;
  }

  /** What the scrollbar shows for this place. */
  get thumb(): number {
    const end = this.#end();
    const last = end.row + end.gone / rowHeight;
    if (last <= 0) return 0;
    const at = this.row + this.gone / rowHeight;
    return Math.min(1, at / last) * (this.spacer - this.viewport);
  }

  /** The place for what the scrollbar was dragged to. */
  drag(thumb: number): void {
    const room = this.spacer - this.viewport;
    if (room <= 0) {
      this.to(0);
      return;
    }
    const share = Math.max(0, Math.min(1, thumb / room));
    if (share === 1) {
      this.toEnd();
      return;
    }
    const end = this.#end();
    const at = share * (end.row + end.gone / rowHeight);
    this.to(Math.floor(at), (at % 1) * rowHeight);
  }
}
