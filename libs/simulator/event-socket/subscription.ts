import type { EventFormat, SwitchEvent } from '#libs/simulator/switch/switch-event.ts';
import { type EventFilter, eventFilter, passes } from './event-filter.ts';
import { EVENT_NAMES, eventName } from './event-names.ts';

const OF_ONE_CHANNEL =
  `CHANNEL_ANSWER CHANNEL_APPLICATION CHANNEL_BRIDGE CHANNEL_CREATE CHANNEL_DATA CHANNEL_DESTROY CHANNEL_EXECUTE
  CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_ORIGINATE CHANNEL_UUID CHANNEL_OUTGOING
  CHANNEL_PARK CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_STATE CHANNEL_UNBRIDGE CHANNEL_UNPARK DTMF`.split(
    /\s+/,
  );

/** Which events one connection gets: `event`, `nixevent`, `noevents`, `filter` and `myevents`, with their replies. */
export class Subscription {
  format: EventFormat = 'plain';
  /** esl-allowed-events of the user logged in; undefined without a limit. */
  allowed: ReadonlySet<string> | undefined;
  #listening = false;
  #events = new Set<string>();
  #filters: EventFilter[] = [];
  #onlyUuid: string | undefined;

  wants(name: string): boolean {
    return this.#listening && (this.#events.has(name) || this.#events.has('ALL'));
  }

  passes(event: SwitchEvent): boolean {
    if (!passes(event, this.#filters)) return false;
    return this.#onlyUuid === undefined || event.header('Unique-ID') === this.#onlyUuid;
  }

  event(line: string): string {
    const [first, ...rest] = line.split(' ').slice(1);
    const format = first?.toLowerCase();
    if (format === 'xml') return '-ERR command not found';
    if (format === 'json' || format === 'plain') this.format = format;
    const words = format === 'json' || format === 'plain' || first === undefined ? rest : [first, ...rest];
    let named = 0;
    for (const word of words) {
      const name = eventName(word);
      if (name === undefined) continue;
      if (this.allowed !== undefined && !this.allowed.has(name) && !this.allowed.has('ALL')) {
        return '-ERR permission denied';
      }
      named++;
      this.#events.add(name);
      if (name === 'CUSTOM') break;
    }
    if (named === 0) return '-ERR no keywords supplied';
    this.#listening = true;
    return `+OK event listener enabled ${this.format}`;
  }

  nixEvent(line: string): string {
    const names = line
      .split(' ')
      .slice(1)
      .map(eventName)
      .filter((name) => name !== undefined);
    if (names.length === 0) return '-ERR no keywords supplied';
    for (const name of names) {
      if (name === 'ALL') this.#events.clear();
      else if (this.#events.has('ALL'))
        this.#events = new Set([...EVENT_NAMES].filter((one) => one !== 'ALL'));
      this.#events.delete(name);
    }
    this.#listening = true;
    return '+OK events nixed';
  }

  noEvents(): string {
    if (!this.#listening) return '-ERR not listening for events';
    this.#listening = false;
    this.#events.clear();
    return '+OK no longer listening for events';
  }

  myEvents(uuid: string, line: string): string {
    if (this.#onlyUuid !== undefined) return '-ERR aready enabled.';
    this.#onlyUuid = uuid;
    for (const name of OF_ONE_CHANNEL) this.#events.add(name);
    this.#listening = true;
    if (/json/i.test(line)) this.format = 'json';
    return '+OK Events Enabled';
  }

  filter(line: string): string {
    const [, name = '', rest] = /^filter +(\S*)(?: (.*))?$/s.exec(line) ?? [];
    if (rest === undefined) return '-ERR invalid syntax';
    if (name.toLowerCase() === 'delete') return this.#deleteFilter(rest);
    const [, header = '', value] =
      name.toLowerCase() === 'add' ? (/^(\S*)(?: (.*))?$/s.exec(rest) ?? []) : ['', name, rest];
    if (value !== undefined) this.#filters.push(eventFilter(header, value));
    return `+OK filter added. [${header}]=[${value ?? ''}]`;
  }

  #deleteFilter(rest: string): string {
    const [, header = '', value] = /^(\S*)(?: (.*))?$/s.exec(rest) ?? [];
    const all = header.toLowerCase() === 'all';
    this.#filters = this.#filters.filter(
      (one) =>
        !all &&
        (one.header.toLowerCase() !== header.toLowerCase() || (value !== undefined && one.value !== value)),
    );
    return `+OK filter deleted. [${header}][${value ?? ''}]`;
  }
}
