import { median, short } from './numbers.ts';

/** What a ratio has to be. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One measured figure, beside the bare thing in the same run. */
export interface Figure {
  readonly name: string;
  /** What is measured and what it stands beside, in words. */
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly bare: number;
  /** Median of the ratios of the rounds, ours to bare. */
  readonly ratio: number;
  /** Smallest and largest ratio of a round. */
  readonly spread: readonly [number, number];
  readonly rounds: number;
  readonly goal?: Goal;
}

/** One round: both measured, one right after the other. */
export interface Pair {
  readonly ours: number;
  readonly bare: number;
}

export function figureOf(
  about: Pick<Figure, 'name' | 'what' | 'unit'> & { readonly goal?: Goal | undefined },
  pairs: readonly Pair[],
): Figure {
  const { goal, ...named } = about;
  const ratios = pairs.map(({ ours, bare }) => ours / bare);
  return {
    ...named,
    ours: short(median(pairs.map(({ ours }) => ours))),
    bare: short(median(pairs.map(({ bare }) => bare))),
    ratio: short(median(ratios)),
    spread: [short(Math.min(...ratios)), short(Math.max(...ratios))],
    rounds: pairs.length,
    ...(goal === undefined ? {} : { goal }),
  };
}

/** Whether a figure is where it has to be; undefined when there is no goal. */
export function reached({ goal, ratio }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'atMost' in goal ? ratio <= goal.atMost : ratio >= goal.atLeast;
}

const goalText = ({ goal }: Figure): string =>
  goal === undefined ? '' : 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;

const verdict = (figure: Figure): string => {
  const is = reached(figure);
  return is === undefined ? '' : is ? 'reached' : 'short';
};

const HEAD = ['figure', 'ours', 'bare', 'unit', 'ratio', '(from - to)', 'goal', ''];
const WIDTHS = [38, 10, 10, 14, 8, 16, 9, 7];
const columns = (cells: readonly (string | number)[]): string =>
  cells
    .map((cell, i) => String(cell).padEnd(WIDTHS[i] ?? 0))
    .join(' ')
    .trimEnd();

export const tableHead = (): string => columns(HEAD);

export const tableLine = (figure: Figure): string =>
  columns([
    figure.name,
    figure.ours,
    figure.bare,
    figure.unit,
    figure.ratio,
    `(${figure.spread.join(' - ')})`,
    goalText(figure),
    verdict(figure),
  ]);

/** Runs both sides `rounds` times, the one that begins changing from round to round, after one round not counted. */
export async function alternate<T>(
  rounds: number,
  ours: () => Promise<T>,
  bare: () => Promise<T>,
): Promise<{ readonly ours: T; readonly bare: T }[]> {
  const results: { ours: T; bare: T }[] = [];
  for (let round = 0; round <= rounds; round++) {
    if (round % 2 === 0) {
      const first = await ours();
      results.push({ ours: first, bare: await bare() });
    } else {
      const first = await bare();
      results.push({ ours: await ours(), bare: first });
    }
  }
  return results.slice(1);
}
