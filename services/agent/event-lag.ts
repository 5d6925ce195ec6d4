import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { eventTime, nodeName } from './call/channel-data.ts';

/** Measures how late FreeSWITCH's events arrive, and learns the node's name from them. */
export class EventLag {
  readonly #now: () => number;
  #node: string | undefined;
  #worstMs = 0;

  /** `now` is epoch milliseconds. */
  constructor(node: string | undefined, now: () => number = Date.now) {
    this.#node = node;
    this.#now = now;
  }

  /** The configured name, or the one in FreeSWITCH's events; undefined before the first event. */
  get node(): string | undefined {
    return this.#node;
  }

  record(event: FreeSwitchEvent): void {
    const firedMs = eventTime(event);
    if (firedMs > 0) this.#worstMs = Math.max(this.#worstMs, this.#now() - firedMs);
    this.#node ??= nodeName(event, undefined) || undefined;
  }

  /** The worst lag since the last call of this method, in milliseconds; 0 when no event came. */
  take(): number {
    const worstMs = Math.round(this.#worstMs);
    this.#worstMs = 0;
    return worstMs;
  }
}
