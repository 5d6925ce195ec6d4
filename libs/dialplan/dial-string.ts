import { Variables } from '#libs/contract/decision.ts';
import { DialEndpoint, type Group } from '#libs/contract/plan.ts';
import { problem } from '#libs/contract/problem.ts';

/** A dial string that Dialhook does not support. The message never repeats the text. */
export class DialStringError extends Error {
  override readonly name = 'DialStringError';
}

const refuse = (why: string): never => {
  throw new DialStringError(why);
};

/** Splits at separators that are not in quotes, after a backslash or in [ ]. */
function split(text: string, separators: string): { part: string; separator: string }[] {
  const parts: { part: string; separator: string }[] = [];
  let part = '';
  let quoted = false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') {
      part += char + text.charAt(++at);
      continue;
    }
    if (char === "'") quoted = !quoted;
    else if (!quoted && char === '[') depth++;
    else if (!quoted && char === ']') depth--;
    if (!quoted && depth === 0 && separators.includes(char)) {
      parts.push({ part, separator: char });
      part = '';
    } else part += char;
  }
  if (quoted) refuse('a quote is not closed');
  if (depth !== 0) refuse('a [ is not closed');
  parts.push({ part, separator: '' });
  return parts;
}

const unquoted = (value: string): string =>
  value.replaceAll(/\\(.)|'/g, (_, escaped: string | undefined) => escaped ?? '');

/** The inside of {...} or [...]: `name=value` separated by commas, or by the character named after ^^. */
function variablesOf(inside: string): Variables {
  const [separator, list] = inside.startsWith('^^') ? [inside.charAt(2), inside.slice(3)] : [',', inside];
  const entries = split(list, separator).map(({ part }) => {
    const equals = part.indexOf('=');
    if (equals < 1) refuse('a variable must be written name=value');
    return [part.slice(0, equals).trim(), unquoted(part.slice(equals + 1))] as const;
  });
  const parsed = Variables.safeParse(Object.fromEntries(entries));
  return parsed.success ? parsed.data : refuse(`variable ${problem(parsed.error)}`);
}

/** The index of the bracket that closes the one before `text`, outside quotes and not after a backslash. */
function endOfBrackets(text: string, close: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at++;
    else if (char === "'") quoted = !quoted;
    else if (char === close && !quoted) return at;
  }
  return refuse(`no ${close} closes the variables`);
}

/** The variables of the leading {...} (or [...]), and the rest of the text. */
function takeVariables(text: string, open: string, close: string): { variables: Variables; rest: string } {
  let variables: Variables = {};
  let rest = text.trim();
  while (rest.startsWith(open)) {
    const end = endOfBrackets(rest.slice(1), close) + 1;
    variables = { ...variables, ...variablesOf(rest.slice(1, end)) };
    rest = rest.slice(end + 1).trim();
  }
  return { variables, rest };
}

function legOf(text: string): Group['legs'][number] {
  const { variables, rest } = takeVariables(text, '[', ']');
  const endpoint = DialEndpoint.safeParse(rest);
  if (!endpoint.success) return refuse(endpoint.error.issues[0]?.message ?? 'cannot be dialled');
  return { endpoint: endpoint.data, variables };
}

/**
 * Parses a FreeSWITCH dial string into groups of legs that ring at the same time. A bar always separates groups. A
 * comma separates groups when `sequential`; otherwise it separates legs of a group, as in FreeSWITCH.
 * @throws {DialStringError}
 */
export function parseDialString(text: string, sequential: boolean): Group[] {
  if (text.includes(':_:')) refuse('enterprise originate (:_:) is not supported');
  if (text.trim().startsWith('<')) refuse('enterprise variables (<...>) are not supported');
  const { variables, rest } = takeVariables(text, '{', '}');
  const groups: Group[] = [];
  let legs: Group['legs'] = [];
  for (const { part, separator } of split(rest, ',|')) {
    legs.push(legOf(part));
    if (separator !== ',' || sequential) {
      groups.push({ variables, legs });
      legs = [];
    }
  }
  return groups;
}

/** Separators of variables, the first of which is used that no value contains. */
const SEPARATORS = [';', ':', '!', '~', '`', '?'];

/** `{^^;name=value;...}` */
function brackets(open: string, variables: Variables, close: string): string {
  const entries = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  if (entries.length === 0) return '';
  const separator = SEPARATORS.find((one) => entries.every((entry) => !entry.includes(one))) ?? ';';
  return `${open}^^${separator}${entries.join(separator)}${close}`;
}

/** The dial string of one group, for `bridge`. */
export function formatGroup(
  variables: Variables,
  legs: readonly { endpoint: string; variables: Variables }[],
): string {
  const list = legs.map((leg) => brackets('[', leg.variables, ']') + leg.endpoint);
  return brackets('{', variables, '}') + list.join(',');
}

const GATEWAY = /^sofia\/gateway\/(?:[\w.+-]+::)?([\w.+-]+)\//;

/** The gateway that an endpoint dials through, without its sofia profile; undefined for others. */
export const gatewayOf = (endpoint: string): string | undefined => GATEWAY.exec(endpoint)?.[1];
