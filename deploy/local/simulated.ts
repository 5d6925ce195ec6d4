import { setTimeout as sleep } from 'node:timers/promises';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { type CallReport, isComplete, reportCalls } from './call-report.ts';
import { Cluster } from './cluster.ts';
import { startEndpoint } from './endpoint.ts';
import type { Options } from './options.ts';
import type { Screen } from './screen.ts';
import { Stack } from './stack.ts';
import { followTimeline } from './timeline.ts';
import { Traffic } from './traffic.ts';

const NODES = ['fs1', 'fs2'];
const PASSWORD = 'ClueCon';
const SILENCE_MS = 60_000;
const TIMELINE_MS = 5_000;
const POLL_MS = 50;

/** Waits until every notification has arrived, or none has arrived for a minute. */
async function untilDelivered(traffic: Traffic, stop: AbortSignal): Promise<void> {
  const arrived = () => [...traffic.arrivals.values()].reduce((sum, ids) => sum + ids.length, 0);
  let last = arrived();
  let since = Date.now();
  while (!stop.aborted && reportCalls(traffic.placed, traffic.arrivals).notifications.lost > 0) {
    await sleep(POLL_MS);
    const now = arrived();
    if (now !== last) since = Date.now();
    else if (Date.now() - since > SILENCE_MS) return;
    last = now;
  }
}

/** Waits until the timeline has every decision; its steps can be later than the notifications. */
async function untilTimed(traffic: Traffic, stop: AbortSignal): Promise<void> {
  const missing = () =>
    traffic.placed.some(({ result, decisionMs }) => result !== undefined && decisionMs === undefined);
  for (const deadline = Date.now() + TIMELINE_MS; missing() && Date.now() < deadline && !stop.aborted; )
    await sleep(POLL_MS);
}

function print(summary: CallReport, json: boolean, screen: Screen): void {
  if (json) return void process.stdout.write(`${JSON.stringify(summary)}\n`);
  const { notifications: n, by_result } = summary;
  const results = Object.entries(by_result).map(([result, count]) => `${count} ${result}`);
  screen.say(`\n${summary.calls} calls: ${results.join(', ')}`);
  screen.say(
    `decision time: ${summary.decision_ms.p50} ms (median), ${summary.decision_ms.p99} ms (99th percentile)`,
  );
  screen.say(
    `notifications: ${n.delivered} of ${n.expected} delivered, ${n.repeated} repeated, ${n.out_of_order} out of order, ${n.lost} lost`,
  );
}

/** Runs a cluster with simulated FreeSWITCH nodes. @returns whether every notification arrived once and in order. */
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
        ? await startEndpoint({
            decide: (request) => {
              traffic?.requested(request.uuid);
              return Traffic.decide(request);
            },
            notified: (one, id) => traffic?.notified(one, id),
          })
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
      onLog: (line) => screen.log(line),
      onLost: (name) => {
        screen.say(`${name} ended unexpectedly: stopping`);
        stop.abort();
      },
    });
    running.add(() => cluster.stop());
    const stopTimeline = await followTimeline(cluster.natsUrl, (step, order) => {
      traffic?.step(step);
      screen.step(step, order);
    });
    running.add(stopTimeline);
    const nodes = switches.map((node) => ({ node, socketPort: cluster.socketPort(node.name) }));
    traffic = new Traffic(nodes, endpoint?.url, calls === undefined);
    screen.say(`Console: ${cluster.consoleUrl}`);
    screen.say(`Placing ${calls ?? ''} calls at ${rate} per second. Stop with Ctrl-C.\n`.replace('  ', ' '));
    await traffic.place(calls ?? Number.POSITIVE_INFINITY, rate, stop.signal);
    const hangUp = () => traffic?.hangUpAll();
    if (stop.signal.aborted) hangUp();
    stop.signal.addEventListener('abort', hangUp, { once: true });
    await traffic.ended();
    if (calls !== undefined) {
      await untilDelivered(traffic, stop.signal);
      await untilTimed(traffic, stop.signal);
    }
    await stopTimeline();
    await cluster.stop();
    screen.end();
    const summary = reportCalls(traffic.placed, traffic.arrivals);
    if (calls !== undefined || !stop.signal.aborted) print(summary, json, screen);
    return calls === undefined || (summary.calls === calls && isComplete(summary));
  } finally {
    await running.unwind();
  }
}
