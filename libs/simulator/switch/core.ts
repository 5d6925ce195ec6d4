import { type Clock, microseconds } from '#libs/simulator/clock.ts';
import type { Random } from '#libs/simulator/random.ts';
import type { Channel } from './channel.ts';
import { SwitchEvent } from './switch-event.ts';
import type { Value } from './variables.ts';

/** Where in the source of FreeSWITCH an event is made; events carry it. */
export interface EventOrigin {
  readonly file: string;
  readonly function: string;
  readonly line: number;
}

export interface EventReceiver {
  wants(name: string): boolean;
  receive(event: SwitchEvent): void;
  /** Says goodbye. */
  close(): void;
  /** Cuts the connection without a word. */
  destroy(): void;
}

/** What all channels and connections of one simulated node share. */
export class Core {
  readonly uuid: string;
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly startedAt: number;
  readonly channels = new Map<string, Channel>();
  readonly receivers = new Set<EventReceiver>();
  readonly globals: ReadonlyMap<string, string>;
  #sequence = 0;
  #sessions = 0;
  #dead = false;

  constructor(options: { name: string; domain: string; clock: Clock; random: Random }) {
    this.uuid = options.random.uuid();
    this.name = options.name;
    this.clock = options.clock;
    this.random = options.random;
    this.startedAt = options.clock.now();
    this.globals = new Map([
      ['hostname', options.name],
      ['switchname', options.name],
      ['core_uuid', this.uuid],
      ['local_ip_v4', '127.0.0.1'],
      ['domain', options.domain],
      ['domain_name', options.domain],
    ]);
  }

  get sessionsSinceStart(): number {
    return this.#sessions;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The process is gone: no connection hears from it again, and calls end without an event. */
  die(): void {
    this.#dead = true;
    for (const receiver of [...this.receivers]) receiver.destroy();
    for (const channel of [...this.channels.values()]) channel.hangup('CRASH');
  }

  nextSessionId(): number {
    return ++this.#sessions;
  }

  /** The headers that every event begins with; takes a sequence number. */
  eventHeaders(name: string, origin: EventOrigin): [string, Value][] {
    const now = microseconds(this.clock);
    const date = new Date(now / 1000);
    return [
      ['Event-Name', name],
      ['Core-UUID', this.uuid],
      ['FreeSWITCH-Hostname', this.name],
      ['FreeSWITCH-Switchname', this.name],
      ['FreeSWITCH-IPv4', '127.0.0.1'],
      ['FreeSWITCH-IPv6', '::1'],
      ['Event-Date-Local', date.toISOString().slice(0, 19).replace('T', ' ')],
      ['Event-Date-GMT', date.toUTCString()],
      ['Event-Date-Timestamp', String(now)],
      ['Event-Calling-File', origin.file],
      ['Event-Calling-Function', origin.function],
      ['Event-Calling-Line-Number', String(origin.line)],
      ['Event-Sequence', String(++this.#sequence)],
    ];
  }

  /** Fires an event. Its headers are only made when somebody listens; its sequence number is taken in any case. */
  fire(name: string, origin: EventOrigin, headers: () => (readonly [string, Value])[], body?: string): void {
    const wanting = [...this.receivers].filter((receiver) => receiver.wants(name));
    if (wanting.length === 0) {
      this.#sequence++;
      return;
    }
    const event = new SwitchEvent(name, [...this.eventHeaders(name, origin), ...headers()], body);
    for (const receiver of wanting) receiver.receive(event);
  }
}
