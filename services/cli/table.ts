import type { Format, Paint } from './command.ts';

/** Text, optionally with a colour. */
export type Cell = string | readonly [Format, string];

/** Replaces control and format characters, which could move the cursor or hide text, by question marks. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');

const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60]|\p{Emoji_Presentation}/u;

/** Width of a text in terminal columns. */
const widthOf = (text: string): number =>
  [...text].reduce((width, char) => width + (/\p{M}/u.test(char) ? 0 : WIDE.test(char) ? 2 : 1), 0);

const textOf = (cell: Cell): string => plain(typeof cell === 'string' ? cell : cell[1]) || '-';

/** One row; columns have at least these widths, the last column has none. */
export function row(cells: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const padded = cells.map((cell, column) => {
    const text = textOf(cell);
    const isLast = column === cells.length - 1;
    const blanks = isLast ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(text)));
    return (typeof cell === 'string' ? text : paint(cell[0], text)) + blanks;
  });
  return padded.join('  ');
}

/** Rows below their headings; each column is as wide as its widest cell. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Paint = (_, text) => text,
): string {
  const all = [headings.map((heading): Cell => ['bold', heading]), ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((one) => widthOf(textOf(one[column] ?? '')))),
  );
  return all.map((one) => row(one, widths, paint)).join('\n');
}
