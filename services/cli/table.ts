import type { Format, Paint } from './command-line.ts';

/** Text, and what marks it where there are colours. */
export type Cell = string | readonly [Format, string];

/** What could move the cursor or hide other text is shown as a question mark. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');

const WIDE =
  /\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60]|\p{Emoji_Presentation}/u;

/** Columns of a terminal that a text takes. */
const widthOf = (text: string): number =>
  [...text].reduce((width, char) => width + (/\p{M}/u.test(char) ? 0 : WIDE.test(char) ? 2 : 1), 0);

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell[1]);

/** Rows under their headings, in columns as wide as they must be; the last one is as long as it is. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  paint: Paint = (_, text) => text,
): string {
  const shown = rows.map((row) =>
    row.map((cell) => {
      const text = plain(textOf(cell)) || '-';
      return typeof cell === 'string' ? text : ([cell[0], text] as const);
    }),
  );
  const all: (readonly Cell[])[] = [headings.map((heading) => ['bold', heading] as const), ...shown];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => widthOf(textOf(row[column] ?? '')))),
  );
  const padded = (cell: Cell, column: number, last: boolean) => {
    const text = textOf(cell);
    const blanks = last ? '' : ' '.repeat((widths[column] ?? 0) - widthOf(text));
    return (typeof cell === 'string' ? text : paint(cell[0], text)) + blanks;
  };
  return all
    .map((row) => row.map((cell, column) => padded(cell, column, column === row.length - 1)).join('  '))
    .join('\n');
}
