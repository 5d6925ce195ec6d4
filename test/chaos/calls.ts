import { setTimeout as sleep } from 'node:timers/promises';
import type { CallInFlight, ObservedCall, TestNode } from './node.ts';
import { SCENARIOS } from './scenarios.ts';

/** The gateway that the dialplan bridges to when it continues, and the start of that dial string. */
export const FALLBACK_GATEWAY = 'fallback';
export const FALLBACK = `sofia/gateway/${FALLBACK_GATEWAY}/`;

export interface NodeWithAgents {
  readonly name: string;
  readonly node: TestNode;
  /** Its agents as hosts of `socket`: HOST:PORT. */
  readonly agents: readonly string[];
}

export interface CallSettings {
  readonly url: string;
  readonly connectMs: number;
  readonly responseMs: number;
}

export interface PlacedCall {
  readonly uuid: string;
  readonly node: string;
  /** performance.now() when it was placed. */
  readonly at: number;
  /** Whether the caller hangs up before the answer. */
  readonly cancels: boolean;
  /** performance.now() at its end. `endedAt` and `record` are undefined until then. */
  readonly endedAt: number | undefined;
  readonly record: ObservedCall | undefined;
}

const MAX_CALL_MS = 90_000;

/** Places calls at a steady rate, scenarios and nodes in turn, and records how each ended. */
export class Calls {
  readonly all: PlacedCall[] = [];
  readonly #nodes: readonly NodeWithAgents[];
  readonly #settings: CallSettings;
  readonly #live = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  #placing: Promise<void> | undefined;
  #placed = 0;

  constructor(nodes: readonly NodeWithAgents[], settings: CallSettings) {
    this.#nodes = nodes;
    this.#settings = settings;
  }

  /** Places `rate` calls per second until `end`. */
  begin(rate: number): void {
    this.#placing = this.#place(rate);
  }

  /** Places no more calls and waits 90 s at most for the live ones. A call that has not ended by then has no record. */
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
    const scenario = SCENARIOS[index % SCENARIOS.length];
    const target = this.#nodes[index % this.#nodes.length];
    if (!scenario || !target?.node.running) return;
    const number = `${scenario.prefix}${String(index).padStart(8, '0')}`;
    const { url, connectMs, responseMs } = this.#settings;
    const call = target.node.call({
      caller: { number: `138${String(index).padStart(8, '0')}`, name: '张三' },
      destination: number,
      ctiBridge: `${url} ${connectMs} ${responseMs} 1`,
      socket: hosts(target.agents, index),
      fallback: `${FALLBACK}${number}`,
      callee: scenario.callee,
      ...(scenario.cancelAt === undefined ? {} : { cancelAt: scenario.cancelAt }),
      ...(scenario.byeAt === undefined ? {} : { byeAt: scenario.byeAt }),
    });
    this.#record(call, target.name, scenario.cancelAt !== undefined);
  }

  #record({ uuid, ended }: CallInFlight, node: string, cancels: boolean): void {
    const placed: { -readonly [K in keyof PlacedCall]: PlacedCall[K] } = {
      uuid,
      node,
      at: performance.now(),
      cancels,
      endedAt: undefined,
      record: undefined,
    };
    this.all.push(placed);
    const recorded = ended.then((record) => {
      if (record === undefined) this.all.splice(this.all.indexOf(placed), 1);
      placed.record = record;
      placed.endedAt = performance.now();
      this.#live.delete(recorded);
    });
    this.#live.add(recorded);
  }
}

/** The value of `socket`: the agents of a node take turns in being the first host. */
function hosts(agents: readonly string[], index: number): string {
  const first = Math.floor(index / 2) % agents.length;
  return agents.map((_, i) => agents[(first + i) % agents.length]).join('|');
}
