import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Stack } from '#deploy/local/stack.ts';
import { type Figure, figureOf, type Goal, reached, tableHead, tableLine } from '#test/bench/figure.ts';
import { quantile } from '#test/bench/numbers.ts';
import { comeFirst } from '#test/bench/priority.ts';
import { Endpoint, World } from '#test/bench/world.ts';
import { WireProxy } from '#test/chaos/proxy.ts';
import { makeCertificate } from '#test/chaos/tls.ts';
import { freeswitchFound } from '#test/support/freeswitch/process.ts';
import { freePort } from '#test/support/ports.ts';
import { type CallsResult, SipCalls } from './calls.ts';
import { PASSWORD, startFreeSwitch } from './node.ts';

const ROUND_TRIP_MS = 20;
const RATES = [10, 50, 100];
/** Calls a second and calls before anything is measured: V8 has compiled a service's code after some thousand. */
const WARM_RATE = 40;
const WARM_CALLS = 1_200;

const USAGE = `Usage: npm run bench:freeswitch -- [OPTIONS]

Measures INVITE in to INVITE out through a real FreeSWITCH, by Dialhook and by FreeSWITCH's own modules.

  --rate N      calls a second (10, 50 and 100); may be given several times
  --wire NAME   http, https, or https20, which is 20 ms of round trip away; all without it
  --rounds N    alternated rounds (3)
  --seconds N   how long each lasts (4)
  --quick       one round of one second
  --check       exit code 1 when a figure falls short of its goal
  --json        print one JSON object as the last line of standard output
  --help        this text`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rate: { type: 'string', multiple: true },
    wire: { type: 'string', multiple: true },
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

/** One way from INVITE to INVITE, over one kind of wire to the endpoint. */
interface Way {
  readonly name: string;
  readonly wire: string;
  readonly url: string;
}

const pathOf: Readonly<Record<string, string>> = {
  bridge: '',
  mod_curl: 'plain',
  mod_httapi: 'httapi',
  mod_xml_curl: 'dialplan',
  dialhook: '0',
};

/** What a figure of ours stands beside, and what it has to be. */
const GOALS: Readonly<Record<string, Goal>> = {
  'http mod_httapi': { atMost: 1.6 },
  'https mod_curl': { atMost: 1 },
  'https20 mod_curl': { atMost: 0.38 },
};

async function run(stops: Stack): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dialhook-bench-tls-'));
  stops.add(() => rm(folder, { recursive: true, force: true }));
  const certificate = await makeCertificate(folder);
  const world = await World.start({
    nodes: 0,
    env: { ENDPOINT_CA_FILE: certificate.cert },
  });
  stops.add(() => world.stop());
  const secure = await Endpoint.start(certificate);
  stops.add(() => secure.child.stop());
  const far = await WireProxy.start(secure.port);
  far.impair({ delayMs: ROUND_TRIP_MS / 2, connectMs: ROUND_TRIP_MS });
  stops.add(() => far.stop());
  const sip = await SipCalls.open();
  stops.add(() => sip.close());
  const agent = await freePort();
  const wires: Readonly<Record<string, string>> = {
    http: `http://127.0.0.1:${world.endpoint.port}/`,
    https: `https://127.0.0.1:${secure.port}/`,
    https20: `https://127.0.0.1:${far.port}/`,
  };
  const node = await startFreeSwitch({
    ca: certificate.cert,
    callee: sip.callee,
    agent,
    xmlCurlUrl: `${wires['http']}dialplan`,
  });
  stops.add(() => node.stop());
  await world.service('agent', 0, {
    NODE_NAME: 'bench',
    FREESWITCH_PORT: String(node.eventPort),
    FREESWITCH_PASSWORD: PASSWORD,
    SOCKET_PORT: String(agent),
  });

  const ways: Way[] = Object.entries(wires)
    .filter(([wire]) => values.wire === undefined || values.wire.includes(wire))
    .flatMap(([wire, base]) =>
      (wire === 'http' ? Object.keys(pathOf) : ['mod_curl', 'mod_httapi', 'dialhook']).map((name) => ({
        name,
        wire,
        url: `${base}${pathOf[name]}`,
      })),
    );
  const call = async ({ name, url }: Way, rate: number, n: number): Promise<CallsResult> => {
    if (name === 'mod_xml_curl') await node.api('load mod_xml_curl');
    const result = await sip.run(node.sipPort, name, url, rate, n);
    if (name === 'mod_xml_curl') await node.api('unload mod_xml_curl');
    return result;
  };

  for (const way of ways) await call(way, WARM_RATE, way.name === 'dialhook' ? warmCalls : WARM_RATE);
  const figures: Figure[] = [];
  say(tableHead());
  for (const rate of rates) {
    const results = new Map<Way, CallsResult[]>(ways.map((way) => [way, []]));
    for (let round = 0; round < rounds; round++)
      for (const way of round % 2 === 0 ? ways : ways.toReversed())
        results.get(way)?.push(await call(way, rate, rate * seconds));
    for (const way of ways.filter(({ name }) => name === 'dialhook'))
      for (const other of ways.filter(({ name, wire }) => name !== 'dialhook' && wire === way.wire))
        for (const [q, unit] of [
          [0.5, 'ms p50'],
          [0.99, 'ms p99'],
        ] as const) {
          const ms = (one: Way) => (results.get(one) ?? []).map((result) => quantile(result.ms, q));
          const bare = ms(other);
          const goal = q === 0.5 ? GOALS[`${way.wire} ${other.name}`] : undefined;
          const name = `fs_${way.wire}_${rate}_${other.name}${q === 0.5 ? '' : '_p99'}`;
          const what = `INVITE to INVITE at ${rate} calls/s over ${way.wire}, beside ${other.name}`;
          const pairs = ms(way).map((ours, i) => ({ ours, bare: bare[i] ?? Number.NaN }));
          figures.push(figureOf({ name, what, unit, goal }, pairs));
        }
    for (const [way, all] of results) {
      const fell = all.reduce((sum, { dialplanContinued }) => sum + dialplanContinued, 0);
      const calls = all.reduce((sum, one) => sum + one.calls, 0);
      if (fell > 0) say(`${way.name} over ${way.wire} at ${rate}/s: ${fell} of ${calls} calls fell through`);
      if (way.name !== 'dialhook') continue;
      const what = `calls that fell through over ${way.wire} at ${rate} calls/s, beside all; goal 0`;
      const goal = { atMost: 0 };
      figures.push(
        figureOf({ name: `fs_${way.wire}_${rate}_fell_through`, what, unit: 'calls', goal }, [
          { ours: fell, bare: calls },
        ]),
      );
    }
    for (const figure of figures.filter(({ name }) => name.includes(`_${rate}_`))) say(tableLine(figure));
  }
  return figures;
}

if (!freeswitchFound()) {
  console.error('There is no freeswitch on the PATH: nothing to measure.');
  process.exit(0);
}
comeFirst();
const stops = new Stack();
try {
  const figures = await run(stops);
  const missed = figures.filter((figure) => reached(figure) === false).map(({ name }) => name);
  if (values.check)
    say(`\n${missed.length === 0 ? 'every goal is reached' : `short of the goal: ${missed.join(', ')}`}`);
  if (values.json)
    process.stdout.write(`${JSON.stringify({ ok: missed.length === 0, short: missed, figures })}\n`);
  process.exitCode = values.check && missed.length > 0 ? 1 : 0;
} finally {
  await stops.unwind();
}
// Not left to end by itself: see test/chaos/main.ts.
process.exit();
