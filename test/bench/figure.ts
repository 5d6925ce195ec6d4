import { median, short } from './numbers.ts';

/** The bound of a ratio. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One measured figure and its baseline from the same run. */
export interface Figure {
  readonly name: string;
  /** What is measured, and the baseline. */
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly baseline: number;
  /** Median over the rounds of ours / baseline. */
  readonly ratio: number;
  /** Smallest and largest ratio of a round. */
  readonly spread: readonly [number, number];
  readonly rounds: number;
  readonly goal?: Goal;
}

/** One round: both sides, measured one right after the other. */
export interface Pair {
  readonly ours: number;
  readonly baseline: number;
}

export function figureOf(
  about: Pick<Figure, 'name' | 'what' | 'unit'> & { readonly goal?: Goal | undefined },
  pairs: readonly Pair[],
): Figure {
  const { goal, ...named } = about;
  const ratios = pairs.map(({ ours, baseline }) => ours / baseline);
  return {
    ...named,
    ours: short(median(pairs.map(({ ours }) => ours))),
    baseline: short(median(pairs.map(({ baseline }) => baseline))),
    ratio: short(median(ratios)),
    spread: [short(Math.min(...ratios)), short(Math.max(...ratios))],
    rounds: pairs.length,
    ...(goal === undefined ? {} : { goal }),
  };
}

/** Whether a figure reaches its goal; undefined if it has none. */
export function reached({ goal, ratio }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'atMost' in goal ? ratio <= goal.atMost : ratio >= goal.atLeast;
}

const goalText = ({ goal }: Figure): string =>
  goal === undefined ? '' : 'atMost' in goal ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;

const verdict = (figure: Figure): string => {
  const is = reached(figure);
  return is === undefined ? '' : is ? 'reached' : 'missed';
};

const HEAD = ['figure', 'ours', 'baseline', 'unit', 'ratio', '(from - to)', 'goal', ''];
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
    figure.baseline,
    figure.unit,
    figure.ratio,
    `(${figure.spread.join(' - ')})`,
    goalText(figure),
    verdict(figure),
  ]);

/** Runs both sides `rounds` times and changes their order in every round. A first round is not counted. */
export async function alternate<T>(
  rounds: number,
  ours: () => Promise<T>,
  baseline: () => Promise<T>,
): Promise<{ readonly ours: T; readonly baseline: T }[]> {
  return inTurn(rounds, { ours, baseline });
}

/** Runs each side `rounds` times and changes their order in every round. A first round is not counted. */
export async function inTurn<Name extends string, T>(
  rounds: number,
  sides: Readonly<Record<Name, () => Promise<T>>>,
): Promise<Record<Name, T>[]> {
  const results: Record<Name, T>[] = [];
  for (let round = 0; round <= rounds; round++) {
    const result = {} as Record<Name, T>;
    const names = Object.keys(sides) as Name[];
    for (const name of round % 2 === 0 ? names : names.toReversed()) result[name] = await sides[name]();
    results.push(result);
  }
  return results.slice(1);
}
