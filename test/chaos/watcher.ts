import { type FreeSwitchEvent, InboundConnection } from '#libs/esl/inbound.ts';
import type { Switch } from './switch.ts';

const text = (event: FreeSwitchEvent, name: string): string => {
  const value = event[name];
  return typeof value === 'string' ? value : '';
};

/** How long a switch waited for us and what it fell back to, told by the switch's own events and its own clock. */
export class Watcher {
  /** The longest wait of each call in the application `socket`, milliseconds. */
  readonly waits = new Map<string, number>();
  /** When calls came back from `socket`, and when one went on with its dialplan's own bridge: performance.now(). */
  readonly returns: number[] = [];
  readonly fallbacks: number[] = [];
  readonly #fallback: string;
  readonly #entered = new Map<string, number>();
  readonly #connections = new Set<InboundConnection>();

  /** `fallback` is what the dial string of the dialplan's own bridge begins with. */
  constructor(fallback: string) {
    this.#fallback = fallback;
  }

  async watch({ host, port, password }: Switch['eventSocket']): Promise<void> {
    const { promise: up, resolve } = Promise.withResolvers<void>();
    this.#connections.add(
      new InboundConnection({
        host,
        port,
        user: undefined,
        password,
        events: ['CHANNEL_EXECUTE', 'CHANNEL_EXECUTE_COMPLETE'],
        filters: ['socket', 'bridge'].map((application) => ['Application', application] as const),
        onEvent: (event) => this.#take(event),
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

  #take(event: FreeSwitchEvent): void {
    const uuid = text(event, 'Unique-ID');
    const at = Number(text(event, 'Event-Date-Timestamp')) / 1000;
    const begins = text(event, 'Event-Name') === 'CHANNEL_EXECUTE';
    if (text(event, 'Application') === 'bridge') {
      const dialled = text(event, 'Application-Data');
      if (begins && dialled.startsWith(this.#fallback)) this.fallbacks.push(performance.now());
      return;
    }
    if (begins) {
      this.#entered.set(uuid, at);
      return;
    }
    const entered = this.#entered.get(uuid);
    this.#entered.delete(uuid);
    this.returns.push(performance.now());
    if (entered !== undefined) this.waits.set(uuid, Math.max(this.waits.get(uuid) ?? 0, at - entered));
  }
}
