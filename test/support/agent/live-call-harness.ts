import type { SimulatedCall } from '#libs/simulator/call-record.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { AgentProcess, BusView, eventually } from './agent-process.ts';
import { CuttableProxy } from './cuttable-proxy.ts';
import { decided, type Routers, type Script, scriptRouters } from './routers.ts';

const QUICK = {
  RECONCILE_INTERVAL_MS: '200',
  RECONCILE_CONFIRM_MS: '100',
  RECONCILE_RESTART_WAIT_MS: '0',
};
const EVENTS = ['CHANNEL_PROGRESS', 'CHANNEL_PROGRESS_MEDIA', 'CHANNEL_ANSWER', 'CHANNEL_HANGUP_COMPLETE'];
const PBX = { domain: 'pbx', password: 'x', allowedEvents: EVENTS };
const USERS = [
  { ...PBX, user: 'least', allowedApi: ['show', 'uuid_exists'] },
  { ...PBX, user: 'none', allowedApi: ['none'] },
];

/** Settings of an agent that logs in as a user of the event socket: `least`, or `none` without permissions. */
export const as = (user: 'least' | 'none'): Record<string, string> => ({
  FREESWITCH_USER: `${user}@pbx`,
  FREESWITCH_PASSWORD: 'x',
  NODE_NAME: 'fs1',
});

/** A simulated node behind a proxy, NATS, scripted routers, and agents in processes of their own. */
export class LiveCallHarness implements AsyncDisposable {
  nats: NatsServer;
  readonly view: BusView;
  readonly node: SimulatedFreeSwitch;
  readonly gate: CuttableProxy;
  readonly #routers: Routers;
  readonly #agents: AgentProcess[] = [];
  /** The endpoint of the calls that are placed. */
  url = 'http://crm/binding?a=1';

  private constructor(
    nats: NatsServer,
    view: BusView,
    routers: Routers,
    node: SimulatedFreeSwitch,
    gate: CuttableProxy,
  ) {
    this.nats = nats;
    this.view = view;
    this.#routers = routers;
    this.node = node;
    this.gate = gate;
  }

  static async start(): Promise<LiveCallHarness> {
    const nats = await startNats();
    const view = await BusView.open(nats);
    const routers = await scriptRouters(nats.url);
    routers.script = () => decided({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } });
    const node = await SimulatedFreeSwitch.start({ name: 'fs 1.example', users: USERS });
    node.gateways.add('gw');
    return new LiveCallHarness(nats, view, routers, node, await CuttableProxy.to(node.port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop();
    await Promise.all(this.#agents.map((agent) => agent.stop()));
    await this.gate.close();
    await this.#routers.stop();
    await this.view.close();
    await this.nats.stop();
  }

  set script(script: Script) {
    this.#routers.script = script;
  }

  async agent(env: Record<string, string> = {}): Promise<AgentProcess> {
    const started = await AgentProcess.start({
      NATS_URL: this.nats.url,
      FREESWITCH_PORT: String(this.gate.port),
      ...QUICK,
      ...env,
    });
    this.#agents.push(started);
    return started;
  }

  place(...to: readonly AgentProcess[]): SimulatedCall {
    return this.node.call({
      caller: { number: '13800138000', name: `张三 O'Brien` },
      destination: '0555',
      variables: { cti_bridge: `${this.url} 3000 3000 1` },
      dialplan: [`socket ${to.map(({ port }) => `127.0.0.1:${port}`).join('|')}`],
      callee: () => ({ ringAt: 0, answerAt: 1 }),
    });
  }

  /** An answered call whose notifications are published and whose live entry is written. */
  async answered(...to: readonly AgentProcess[]): Promise<SimulatedCall> {
    const call = this.place(...to);
    await eventually(async () =>
      (await this.view.published(call.uuid)).some(({ action }) => action === 'answer'),
    );
    await eventually(async () => (await this.view.live()).some(({ uuid }) => uuid === call.uuid));
    return call;
  }

  hangupOf(call: SimulatedCall) {
    return eventually(async () => (await this.view.hangups(call.uuid))[0]);
  }

  noLiveCalls(): Promise<boolean> {
    return eventually(async () => (await this.view.liveCount()) === 0);
  }

  /** Starts NATS again at its address, with its data, after `nats.kill()`. */
  async natsBack(): Promise<void> {
    this.nats = await startNats({ port: this.nats.port, storeDir: this.nats.storeDir });
    await eventually(() => this.view.bus.connected);
  }

  /** How many times the agents have published the hangup of a call. */
  publishedHangups(uuid: string): number {
    return this.#agents
      .flatMap(({ lines }) => lines)
      .filter(
        (line) =>
          line.event === 'notification.published' && line['call'] === uuid && line['action'] === 'hangup',
      ).length;
  }
}
