import { randomUUID } from 'node:crypto';
import { type Clock, microseconds } from '#libs/simulator/clock.ts';
import type { Channel, ChannelHost } from './channel.ts';
import { SwitchEvent } from './switch-event.ts';
import type { Value } from './variables.ts';

/** A connection that may receive events. */
export interface EventReceiver {
  wants(name: string): boolean;
  receive(event: SwitchEvent): void;
  /** Sends a disconnect notice and closes. */
  close(): void;
  /** Cuts the connection without notice. */
  destroy(): void;
}

/** One run of a simulated FreeSWITCH process: its channels, connections and events. */
export class Core implements ChannelHost {
  readonly uuid = randomUUID();
  readonly name: string;
  readonly clock: Clock;
  readonly channels = new Map<string, Channel>();
  readonly receivers = new Set<EventReceiver>();
  readonly globals: ReadonlyMap<string, string>;
  /** By its clock. */
  readonly started: number;
  #sequence = 0;
  #dead = false;

  constructor(options: { name: string; domain: string; clock: Clock }) {
    this.name = options.name;
    this.clock = options.clock;
    this.started = this.clock.now();
    this.globals = new Map([
      ['hostname', options.name],
      ['switchname', options.name],
      ['core_uuid', this.uuid],
      ['local_ip_v4', '127.0.0.1'],
      ['domain', options.domain],
      ['domain_name', options.domain],
    ]);
  }

  /** True after a crash. */
  get dead(): boolean {
    return this.#dead;
  }

  /** Crashes: connections break, and calls end without an event. */
  die(): void {
    this.#dead = true;
    for (const receiver of [...this.receivers]) receiver.destroy();
    for (const channel of [...this.channels.values()]) channel.hangup('CRASH');
  }

  /** The headers that every event begins with; uses up a sequence number. */
  eventHeaders(name: string): [string, Value][] {
    return [
      ['Event-Name', name],
      ['Core-UUID', this.uuid],
      ['FreeSWITCH-Hostname', this.name],
      ['FreeSWITCH-Switchname', this.name],
      ['Event-Date-Timestamp', String(microseconds(this.clock))],
      ['Event-Sequence', String(++this.#sequence)],
    ];
  }

  /** Calls `headers` only if a connection wants the event; the event uses up a sequence number in any case. */
  fire(name: string, headers: () => (readonly [string, Value])[]): void {
    const wanting = [...this.receivers].filter((receiver) => receiver.wants(name));
    if (wanting.length === 0) {
      this.#sequence++;
      return;
    }
    const event = new SwitchEvent([...this.eventHeaders(name), ...headers()]);
    for (const receiver of wanting) receiver.receive(event);
  }
}
