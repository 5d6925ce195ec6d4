import type { SwitchEvent } from '#libs/simulator/switch/switch-event.ts';

/** One `filter HEADER VALUE` of a connection. */
export interface EventFilter {
  readonly header: string;
  readonly positive: boolean;
  readonly matches: (actual: string) => boolean;
}

/** `/pattern/flags` is a regular expression; other values are compared case-insensitively. A leading minus negates. */
export function eventFilter(header: string, value: string): EventFilter {
  const sign = /^[+\- ]*/.exec(value)?.[0] ?? '';
  const expected = value.slice(sign.length);
  const expression = value.startsWith('/') ? compile(value) : undefined;
  return {
    header,
    positive: sign.lastIndexOf('-') <= sign.lastIndexOf('+'),
    matches: value.startsWith('/')
      ? (actual) => expression?.test(actual) ?? false
      : (actual) => actual.toLowerCase() === expected.toLowerCase(),
  };
}

/**
 * Whether an event passes, as event_handler in mod_event_socket.c: without filters all do; with filters one positive
 * match is enough, and a negative match rejects the event.
 */
export function passes(event: SwitchEvent, filters: readonly EventFilter[]): boolean {
  if (filters.length === 0) return true;
  let passing = false;
  for (const filter of filters) {
    const actual = event.header(filter.header);
    if (actual === undefined || (passing && filter.positive) || !filter.matches(actual)) continue;
    if (!filter.positive) return false;
    passing = true;
  }
  return passing;
}

/** An expression without its closing slash, or one that does not compile, matches nothing. */
function compile(expression: string): RegExp | undefined {
  const end = expression.lastIndexOf('/');
  if (end <= 0) return undefined;
  const flags = new Set(expression.slice(end + 1).match(/[is]/g) ?? []);
  try {
    return new RegExp(expression.slice(1, end), [...flags].join(''));
  } catch {
    return undefined;
  }
}
