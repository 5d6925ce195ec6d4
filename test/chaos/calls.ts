import { setTimeout as sleep } from 'node:timers/promises';
import { FATES } from './fates.ts';
import type { CallInFlight, CallTold, Switch } from './switch.ts';

/** The gateway of the dialplan's own bridge, and how its dial string begins. */
export const FALLBACK_GATEWAY = 'fallback';
export const FALLBACK = `sofia/gateway/${FALLBACK_GATEWAY}/`;

/** Where calls come in. */
export interface Place {
  readonly name: string;
  readonly node: Switch;
  /** Ports of its agents. */
  readonly agentPorts: readonly number[];
}

export interface CallSettings {
  readonly url: string;
  readonly connectMs: number;
  readonly responseMs: number;
}

export interface PlacedCall {
  readonly uuid: string;
  readonly node: string;
  /** performance.now() when it came in. */
  readonly at: number;
  readonly cancels: boolean;
  /** performance.now() when it ended; undefined until then, as is the record. */
  readonly endedAt: number | undefined;
  readonly record: CallTold | undefined;
}

const MAX_CALL_MS = 90_000;

/** Places calls at a steady rate, the fates in turn, and keeps what became of them. */
export class Calls {
  readonly all: PlacedCall[] = [];
  readonly #places: readonly Place[];
  readonly #settings: CallSettings;
  readonly #live = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  #placing: Promise<void> | undefined;
  #placed = 0;

  constructor(places: readonly Place[], settings: CallSettings) {
    this.#places = places;
    this.#settings = settings;
  }

  /** Places calls at `rate` a second until `end`. */
  begin(rate: number): void {
    this.#placing = this.#place(rate);
  }

  /** Places no more and waits for those there are; a call that does not end is left behind, without a record. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#placing;
    const late = new AbortController();
    const deadline = sleep(MAX_CALL_MS, undefined, { signal: late.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#live), deadline]);
    late.abort();
  }

  async #place(rate: number): Promise<void> {
    const begun = performance.now();
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#placeOne(this.#placed++);
      const wait = begun + (this.#placed * 1000) / rate - performance.now();
      if (wait > 1) await sleep(wait, undefined, { signal }).catch(() => {});
    }
  }

  #placeOne(index: number): void {
    const fate = FATES[index % FATES.length];
    const place = this.#places[index % this.#places.length];
    if (!fate || !place?.node.running) return;
    const number = `${fate.prefix}${String(index).padStart(8, '0')}`;
    const { url, connectMs, responseMs } = this.#settings;
    const call = place.node.call({
      caller: { number: `138${String(index).padStart(8, '0')}`, name: '张三' },
      destination: number,
      ctiBridge: `${url} ${connectMs} ${responseMs} 1`,
      socket: hosts(place.agentPorts, index),
      fallback: `${FALLBACK}${number}`,
      callee: fate.callee,
      ...(fate.cancelAt === undefined ? {} : { cancelAt: fate.cancelAt }),
      ...(fate.byeAt === undefined ? {} : { byeAt: fate.byeAt }),
    });
    this.#keep(call, place.name, fate.cancelAt !== undefined);
  }

  #keep({ uuid, ended }: CallInFlight, node: string, cancels: boolean): void {
    const placed: { -readonly [K in keyof PlacedCall]: PlacedCall[K] } = {
      uuid,
      node,
      at: performance.now(),
      cancels,
      endedAt: undefined,
      record: undefined,
    };
    this.all.push(placed);
    const kept = ended.then((record) => {
      if (record === undefined) this.all.splice(this.all.indexOf(placed), 1);
      placed.record = record;
      placed.endedAt = performance.now();
      this.#live.delete(kept);
    });
    this.#live.add(kept);
  }
}

/** Each of the agents is the first host of every other call. */
function hosts(ports: readonly number[], index: number): string {
  const first = Math.floor(index / 2) % ports.length;
  return ports.map((_, i) => `127.0.0.1:${ports[(first + i) % ports.length]}`).join('|');
}
