import type { Format, Paint } from './command.ts';

/** Text, and what marks it where there are colours. */
export type Cell = string | readonly [Format, string];

/** What could move the cursor or hide other text is shown as a question mark. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');

const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60]|\p{Emoji_Presentation}/u;

/** Columns of a terminal that a text takes. */
const widthOf = (text: string): number =>
  [...text].reduce((width, char) => width + (/\p{M}/u.test(char) ? 0 : WIDE.test(char) ? 2 : 1), 0);

const textOf = (cell: Cell): string => plain(typeof cell === 'string' ? cell : cell[1]) || '-';

/** Cells in columns of these widths or wider, the last as long as it is. */
export function row(cells: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const padded = cells.map((cell, column) => {
    const text = textOf(cell);
    const isLast = column === cells.length - 1;
    const blanks = isLast ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(text)));
    return (typeof cell === 'string' ? text : paint(cell[0], text)) + blanks;
  });
  return padded.join('  ');
}

/** Rows under their headings, in columns as wide as they must be. */
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
