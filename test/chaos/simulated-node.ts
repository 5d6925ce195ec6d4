import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { freePort } from '#test/support/ports.ts';
import { FALLBACK_GATEWAY } from './calls.ts';
import type { CallInFlight, IncomingCall, TestNode } from './node.ts';

const GATEWAYS = ['gw', 'gw2', FALLBACK_GATEWAY];

/** A simulated FreeSWITCH. Every start creates a new one on the same port. */
export class SimulatedNode implements TestNode {
  readonly eventSocket: TestNode['eventSocket'];
  readonly #name: string;
  #node: SimulatedFreeSwitch | undefined;

  private constructor(name: string, port: number) {
    this.#name = name;
    this.eventSocket = { host: '127.0.0.1', port, password: 'ClueCon' };
  }

  static async create(name: string): Promise<SimulatedNode> {
    return new SimulatedNode(name, await freePort());
  }

  get running(): boolean {
    return this.#node !== undefined;
  }

  call({ ctiBridge, socket, fallback, callee, ...call }: IncomingCall): CallInFlight {
    if (!this.#node) throw new Error(`${this.#name} is not running`);
    return this.#node.call({
      ...call,
      dialplan: [`set cti_bridge=${ctiBridge}`, `socket ${socket}`, `bridge ${fallback}`],
      callee: ({ gateway }) => callee(gateway ?? ''),
    });
  }

  async start(): Promise<void> {
    const node = await SimulatedFreeSwitch.start({ name: this.#name, ...this.eventSocket });
    for (const gateway of GATEWAYS) node.gateways.add(gateway);
    this.#node = node;
  }

  async stop(): Promise<void> {
    await this.#detach()?.stop();
  }

  async crash(): Promise<void> {
    await this.#detach()?.crash();
  }

  close(): Promise<void> {
    return this.stop();
  }

  #detach(): SimulatedFreeSwitch | undefined {
    const node = this.#node;
    this.#node = undefined;
    return node;
  }
}
