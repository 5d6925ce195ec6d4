import type {
  EndpointSummary,
  GatewaySummary,
  LimitList,
  LimitSummary,
  NodeList,
} from '#libs/contract/console.ts';
import { type EndpointStatus, type ServiceStatus, STATUS_INTERVAL_MS } from '#libs/contract/status.ts';

const GONE_MS = 3 * STATUS_INTERVAL_MS;
const MAX_INSTANCES = 5_000;
const MAX_ERRORS = 5;

type RouterStatus = readonly [instance: string, status: EndpointStatus];
/** An endpoint as the routers see it. */
export type RouterView = Omit<EndpointSummary, 'notifications'>;

const highest = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};

function merged(origin: string, routers: readonly RouterStatus[]): RouterView {
  const all = routers.map(([, status]) => status);
  const sum = (of: (status: EndpointStatus) => number) => all.reduce((total, one) => total + of(one), 0);
  const p50_ms = highest(all.map((one) => one.p50_ms));
  const p99_ms = highest(all.map((one) => one.p99_ms));
  return {
    origin,
    requests: sum(({ requests }) => requests),
    failures: sum(({ failures }) => failures),
    ...(p50_ms === undefined ? {} : { p50_ms }),
    ...(p99_ms === undefined ? {} : { p99_ms }),
    breakers: Object.fromEntries(routers.map(([instance, { breaker }]) => [instance, breaker])),
    last_errors: all
      .flatMap(({ last_errors }) => last_errors)
      .sort((a, b) => Date.parse(b.time) - Date.parse(a.time))
      .slice(0, MAX_ERRORS),
  };
}

const withoutLists = ({ endpoints: _, limits: __, gateways: ___, ...status }: ServiceStatus) => status;

/** A limit as the agents see it: all read the same stream, and the one that has read furthest shows most. */
const mergedLimit = (all: readonly LimitSummary[]): LimitSummary | undefined => {
  const [most] = all.toSorted((one, other) => other.used - one.used || other.recent - one.recent);
  return most && { ...most, refused: all.reduce((sum, { refused }) => sum + refused, 0) };
};

/** The two agents of a node see the same legs, except one that has started later. */
const mergedGateway = (all: readonly GatewaySummary[]): GatewaySummary | undefined =>
  all.toSorted((one, other) => other.failures - one.failures)[0];

/** The last status of each process of the cluster. A process without a status for three intervals is removed. */
export class Instances {
  readonly #last = new Map<string, { status: ServiceStatus; heard: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add(status: ServiceStatus): void {
    if (!this.#last.has(status.instance) && this.#last.size >= MAX_INSTANCES) return;
    this.#last.set(status.instance, { status, heard: this.#now() });
  }

  nodes(live: ReadonlyMap<string, number>): NodeList {
    const all = this.#alive().map(withoutLists);
    const agents = all.filter(({ service }) => service === 'agent');
    const names = new Set([...live.keys(), ...agents.map(({ node = '' }) => node)]);
    return {
      nodes: [...names].sort().map((node) => ({
        node,
        live: live.get(node) ?? 0,
        agents: agents.filter((agent) => (agent.node ?? '') === node),
      })),
      services: all.filter(({ service }) => service !== 'agent'),
    };
  }

  /** Each endpoint, merged over all routers; most requests first. */
  endpoints(): RouterView[] {
    const known = this.#alive().flatMap(({ instance, endpoints = [] }) =>
      endpoints.map((status): RouterStatus => [instance, status]),
    );
    const byOrigin = Map.groupBy(known, ([, { origin }]) => origin);
    return [...byOrigin]
      .map(([origin, routers]) => merged(origin, routers))
      .sort((a, b) => b.requests - a.requests);
  }

  /** Limits, merged over all agents, and gateways that have failed last, merged over the agents of each node. */
  limits(): LimitList {
    const agents = this.#alive();
    const limits = Map.groupBy(
      agents.flatMap(({ limits: all = [] }) => all),
      ({ limit }) => limit,
    );
    const gateways = Map.groupBy(
      agents.flatMap(({ node = '', gateways: all = [] }) => all.map((one) => ({ ...one, node }))),
      ({ node, gateway }) => JSON.stringify([node, gateway]),
    );
    return {
      limits: [...limits.values()]
        .flatMap((all) => mergedLimit(all) ?? [])
        .sort((one, other) => other.used - one.used),
      gateways: [...gateways.values()].flatMap((all) => mergedGateway(all) ?? []),
    };
  }

  #alive(): ServiceStatus[] {
    for (const [instance, { heard }] of this.#last)
      if (this.#now() - heard > GONE_MS) this.#last.delete(instance);
    return [...this.#last.values()]
      .map(({ status }) => status)
      .sort((a, b) => (a.instance < b.instance ? -1 : 1));
  }
}
