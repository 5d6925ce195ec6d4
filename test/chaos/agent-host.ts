import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Unavailable } from './unavailable.ts';

/**
 * An agent on a host of its own, as a network namespace. A second namespace, FreeSWITCH's host, has everything else: the
 * chaos process, servers and services. A veth pair connects the two. Needs Linux, root, `ip` and `nft`.
 */
export interface AgentHost {
  readonly namespace: string;
  /** Address of the agent's host. */
  readonly address: string;
  /** Address at which the agent reaches the other namespace. */
  readonly gateway: string;
}

/** Set in a chaos process that runs in the namespace of FreeSWITCH's host: the namespace of the agent's host. */
const VARIABLE = 'CHAOS_AGENT_HOST';
const GATEWAY = '10.231.7.1';
const ADDRESS = '10.231.7.2';
const LINK = 'agent';
const TABLE = 'chaos';

/** The settings that docs/architecture.md asks for on the FreeSWITCH host when an agent is on another one. */
const SYSCTLS = [
  'net.ipv4.tcp_syn_retries=2',
  'net.ipv4.tcp_keepalive_time=5',
  'net.ipv4.tcp_keepalive_intvl=5',
  'net.ipv4.tcp_keepalive_probes=2',
];

/** @throws with what the program has written when it fails. */
function run(program: string, ...args: readonly string[]): void {
  const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error || status !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

export const agentHost = (): AgentHost | undefined => {
  const namespace = process.env[VARIABLE];
  return namespace === undefined ? undefined : { namespace, address: ADDRESS, gateway: GATEWAY };
};

/** Drops every packet from and to the agent's host without an answer, or ends that. */
export function dropPackets({ namespace }: AgentHost, drop: boolean): void {
  const nft = (command: string) => run('ip', 'netns', 'exec', namespace, 'nft', command);
  if (!drop) {
    nft(`delete table inet ${TABLE}`);
    return;
  }
  nft(`add table inet ${TABLE}`);
  for (const hook of ['input', 'output'])
    nft(`add chain inet ${TABLE} ${hook} { type filter hook ${hook} priority 0; policy drop; }`);
}

/** Pulls or plugs in the network cable of the agent's host. */
export const setLink = ({ namespace }: AgentHost, up: boolean): void =>
  run('ip', '-n', namespace, 'link', 'set', LINK, up ? 'up' : 'down');

/** Removes the namespaces of processes that were killed. */
function removeLeftNamespaces(): void {
  const { stdout = '' } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [name, pid] of stdout.matchAll(/^chaos-(\d+)-\w+/gm))
    if (!existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'del', name]);
}

function createNamespaces(own: string, agent: string): void {
  try {
    addNamespaces(own, agent);
  } catch (error) {
    throw new Unavailable(`needs Linux, root, ip and nft (${(error as Error).message})`);
  }
}

function addNamespaces(own: string, agent: string): void {
  const add = (name: string, address: string) => {
    run('ip', '-n', name, 'addr', 'add', `${address}/30`, 'dev', LINK);
    run('ip', '-n', name, 'link', 'set', LINK, 'up');
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
  };
  for (const name of [own, agent]) run('ip', 'netns', 'add', name);
  run('ip', 'link', 'add', LINK, 'netns', own, 'type', 'veth', 'peer', 'name', LINK, 'netns', agent);
  add(own, GATEWAY);
  add(agent, ADDRESS);
  run('ip', 'netns', 'exec', own, 'sysctl', '-q', '-w', ...SYSCTLS);
  // Fails here, and not during the fault, when there is no nft.
  run('ip', 'netns', 'exec', agent, 'nft', 'list ruleset');
}

/**
 * Runs `npm run chaos` with these arguments in the namespace of FreeSWITCH's host.
 * @returns its standard output. @throws {Unavailable}
 */
export async function runOnFreeSwitchHost(args: readonly string[]): Promise<string> {
  removeLeftNamespaces();
  const own = `chaos-${process.pid}-fs`;
  const agent = `chaos-${process.pid}-agent`;
  try {
    createNamespaces(own, agent);
    const command = ['netns', 'exec', own, process.execPath, join(import.meta.dirname, 'main.ts'), ...args];
    const child = spawn('ip', command, {
      env: { ...process.env, [VARIABLE]: agent },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return output;
  } finally {
    for (const name of [own, agent]) spawnSync('ip', ['netns', 'del', name]);
  }
}
