import { type LimitStream, nodeSubject } from '#libs/bus/limit-stream.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { FreedMessages } from './freed-messages.ts';

/** Interval as a part of the lease, and the shortest, ms. */
const RUNS_PER_LEASE = 6;
const MIN_INTERVAL_MS = 100;

export interface UpkeepOptions {
  readonly stream: LimitStream;
  readonly leaseMs: number;
  /** Called at the start of each run. */
  readonly onRun: () => void;
  /** The name of this node while calls of it have places and the agent is connected to its FreeSWITCH; else undefined. */
  readonly aliveNode: () => string | undefined;
  readonly isConnected: () => boolean;
  readonly log: Log;
}

/** Sends the heartbeats of a node that holds places, and deletes the messages of places that were freed a while ago. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #freed: FreedMessages;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { stream, log } = options;
    this.#freed = new FreedMessages({ remove: (seq) => stream.delete(seq), log });
  }

  start(): void {
    const { leaseMs, log } = this.#options;
    const repeat = () => {
      if (this.#isStopped) return;
      this.#timer = setTimeout(
        () => inBackground(log, 'upkeep of limits', this.#run().finally(repeat)),
        Math.max(MIN_INTERVAL_MS, leaseMs / RUNS_PER_LEASE),
      );
      this.#timer.unref();
    };
    repeat();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Call for each message of a place of this node that was freed. */
  onFreed(seq: number): void {
    this.#freed.add(seq);
  }

  async #run(): Promise<void> {
    const { stream, onRun, aliveNode, isConnected } = this.#options;
    if (!isConnected()) return;
    onRun();
    const node = aliveNode();
    try {
      if (node !== undefined) await stream.publish(nodeSubject(node), JSON.stringify({ v: 1 }));
    } catch {
      // The next run tries again. Outages are reported where calls are counted.
      return;
    }
    await this.#freed.deleteOld(() => this.#isStopped);
  }
}
