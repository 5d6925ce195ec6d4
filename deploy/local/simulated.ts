import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { account, complete, type Summary } from './account.ts';
import { Cluster } from './cluster.ts';
import { startEndpoint } from './endpoint.ts';
import type { Options } from './options.ts';
import type { Screen } from './screen.ts';
import { Stack } from './stack.ts';
import { Traffic } from './traffic.ts';

const NODES = ['fs1', 'fs2'];
const PASSWORD = 'ClueCon';
const PATIENCE_MS = 60_000;
const POLL_MS = 50;

/** Waits until the endpoint knows all, or has heard nothing new for a minute. */
async function untilDelivered(traffic: Traffic, stop: AbortSignal): Promise<void> {
  const heard = () => [...traffic.arrivals.values()].reduce((sum, ids) => sum + ids.length, 0);
  let last = heard();
  let since = Date.now();
  while (!stop.aborted && account(traffic.truths, traffic.arrivals).notifications.lost > 0) {
    await sleep(POLL_MS);
    const now = heard();
    if (now !== last) since = Date.now();
    else if (Date.now() - since > PATIENCE_MS) return;
    last = now;
  }
}

function report(summary: Summary, json: boolean, screen: Screen): void {
  if (json) return void process.stdout.write(`${JSON.stringify(summary)}\n`);
  const { notifications: n, by_result } = summary;
  const results = Object.entries(by_result).map(([result, count]) => `${count} ${result}`);
  screen.say(`\n${summary.calls} calls: ${results.join(', ')}`);
  screen.say(
    `decision: ${summary.decision_ms.p50} ms at the median, ${summary.decision_ms.p99} ms at the 99th percentile`,
  );
  screen.say(
    `notifications: ${n.delivered} of ${n.expected} delivered, ${n.repeated} repeated, ${n.out_of_order} out of order, ${n.lost} lost`,
  );
}

/** A whole cluster with simulated FreeSWITCH nodes. Resolves with whether every call was accounted for. */
export async function runSimulated(
  options: Options,
  screen: Screen,
  stop: AbortController,
): Promise<boolean> {
  const { calls, rate, json, endpoint: ownEndpoint } = options;
  const running = new Stack();
  let traffic: Traffic | undefined;
  try {
    screen.say(
      'Starting NATS, Redis, two simulated FreeSWITCH nodes, their agents, two routers and a notifier ...',
    );
    const switches = await Promise.all(
      NODES.map((name) => SimulatedFreeSwitch.start({ name, password: PASSWORD })),
    );
    for (const one of switches) {
      for (const gateway of ['gw', 'gw2', 'fallback']) one.gateways.add(gateway);
      running.add(() => one.stop());
    }
    const endpoint =
      ownEndpoint === undefined
        ? await startEndpoint({ decide: Traffic.decide, told: (one, id) => traffic?.told(one, id) })
        : undefined;
    running.add(() => endpoint?.stop());
    const cluster = await Cluster.start({
      nodes: switches.map((one) => ({
        name: one.name,
        host: '127.0.0.1',
        port: one.port,
        password: PASSWORD,
        listen: { host: '127.0.0.1', port: 0 },
      })),
      defaultEndpoint: ownEndpoint,
      console: true,
      onLog: (line) => {
        traffic?.read(line);
        screen.read(line);
      },
      onLost: (name) => {
        screen.say(`${name} has ended by itself: stopping`);
        stop.abort();
      },
    });
    running.add(() => cluster.stop());
    const places = switches.map((node) => ({ node, socketPort: cluster.socketPort(node.name) }));
    traffic = new Traffic(places, endpoint?.url, calls === undefined);
    screen.say(`What happens to each call: ${cluster.consoleUrl}`);
    screen.say(`Placing ${calls ?? ''} calls at ${rate} a second. Ctrl-C ends.\n`.replace('  ', ' '));
    await traffic.place(calls ?? Number.POSITIVE_INFINITY, rate, stop.signal);
    const hangUp = () => traffic?.hangUpAll();
    if (stop.signal.aborted) hangUp();
    stop.signal.addEventListener('abort', hangUp, { once: true });
    await traffic.ended();
    if (calls !== undefined) await untilDelivered(traffic, stop.signal);
    await cluster.stop();
    screen.end();
    const summary = account(traffic.truths, traffic.arrivals);
    if (calls !== undefined || !stop.signal.aborted) report(summary, json, screen);
    return calls === undefined || (summary.calls === calls && complete(summary));
  } finally {
    await running.unwind();
  }
}
