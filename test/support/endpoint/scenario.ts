import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, type LogLine } from '#deploy/local/cluster.ts';
import type { CallScript } from '#libs/simulator/call-script.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { signWebhook, webhookKey } from '#libs/webhook-signature/webhook-signature.ts';
import { freePort } from '#test/support/ports.ts';
import { until } from '#test/support/until.ts';

/** The programs of docs/examples, each run as its reader would, against a cluster that signs. */

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples');
export const DOMAIN = '127.0.0.1';
export const SECRET = `whsec_${randomBytes(32).toString('base64')}`;

const SENDER_SETTINGS = { ENDPOINT_SIGNING_SECRETS: SECRET, RETRY_SCHEDULE_MS: '200,200,200,200,200' };
const SOUND_SETTINGS = {
  SOUNDS: [
    'last',
    'closed',
    'last-minute',
    'enter-extension',
    'wrong-extension',
    'no-extension',
    'press-1',
    'recorded',
  ]
    .map((name) => `${name}=${name}.wav`)
    .join(' '),
  RINGBACKS: 'wait=wait.wav',
  RECORDINGS: '/var/recordings/{id}.wav',
};

export interface Language {
  readonly name: string;
  readonly runs: boolean;
  /** The command that serves an example; Go is compiled into `dir` first. */
  readonly command: (example: string, dir: string) => readonly string[];
}

/** Python 3.10 with the time zones of the system. */
const PYTHON_IS_ENOUGH =
  'import sys, zoneinfo; zoneinfo.ZoneInfo("Asia/Shanghai"); sys.exit(sys.version_info < (3, 10))';

