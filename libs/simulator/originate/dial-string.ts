import { closingBracket, separate } from '#libs/simulator/switch/switch-strings.ts';

export type DialVariables = ReadonlyMap<string, string>;

export interface DialLeg {
  /** The type of the channel: sofia, user, error. */
  readonly endpoint: string;
  /** The text after the first slash. */
  readonly data: string;
  /** `[name=value,...]` */
  readonly variables: DialVariables;
}

export interface DialString {
  /** `{name=value,...}` */
  readonly variables: DialVariables;
  /** Groups are tried in turn; the legs of one group ring simultaneously. */
  readonly groups: readonly (readonly DialLeg[])[];
}

/** Placeholders for a comma inside `[...]` until the legs have been separated: within a value, or between variables. */
const COMMA_OF_VALUE = '\u0001';
const COMMA_BETWEEN = '\u0002';

/** undefined if a bracket is not closed or the dial string has no legs. */
export function parseDialString(text: string): DialString | undefined {
  const global = takeVariables(text.trimStart(), '{', '}', ',');
  const rest = global?.rest.trimStart() ?? '';
  if (global === undefined || rest === '') return undefined;
  const groups: DialLeg[][] = [];
  for (const group of separate(rest, '|')) {
    const legs: DialLeg[] = [];
    for (const part of separate(replaceCommas(group), ',')) {
      const leg = parseLeg(part);
      if (leg === undefined) return undefined;
      legs.push(leg);
    }
    groups.push(legs);
  }
  return groups.length > 0 ? { variables: global.variables, groups } : undefined;
}

function parseLeg(text: string): DialLeg | undefined {
  const local = takeVariables(text.trimStart().replaceAll(COMMA_OF_VALUE, ','), '[', ']', COMMA_BETWEEN);
  if (local === undefined) return undefined;
  const dialled = local.rest.trimStart();
  const slash = dialled.indexOf('/');
  return {
    endpoint: slash < 0 ? dialled : dialled.slice(0, slash),
    data: slash < 0 ? '' : dialled.slice(slash + 1),
    variables: local.variables,
  };
}

function takeVariables(
  text: string,
  open: string,
  close: string,
  delimiter: string,
): { variables: DialVariables; rest: string } | undefined {
  const variables = new Map<string, string>();
  let rest = text;
  while (rest.startsWith(open)) {
    const end = closingBracket(rest, open, close);
    if (end < 0) return undefined;
    for (const pair of separate(rest.slice(1, end), delimiter)) {
      const [name, value] = separate(pair, '=', 2);
      if (name !== undefined && value !== undefined) variables.set(name, value);
    }
    rest = rest.slice(end + 1).trimStart();
  }
  return { variables, rest };
}

/** A comma belongs to a value inside quotes or if `^^` sets another delimiter; after a backslash it is kept as it is. */
function replaceCommas(group: string): string {
  let result = '';
  let from = 0;
  for (let open = group.indexOf('['); open >= 0; open = group.indexOf('[', from)) {
    const close = closingBracket(group, '[', ']', open);
    if (close < 0) break;
    result += group.slice(from, open) + replaceCommasInside(group.slice(open, close));
    from = close;
  }
  return result + group.slice(from);
}

function replaceCommasInside(bracket: string): string {
  const ownDelimiter = bracket.startsWith('[^^');
  let quoted = false;
  let result = '';
  for (let i = 0; i < bracket.length; i++) {
    const character = bracket[i] ?? '';
    if (character === "'") quoted = !quoted;
    const separates = character === ',' && bracket[i - 1] !== '\\';
    result += separates ? (quoted || ownDelimiter ? COMMA_OF_VALUE : COMMA_BETWEEN) : character;
  }
  return result;
}
