import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Stack } from '#deploy/local/stack.ts';
import { cpuSeconds } from '#test/bench/child.ts';
import { BenchCluster, Endpoint } from '#test/bench/cluster.ts';
import { type Figure, figureOf, type Goal, reached, tableHead, tableLine } from '#test/bench/figure.ts';
import { quantile } from '#test/bench/numbers.ts';
import { raisePriority } from '#test/bench/priority.ts';
import { WireProxy } from '#test/chaos/proxy.ts';
import { makeCertificate } from '#test/chaos/tls.ts';
import { freeswitchFound } from '#test/support/freeswitch/process.ts';
import { freePort } from '#test/support/ports.ts';
import { type CallsResult, SipCalls } from './calls.ts';
import { PASSWORD, startFreeSwitch } from './real-node.ts';

const ROUND_TRIP_MS = 20;
const RATES = [10, 50, 100];
/** Warm-up calls: V8 optimizes a service's code within about a thousand. */
const WARM_RATE = 40;
const WARM_CALLS = 1_200;

const USAGE = `Usage: npm run bench:freeswitch -- [OPTIONS]

Measures the time from INVITE in to INVITE out of a real FreeSWITCH, with Dialhook and with FreeSWITCH's own modules.

  --rate N         calls per second (10, 50 and 100); repeatable
  --wire NAME      http, https, or https20 with a round-trip time of 20 ms; default: all
  --baseline NAME  bridge, floor, mod_curl, mod_httapi or mod_xml_curl; default: all; repeatable
  --rounds N       alternating rounds (3)
  --seconds N      duration of each round (4)
  --embedded       the agent requests decisions itself (EMBEDDED_ROUTER)
  --quick          one round of one second
  --check          exit with 1 if a figure misses its goal
  --json           print one JSON object as the last line of standard output
  --help           show this text`;

