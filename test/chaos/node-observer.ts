import { type FreeSwitchEvent, InboundConnection } from '#libs/esl/inbound.ts';
import type { TestNode } from './node.ts';

const text = (event: FreeSwitchEvent, name: string): string => {
  const value = event[name];
  return typeof value === 'string' ? value : '';
};

/** Measures from the nodes' own events, by their own clocks, how long calls stay in `socket` and when a dialplan continues. */
export class NodeObserver {
  /** The longest time of each call in the application `socket`, in ms. */
  readonly socketMs = new Map<string, number>();
  /** performance.now() whenever `socket` ended, and whenever a dialplan continued with its bridge. */
  readonly returns: number[] = [];
  readonly fallbacks: number[] = [];
  readonly #fallback: string;
  readonly #entered = new Map<string, number>();
  readonly #connections = new Set<InboundConnection>();

  /** `fallback` is the start of the dial string that the dialplan bridges to when it continues. */
  constructor(fallback: string) {
    this.#fallback = fallback;
  }

  async observe({ host, port, password }: TestNode['eventSocket']): Promise<void> {
    const { promise: up, resolve } = Promise.withResolvers<void>();
    this.#connections.add(
      new InboundConnection({
        host,
        port,
        user: undefined,
        password,
        events: ['CHANNEL_EXECUTE', 'CHANNEL_EXECUTE_COMPLETE'],
        filters: ['socket', 'bridge'].map((application) => ['Application', application] as const),
        onEvent: (event) => this.#record(event),
        onUp: resolve,
        onDown: () => {},
        onFault: (error) => console.error(error),
      }),
    );
    await up;
  }

  stop(): void {
    for (const connection of this.#connections) connection.close();
  }

  #record(event: FreeSwitchEvent): void {
    const uuid = text(event, 'Unique-ID');
    const at = Number(text(event, 'Event-Date-Timestamp')) / 1000;
    const starts = text(event, 'Event-Name') === 'CHANNEL_EXECUTE';
    if (text(event, 'Application') === 'bridge') {
      const dialled = text(event, 'Application-Data');
      if (starts && dialled.startsWith(this.#fallback)) this.fallbacks.push(performance.now());
      return;
    }
    if (starts) {
      this.#entered.set(uuid, at);
      return;
    }
    const entered = this.#entered.get(uuid);
    this.#entered.delete(uuid);
    this.returns.push(performance.now());
    if (entered !== undefined) this.socketMs.set(uuid, Math.max(this.socketMs.get(uuid) ?? 0, at - entered));
  }
}
