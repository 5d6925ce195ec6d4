import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { header, nodeName } from './call/channel-data.ts';

/** How far FreeSWITCH's events are behind when they come, and the name of the node that they come from. */
export class EventLag {
  readonly #now: () => number;
  #node: string | undefined;
  #worstMs = 0;

  /** `now` is epoch milliseconds. */
  constructor(node: string | undefined, now: () => number = Date.now) {
    this.#node = node;
    this.#now = now;
  }

  /** The configured name, or the one that FreeSWITCH gives itself; undefined before its first event. */
  get node(): string | undefined {
    return this.#node;
  }

  heard(event: FreeSwitchEvent): void {
    const firedMs = Number(header(event, 'Event-Date-Timestamp')) / 1000;
    if (firedMs > 0) this.#worstMs = Math.max(this.#worstMs, this.#now() - firedMs);
    this.#node ??= nodeName(event, undefined) || undefined;
  }

  /** Milliseconds, the worst since it was last asked; 0 without events. */
  take(): number {
    const worstMs = Math.round(this.#worstMs);
    this.#worstMs = 0;
    return worstMs;
  }
}
