import type { SwitchEvent } from '#libs/simulator/switch/switch-event.ts';
import { type EventFilter, eventFilter, passes } from './event-filter.ts';

/** The events that the simulator fires; FreeSWITCH ignores a name that it does not know. */
const EVENT_NAMES: ReadonlySet<string> = new Set([
  'ALL',
  'CHANNEL_ANSWER',
  'CHANNEL_BRIDGE',
  'CHANNEL_CREATE',
  'CHANNEL_DESTROY',
  'CHANNEL_EXECUTE',
  'CHANNEL_EXECUTE_COMPLETE',
  'CHANNEL_HANGUP',
  'CHANNEL_HANGUP_COMPLETE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_UNBRIDGE',
  'CUSTOM',
  'HEARTBEAT',
]);

/** The events that one connection receives: the commands `event json` and `filter`, with their replies. */
export class Subscription {
  /** esl-allowed-events of the user; undefined without a limit. */
  allowed: ReadonlySet<string> | undefined;
  readonly #events = new Set<string>();
  /** Of CUSTOM events. */
  readonly #subclasses = new Set<string>();
  readonly #filters: EventFilter[] = [];

  wants(name: string): boolean {
    return this.#events.has(name) || this.#events.has('ALL');
  }

  passes(event: SwitchEvent): boolean {
    const subclass = event.header('Event-Subclass');
    if (subclass !== undefined && !this.#events.has('ALL') && !this.#subclasses.has(subclass)) return false;
    return passes(event, this.#filters);
  }

  /** `event json NAME ...`; the words behind CUSTOM are subclasses. */
  event(line: string): string {
    const [format, ...words] = line.split(' ').slice(1);
    if (format?.toLowerCase() !== 'json') return '-ERR the simulator sends events as JSON only';
    const custom = words.findIndex((word) => word.toUpperCase() === 'CUSTOM');
    const subclasses = custom < 0 ? [] : words.slice(custom + 1);
    const names = words
      .slice(0, words.length - subclasses.length)
      .map((word) => word.toUpperCase())
      .filter((name) => EVENT_NAMES.has(name));
    if (names.length === 0) return '-ERR no keywords supplied';
    const { allowed } = this;
    if (
      allowed !== undefined &&
      !allowed.has('ALL') &&
      [...names, ...subclasses.map((one) => one.toUpperCase())].some((name) => !allowed.has(name))
    )
      return '-ERR permission denied';
    for (const name of names) this.#events.add(name);
    for (const subclass of subclasses) this.#subclasses.add(subclass);
    return '+OK event listener enabled json';
  }

  /** `filter HEADER VALUE` */
  filter(line: string): string {
    const [, header = '', value] = /^filter +(\S*)(?: (.*))?$/s.exec(line) ?? [];
    if (value === undefined) return '-ERR invalid syntax';
    this.#filters.push(eventFilter(header, value));
    return `+OK filter added. [${header}]=[${value}]`;
  }
}
