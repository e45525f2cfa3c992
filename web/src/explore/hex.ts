// Bytes of evidence as lines of text or of hexadecimal digits, the record itself apart from what is around it.

export interface Part {
  text: string;
  own: boolean;
}

export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor(hex.length / 2));
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** The bytes as UTF-8 in three parts: before the record, the record, behind it. */
export function asText(bytes: Uint8Array, from: number, until: number): Part[] {
  const decoder = new TextDecoder("utf-8");
  const show = (part: Uint8Array): string =>
    decoder
      .decode(part)
      .replaceAll("\0", "␀")
      // Control characters would not be seen; their pictures are.
      // eslint-disable-next-line no-control-regex
      .replaceAll(/[\x01-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
      .replaceAll("\x7f", "␡");
  return [
    { text: show(bytes.subarray(0, from)), own: false },
    { text: show(bytes.subarray(from, until)), own: true },
    { text: show(bytes.subarray(until)), own: false },
  ].filter((part) => part.text !== "");
}

export interface HexLine {
  offset: string;
  digits: Part[];
  text: Part[];
}

/** Lines of `wide` bytes at round offsets of the file; `start` is the first byte's. */
export function asHex(
  bytes: Uint8Array,
  start: number,
  from: number,
  until: number,
  wide: number,
): HexLine[] {
  const lines: HexLine[] = [];
  const first = Math.floor(start / wide) * wide;
  for (let at = first; at < start + bytes.length; at += wide) {
    const digits: Part[] = [];
    const text: Part[] = [];
    const put = (parts: Part[], t: string, own: boolean): void => {
      const last = parts.at(-1);
      if (last?.own === own) last.text += t;
      else parts.push({ text: t, own });
    };
    for (let column = 0; column < wide; column++) {
      const i = at + column - start;
      const byte = bytes[i];
      const own = i >= from && i < until;
      const space = column === 0 ? "" : " ";
      // The space belongs to the byte before it, so that a run is marked without a gap.
      if (space !== "") put(digits, space, own && i - 1 >= from);
      if (byte === undefined) {
        put(digits, "  ", false);
        put(text, " ", false);
      } else {
        put(digits, byte.toString(16).padStart(2, "0"), own);
        put(text, byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·", own);
      }
    }
    lines.push({ offset: at.toString(16).padStart(8, "0"), digits, text });
  }
  return lines;
}
