import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_TIMEOUT_MS } from '#libs/contract/arguments.ts';
import { placeCall } from '#libs/simulator/dialplan-call.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { readProbeConfig } from './config.ts';
import { startEndpoint } from './endpoint.ts';

/**
 * Tests an installed cluster with simulated calls. Exit code 0 when every check passed, 1 otherwise.
 *
 * One call goes through each agent of AGENTS and must be decided. One more goes through an agent that the probe starts
 * next to a simulated FreeSWITCH: its ring, answer and hangup must reach the endpoint.
 */
const config = readProbeConfig(process.env);
const deadline = Date.now() + config.PROBE_TIMEOUT_MS;
const failures: string[] = [];

const endpoint = await startEndpoint(config.ENDPOINT_PORT);
const url = `http://${config.ENDPOINT_HOST}:${endpoint.port}/`;
const freeswitch = await SimulatedFreeSwitch.start({ name: 'probe' });
freeswitch.gateways.add('gw');

async function decided(name: string, socket: string, notify: boolean): Promise<string> {
  for (;;) {
    const record = await placeCall(freeswitch, {
      caller: { number: '100', name: 'probe' },
      destination: '100',
      endpoint: {
        url,
        connectTimeoutMs: DEFAULT_TIMEOUT_MS,
        responseTimeoutMs: DEFAULT_TIMEOUT_MS,
        notify,
      },
      socket,
    }).ended;
    const result = String(record.variables['dialhook_result'] ?? 'no agent answered');
    if (result === 'decided' && record.invites.length === 1) {
      console.log(`${name}: a call through ${socket} was decided`);
      return record.uuid;
    }
    if (Date.now() > deadline) {
      const error = String(record.variables['dialhook_error'] ?? '');
      throw new Error(`a call through ${socket} was not decided: ${result} ${error}`.trim());
    }
    await sleep(500);
  }
}

async function notified(uuid: string): Promise<void> {
  const expected = ['ring', 'answer', 'hangup'];
  while (endpoint.received(uuid).length < expected.length && Date.now() < deadline) await sleep(100);
  const actions = endpoint.received(uuid).join(', ');
  if (actions !== expected.join(', '))
    throw new Error(`the endpoint received "${actions}" instead of "${expected.join(', ')}"`);
  console.log(`notifier: the endpoint received ${actions}, in order`);
}

async function attempt(name: string, work: () => Promise<unknown>): Promise<void> {
  await work().catch((error: Error) => failures.push(`${name}: ${error.message}`));
}

const agent = spawn(process.execPath, ['services/agent/main.ts'], {
  env: {
    ...process.env,
    NODE_NAME: 'probe',
    FREESWITCH_HOST: freeswitch.host,
    FREESWITCH_PORT: String(freeswitch.port),
    FREESWITCH_PASSWORD: freeswitch.password,
    SOCKET_HOST: '127.0.0.1',
    SOCKET_PORT: String(config.SOCKET_PORT),
    HEALTH_HOST: '127.0.0.1',
    HEALTH_PORT: String(config.HEALTH_PORT),
    LOG_LEVEL: 'warn',
  },
  stdio: ['ignore', 'inherit', 'inherit'],
});
agent.on('error', (error) => failures.push(`the probe's own agent: ${error.message}`));

async function agentReady(): Promise<void> {
  const health = `http://127.0.0.1:${config.HEALTH_PORT}/readyz`;
  for (let last = 'no answer'; ; await sleep(100)) {
    const answer = await fetch(health).catch(() => undefined);
    if (answer?.ok) return;
    last = (await answer?.text()) ?? last;
    if (Date.now() > deadline || agent.exitCode !== null) throw new Error(`not ready: ${last.trim()}`);
  }
}

await Promise.all([
  ...config.AGENTS.map(({ name, socket }) => attempt(name, () => decided(name, socket, false))),
  attempt("the probe's own agent", async () => {
    await agentReady();
    await notified(await decided("the probe's own agent", `127.0.0.1:${config.SOCKET_PORT}`, true));
  }),
]);

agent.kill('SIGTERM');
await freeswitch.stop();
endpoint.stop();
for (const failure of failures) console.error(failure);
process.exit(failures.length === 0 ? 0 : 1);
