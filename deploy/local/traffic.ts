import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import type { CallTruth } from './account.ts';
import type { LogLine } from './cluster.ts';
import { type Answer, FATES, fateOf, SIMULATED_TIMEOUTS } from './fates.ts';

const CALLERS = ['张三', '李四', '王五', "O'Brien 100%", 'Ana María', '赵六'];

/** How many times longer than in the table calls last when a person watches. */
const WATCHED_PACE = 8;

function resultOf({ variables }: CallRecord): string | undefined {
  const result = variables['dialhook_result'];
  return typeof result === 'string' ? result : undefined;
}

/** Places simulated calls, one fate after the other, and keeps what became of them. */
export class Traffic {
  readonly truths: CallTruth[] = [];
  /** Webhook ids by call, in order of arrival. */
  readonly arrivals = new Map<string, string[]>();
  readonly #nodes: readonly { readonly node: SimulatedFreeSwitch; readonly socketPort: number }[];
  readonly #endpointUrl: string | undefined;
  readonly #pace: number;
  readonly #decisionMs = new Map<string, number>();
  readonly #live = new Map<string, { hangup(): void; ended: Promise<unknown> }>();
  #placed = 0;

  constructor(
    nodes: readonly { readonly node: SimulatedFreeSwitch; readonly socketPort: number }[],
    endpointUrl: string | undefined,
    watched: boolean,
  ) {
    this.#nodes = nodes;
    this.#endpointUrl = endpointUrl;
    this.#pace = watched ? WATCHED_PACE : 1;
  }

  /** What the example endpoint answers: the fate is in the number. */
  static decide(request: EndpointRequest): Answer {
    return (
      fateOf(request.destination_number)?.answer(request) ?? { body: { dial: { type: 'hangup', cause: 1 } } }
    );
  }

  told(notification: Notification, webhookId: string): void {
    const ids = this.arrivals.get(notification.uuid);
    if (ids) ids.push(webhookId);
    else this.arrivals.set(notification.uuid, [webhookId]);
  }

  /** Reads the time of a decision from what an agent logs about it. */
  read({ service, event, call, ms }: LogLine): void {
    const decision =
      service.startsWith('agent') && (event === 'call.decided' || event === 'call.not_decided');
    if (decision && typeof call === 'string' && typeof ms === 'number') this.#decisionMs.set(call, ms);
  }

  /** Places `count` calls, or calls until `stop`, at a steady rate a second. */
  async place(count: number, rate: number, stop: AbortSignal): Promise<void> {
    const begun = performance.now();
    while (this.#placed < count && !stop.aborted) {
      this.#placeOne();
      const wait = begun + (this.#placed * 1000) / rate - performance.now();
      if (wait > 1) await sleep(wait, undefined, { signal: stop }).catch(() => {});
    }
  }

  /** Resolves when every call has ended. */
  async ended(): Promise<void> {
    while (this.#live.size > 0) await Promise.all([...this.#live.values()].map(({ ended }) => ended));
  }

  hangUpAll(): void {
    for (const call of this.#live.values()) call.hangup();
  }

  #placeOne(): void {
    const index = this.#placed++;
    const fate = FATES[index % FATES.length];
    const place = this.#nodes[index % this.#nodes.length];
    if (!fate || !place) return;
    const number = `${fate.prefix}${String(index).padStart(8, '0')}`;
    const { connectMs, responseMs } = SIMULATED_TIMEOUTS;
    const stretch = (ms: number | undefined) => (ms === undefined ? undefined : ms * this.#pace);
    const byeAt = stretch(fate.byeAt);
    const call = place.node.call({
      caller: { number: `138${String(index).padStart(8, '0')}`, name: CALLERS[index % CALLERS.length] ?? '' },
      destination: number,
      dialplan: [
        ...(this.#endpointUrl ? [`set cti_bridge=${this.#endpointUrl} ${connectMs} ${responseMs} 1`] : []),
        `socket 127.0.0.1:${place.socketPort}`,
        `bridge sofia/gateway/fallback/${number}`,
      ],
      callee: ({ gateway }) => fate.callee(gateway ?? ''),
      ...(fate.cancelAt === undefined ? {} : { cancelAt: fate.cancelAt }),
      ...(byeAt === undefined ? {} : { byeAt }),
    });
    const ended = call.ended.then((record) => {
      this.#live.delete(call.uuid);
      this.truths.push({
        uuid: call.uuid,
        result: resultOf(record),
        progress: record.progress,
        decisionMs: this.#decisionMs.get(call.uuid),
      });
    });
    this.#live.set(call.uuid, { hangup: () => call.hangup(), ended });
  }
}