const { values } = parseArgs({
  options: {
    embedded: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rate: { type: 'string', multiple: true },
    wire: { type: 'string', multiple: true },
    baseline: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const say = (text: string) => (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const rates = values.rate?.map(Number) ?? RATES;
const rounds = values.quick ? 1 : Number(values.rounds);
const seconds = values.quick ? 1 : Number(values.seconds);
const warmCalls = values.quick ? WARM_RATE : WARM_CALLS;

/** Names and descriptions of the figures. */
const PREFIX = values.embedded ? 'fs_embedded' : 'fs';
const HOW = values.embedded ? ', with an embedded router' : '';

/** One routing method over one kind of connection to the endpoint. */
interface Method {
  readonly name: string;
  readonly wire: string;
  readonly url: string;
}

interface Round extends CallsResult {
  /** CPU ms of FreeSWITCH for each call. */
  readonly cpuMs: number;
}

const pathOf: Readonly<Record<string, string>> = {
  bridge: '',
  floor: '',
  mod_curl: 'plain',
  mod_httapi: 'httapi',
  mod_xml_curl: 'dialplan',
  dialhook: '0',
};

/** Goals by connection, rate and baseline. */
const GOALS: Readonly<Record<string, Goal>> = {
  'http 10 floor': { atMost: 1.25 },
  'http 50 floor': { atMost: 1.35 },
  'https 10 mod_curl': { atMost: 1 },
  'https 50 mod_curl': { atMost: 1.1 },
  'https20 10 mod_curl': { atMost: 0.38 },
  'https20 50 mod_curl': { atMost: 0.38 },
};
/** FreeSWITCH's CPU for a call, compared with a bridge: mod_httapi needs 1.4 of 18 ms in addition. */
const FREESWITCH_CPU_GOAL: Goal = { atMost: 1.08 };

async function run(stops: Stack): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dialhook-bench-tls-'));
  stops.add(() => rm(folder, { recursive: true, force: true }));
  const certificate = await makeCertificate(folder);
  const cluster = await BenchCluster.start({
    nodes: 0,
    routers: values.embedded ? 0 : 1,
    env: { ENDPOINT_CA_FILE: certificate.cert },
  });
  stops.add(() => cluster.stop());
  const secure = await Endpoint.start(certificate);
  stops.add(() => secure.child.stop());
  const far = await WireProxy.start(secure.port);
  far.impair({ delayMs: ROUND_TRIP_MS / 2, connectMs: ROUND_TRIP_MS });
  stops.add(() => far.stop());
  const sip = await SipCalls.open();
  stops.add(() => sip.close());
  const agent = await freePort();
  const wires: Readonly<Record<string, string>> = {
    http: `http://127.0.0.1:${cluster.endpoint.port}/`,
    https: `https://127.0.0.1:${secure.port}/`,
    https20: `https://127.0.0.1:${far.port}/`,
  };
  const floor = await cluster.floor().request<number>('port');
  const node = await startFreeSwitch({
    ca: certificate.cert,
    callee: sip.callee,
    agent,
    floor,
    xmlCurlUrl: `${wires['http']}dialplan`,
  });
  stops.add(() => node.stop());
  await cluster.service('agent', 0, {
    NODE_NAME: 'bench',
    FREESWITCH_PORT: String(node.eventPort),
    FREESWITCH_PASSWORD: PASSWORD,
    SOCKET_PORT: String(agent),
    ENDPOINT_CA_FILE: certificate.cert,
    EMBEDDED_ROUTER: values.embedded ? 'on' : 'off',
  });

  const methods: Method[] = Object.entries(wires)
    .filter(([wire]) => values.wire === undefined || values.wire.includes(wire))
    .flatMap(([wire, base]) =>
      (wire === 'http' ? Object.keys(pathOf) : ['mod_curl', 'mod_httapi', 'dialhook']).map((name) => ({
        name,
        wire,
        url: `${base}${pathOf[name]}`,
      })),
    )
    .filter(({ name }) => name === 'dialhook' || (values.baseline?.includes(name) ?? true));
  const call = async ({ name, url }: Method, rate: number, n: number): Promise<Round> => {
    if (name === 'mod_xml_curl') await node.api('load mod_xml_curl');
    const before = cpuSeconds([node.pid]);
    const result = await sip.run(node.sipPort, name, url, rate, n);
    const cpuMs = (1_000 * (cpuSeconds([node.pid]) - before)) / n;
    if (name === 'mod_xml_curl') await node.api('unload mod_xml_curl');
    return { ...result, cpuMs };
  };

  for (const method of methods)
    await call(method, WARM_RATE, method.name === 'dialhook' ? warmCalls : WARM_RATE);
  const figures: Figure[] = [];
  say(tableHead());
  for (const rate of rates) {
    const results = new Map<Method, Round[]>(methods.map((method) => [method, []]));
    for (let round = 0; round < rounds; round++)
      for (const method of round % 2 === 0 ? methods : methods.toReversed())
        results.get(method)?.push(await call(method, rate, rate * seconds));
    for (const method of methods.filter(({ name }) => name === 'dialhook'))
      for (const other of methods.filter(({ name, wire }) => name !== 'dialhook' && wire === method.wire))
        for (const [q, unit] of [
          [0.5, 'ms p50'],
          [0.99, 'ms p99'],
        ] as const) {
          const ms = (one: Method) => (results.get(one) ?? []).map((result) => quantile(result.ms, q));
          const baseline = ms(other);
          const goal = q === 0.5 ? GOALS[`${method.wire} ${rate} ${other.name}`] : undefined;
          const name = `${PREFIX}_${method.wire}_${rate}_${other.name}${q === 0.5 ? '' : '_p99'}`;
          const what = `INVITE to INVITE at ${rate} calls/s over ${method.wire}, compared with ${other.name}${HOW}`;
          const pairs = ms(method).map((ours, i) => ({ ours, baseline: baseline[i] ?? Number.NaN }));
          figures.push(figureOf({ name, what, unit, goal }, pairs));
        }
    const onHttp = (name: string) =>
      [...results].find(([method]) => method.name === name && method.wire === 'http')?.[1] ?? [];
    for (const other of ['bridge', 'floor'].filter((name) => onHttp(name).length > 0))
      figures.push(
        figureOf(
          {
            name: `${PREFIX}_cpu_${rate}_${other}`,
            what: `CPU of FreeSWITCH for a call at ${rate} calls/s, compared with ${other}${HOW}`,
            unit: 'CPU ms',
            goal: other === 'bridge' ? FREESWITCH_CPU_GOAL : undefined,
          },
          onHttp('dialhook').map(({ cpuMs }, i) => ({
            ours: cpuMs,
            baseline: onHttp(other)[i]?.cpuMs ?? Number.NaN,
          })),
        ),
      );
    for (const [method, all] of results) {
      const continued = all.reduce((sum, { dialplanContinued }) => sum + dialplanContinued, 0);
      const calls = all.reduce((sum, one) => sum + one.calls, 0);
      if (continued > 0)
        say(
          `${method.name} over ${method.wire} at ${rate}/s: ${continued} of ${calls} calls continued in the dialplan`,
        );
      if (method.name !== 'dialhook') continue;
      const what = `calls whose dialplan continued over ${method.wire} at ${rate} calls/s, compared with all; goal 0`;
      const goal = { atMost: 0 };
      figures.push(
        figureOf({ name: `${PREFIX}_${method.wire}_${rate}_dialplan_continued`, what, unit: 'calls', goal }, [
          { ours: continued, baseline: calls },
        ]),
      );
    }
    for (const figure of figures.filter(({ name }) => name.includes(`_${rate}_`))) say(tableLine(figure));
  }
  return figures;
}

if (!freeswitchFound()) {
  console.error('No freeswitch on the PATH.');
  process.exit(0);
}
raisePriority();
const stops = new Stack();
try {
  const figures = await run(stops);
  const missed = figures.filter((figure) => reached(figure) === false).map(({ name }) => name);
  if (values.check)
    say(`\n${missed.length === 0 ? 'every goal is reached' : `missed: ${missed.join(', ')}`}`);
  if (values.json) process.stdout.write(`${JSON.stringify({ ok: missed.length === 0, missed, figures })}\n`);
  process.exitCode = values.check && missed.length > 0 ? 1 : 0;
} finally {
  await stops.unwind();
}
// Exit explicitly: see test/chaos/main.ts.
process.exit();
