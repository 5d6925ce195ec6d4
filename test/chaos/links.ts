import type { Stack } from '#deploy/local/stack.ts';
import { WireProxy } from './proxy.ts';

/** Connections that a proxy can impair. */
export const LINKS = ['agent-nats', 'router-nats', 'notifier-redis', 'agent-freeswitch', 'endpoint'] as const;
/** `freeswitch-agent` has the connections of the application `socket`. */
export type Link = (typeof LINKS)[number] | 'freeswitch-agent';

export const LOOPBACK = '127.0.0.1';

/** The two ends of a proxy, if not on loopback. */
interface Ends {
  /** Address that the client connects to. */
  readonly listen?: string | undefined;
  readonly target?: string | undefined;
}

/** The proxies of the impaired links. */
export class Links {
  readonly #impaired: readonly Link[];
  readonly #stack: Stack;
  readonly #proxies: { readonly link: Link; readonly service: string; readonly proxy: WireProxy }[] = [];

  constructor(impaired: readonly Link[], stack: Stack) {
    this.#impaired = impaired;
    this.#stack = stack;
  }

  /** The proxies of a link: of one service, or of all services. */
  proxies(link: Link, service?: string): WireProxy[] {
    return this.#proxies
      .filter((one) => one.link === link && (service === undefined || one.service === service))
      .map(({ proxy }) => proxy);
  }

  /** `port`, or the port of a proxy to it if the link is impaired or the client is not on loopback. */
  async through(link: Link, service: string, port: number, { listen, target }: Ends = {}): Promise<number> {
    const isImpaired = this.#impaired.includes(link);
    if (!isImpaired && listen === undefined) return port;
    const proxy = await WireProxy.start(port, listen ?? LOOPBACK, target ?? LOOPBACK);
    this.#stack.add(() => proxy.stop());
    this.#proxies.push({ link, service, proxy });
    return proxy.port;
  }
}
