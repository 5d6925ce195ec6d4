import { setTimeout as sleep } from 'node:timers/promises';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { type CallOutcome, expectedProgress } from './call-report.ts';
import { type Answer, SCENARIOS, SIMULATED_TIMEOUTS, scenarioOf } from './scenarios.ts';

const CALLERS = ['张三', '李四', '王五', "O'Brien 100%", 'Ana María', '赵六'];

/** Factor by which calls last longer when a person watches. */
const WATCHED_PACE = 8;

function resultOf({ variables }: CallRecord): string | undefined {
  const result = variables['dialhook_result'];
  return typeof result === 'string' ? result : undefined;
}

/** Places simulated calls, one scenario after the other, and records their outcome. */
export class Traffic {
  /** Webhook ids by call, in order of arrival. */
  readonly arrivals = new Map<string, string[]>();
  readonly #nodes: readonly { readonly node: SimulatedFreeSwitch; readonly socketPort: number }[];
  readonly #endpointUrl: string | undefined;
  readonly #pace: number;
  readonly #ended: CallRecord[] = [];
  readonly #requested = new Set<string>();
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

  /** The answer of the example endpoint: the dialled number selects the scenario. */
  static decide(request: EndpointRequest): Answer {
    return (
      scenarioOf(request.destination_number)?.answer(request) ?? {
        body: { dial: { type: 'hangup', cause: 1 } },
      }
    );
  }

  /** Calls that have ended. */
  get placed(): CallOutcome[] {
    return this.#ended.map((record) => ({
      uuid: record.uuid,
      result: resultOf(record),
      progress: expectedProgress(record, this.#requested.has(record.uuid) || this.arrivals.has(record.uuid)),
      decisionMs: this.#decisionMs.get(record.uuid),
    }));
  }

  /** Call for each request that the endpoint receives. */
  requested(uuid: string): void {
    this.#requested.add(uuid);
  }

  notified(notification: Notification, webhookId: string): void {
    const ids = this.arrivals.get(notification.uuid);
    if (ids) ids.push(webhookId);
    else this.arrivals.set(notification.uuid, [webhookId]);
  }

  /** Takes the duration of decisions from the timeline. */
  step(step: TimelineStep): void {
    if (step.step === 'decided') this.#decisionMs.set(step.uuid, step.ms);
  }

  /** Places `count` calls at `rate` per second, or fewer when stopped. */
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
    const scenario = SCENARIOS[index % SCENARIOS.length];
    const node = this.#nodes[index % this.#nodes.length];
    if (!scenario || !node) return;
    const number = `${scenario.prefix}${String(index).padStart(8, '0')}`;
    const { connectMs, responseMs } = SIMULATED_TIMEOUTS;
    const stretch = (ms: number | undefined) => (ms === undefined ? undefined : ms * this.#pace);
    const byeAt = stretch(scenario.byeAt);
    const call = node.node.call({
      caller: { number: `138${String(index).padStart(8, '0')}`, name: CALLERS[index % CALLERS.length] ?? '' },
      destination: number,
      dialplan: [
        ...(this.#endpointUrl ? [`set cti_bridge=${this.#endpointUrl} ${connectMs} ${responseMs} 1`] : []),
        `socket 127.0.0.1:${node.socketPort}`,
        `bridge sofia/gateway/fallback/${number}`,
      ],
      callee: ({ gateway }) => scenario.callee(gateway ?? ''),
      ...(scenario.cancelAt === undefined ? {} : { cancelAt: scenario.cancelAt }),
      ...(byeAt === undefined ? {} : { byeAt }),
    });
    const ended = call.ended.then((record) => {
      this.#live.delete(call.uuid);
      this.#ended.push(record);
    });
    this.#live.set(call.uuid, { hangup: () => call.hangup(), ended });
  }
}