/** Of Go 1.22 the 22; 0 without Go. */
const goVersion = (): number =>
  Number(/go1\.(\d+)/.exec(spawnSync('go', ['version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0);

const answers = (...command: string[]) => spawnSync(command[0] ?? '', command.slice(1)).status === 0;

function goBuild(example: string, dir: string): string {
  const binary = join(dir, example);
  const built = spawnSync('go', ['build', '-o', binary, `./${example}`], {
    cwd: join(EXAMPLES, 'go'),
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(built.stderr);
  return binary;
}

const ALL: readonly Language[] = [
  {
    name: 'typescript',
    runs: true,
    command: (example) => [process.execPath, join(EXAMPLES, 'typescript', `${example}.ts`)],
  },
  {
    name: 'python',
    runs: answers('python3', '-c', PYTHON_IS_ENOUGH),
    command: (example) => ['python3', '-B', join(EXAMPLES, 'python', `${example.replace('-', '_')}.py`)],
  },
  { name: 'go', runs: goVersion() >= 22, command: (example, dir) => [goBuild(example, dir)] },
];

/** Those that this machine has; a line says which are left out. */
export function languages(): readonly Language[] {
  for (const { name } of ALL.filter(({ runs }) => !runs))
    console.log(`left out, as it is not there or too old: the examples in ${name}`);
  return ALL.filter(({ runs }) => runs);
}

/** An agent, routers and a notifier around a simulated FreeSWITCH. */
export class Scenario {
  readonly freeswitch: SimulatedFreeSwitch;
  readonly #cluster: Cluster;
  readonly #log: LogLine[];

  private constructor(freeswitch: SimulatedFreeSwitch, cluster: Cluster, log: LogLine[]) {
    this.freeswitch = freeswitch;
    this.#cluster = cluster;
    this.#log = log;
  }

  static async start(): Promise<Scenario> {
    const freeswitch = await SimulatedFreeSwitch.start({ name: 'fs1', domain: DOMAIN });
    for (const gateway of ['gw', 'fallback']) freeswitch.gateways.add(gateway);
    const { host, port, password } = freeswitch;
    const log: LogLine[] = [];
    const cluster = await Cluster.start({
      nodes: [{ name: 'fs1', host, port, password, listen: { host: '127.0.0.1', port: 0 } }],
      defaultEndpoint: undefined,
      env: (service) => (service === 'agent' ? SOUND_SETTINGS : SENDER_SETTINGS),
      onLog: (line) => log.push(line),
      onLost: (name) => log.push({ service: name, level: 'fatal', message: 'ended by itself' }),
    });
    return new Scenario(freeswitch, cluster, log);
  }

  async stop(): Promise<void> {
    await this.#cluster.stop();
    await this.freeswitch.stop();
  }

  call(url: string, request: Omit<CallScript, 'dialplan' | 'variables'>) {
    return this.freeswitch.call({
      ...request,
      variables: { domain_name: DOMAIN },
      dialplan: [
        `set cti_bridge=${url}`,
        `socket 127.0.0.1:${this.#cluster.socketPort('fs1')}`,
        'bridge sofia/gateway/fallback/0',
      ],
    });
  }

  /** Number of decisions about a call that its agent has carried out. */
  decided(uuid: string): number {
    return this.#log.filter(
      ({ service, event, call }) => service.startsWith('agent') && event === 'call.decided' && call === uuid,
    ).length;
  }

  /** Whether the agent has published the hangup of a call. */
  hasEnded(uuid: string): boolean {
    return this.#log.some(
      ({ event, action, call }) => event === 'notification.published' && action === 'hangup' && call === uuid,
    );
  }

  /** Waits until the endpoint has accepted the notification `action` of a call. */
  async taken(uuid: string, action: string): Promise<void> {
    const isIt = ({ event, notification }: LogLine) =>
      event === 'notification.delivered' &&
      String(notification).startsWith(`${uuid}.`) &&
      String(notification).endsWith(`.${action}`);
    await until(`${action} of ${uuid} is taken`, () => this.#log.some(isIt));
  }
}

/** One running example and its folder. */
export class Example {
  readonly dir: string;
  readonly url: string;
  readonly #start: () => ChildProcess;
  #child: ChildProcess;

  private constructor(dir: string, url: string, start: () => ChildProcess) {
    this.dir = dir;
    this.url = url;
    this.#start = start;
    this.#child = start();
  }

  /** `files` are written into its folder, which is where it runs; `settings` are environment variables. */
  static async start(
    language: Language,
    name: string,
    files: Readonly<Record<string, unknown>>,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<Example> {
    const dir = await mkdtemp(join(tmpdir(), 'dialhook-example-'));
    for (const [file, content] of Object.entries(files))
      await writeFile(join(dir, file), JSON.stringify(content));
    const [program = '', ...args] = language.command(name, dir);
    const port = await freePort();
    const env = { ...process.env, PORT: String(port), WEBHOOK_SECRETS: SECRET, ...settings };
    const start = () => spawn(program, args, { cwd: dir, env, stdio: ['ignore', 'ignore', 'inherit'] });
    const example = new Example(dir, `http://127.0.0.1:${port}/`, start);
    await example.#listening();
    return example;
  }

  async #listening(): Promise<void> {
    await until(`${this.url} listens`, () =>
      fetch(this.url, { method: 'POST', body: '{}' }).then(
        ({ status }) => status === 401,
        () => false,
      ),
    );
  }

  async restart(): Promise<void> {
    await this.#kill();
    this.#child = this.#start();
    await this.#listening();
  }

  async #kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async stop(): Promise<void> {
    await this.#kill();
    await rm(this.dir, { recursive: true });
  }

  /** Posts a notification by hand, signed. @returns the status. */
  async post(id: string, body: object): Promise<number> {
    const webhook = { id, timestamp: Math.floor(Date.now() / 1000), content: JSON.stringify(body) };
    const answer = await fetch(this.url, {
      method: 'POST',
      body: webhook.content,
      headers: {
        'webhook-id': id,
        'webhook-timestamp': String(webhook.timestamp),
        'webhook-signature': signWebhook([webhookKey(SECRET)], webhook),
      },
    });
    await answer.arrayBuffer();
    return answer.status;
  }
}
