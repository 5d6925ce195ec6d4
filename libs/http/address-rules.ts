import { Networks, PRIVATE_NETWORKS } from '#libs/net/networks.ts';
import { portOf } from '#libs/net/url.ts';

/**
 * Never an endpoint: where clouds serve metadata and credentials (169.254.0.0/16 and fe80::/10 of all of them, and
 * those of Alibaba, Azure, Oracle, AWS and Google besides), "this host", multicast and broadcast.
 */
const NEVER_CALLED = new Networks([
  '169.254.0.0/16',
  'fe80::/10',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
  '0.0.0.0/8',
  '::/128',
  '224.0.0.0/4',
  '240.0.0.0/4',
  'ff00::/8',
]);

export interface AddressRules {
  /** `http` and `https` without it. */
  readonly schemes?: readonly string[];
  /** `HOST`, `*.DOMAIN` or `*`, each with `:PORT` if need be; every host without one. */
  readonly allowedHosts?: readonly string[];
  /** Networks that are never called, in CIDR notation, beside those that no setting allows. */
  readonly refusedNetworks?: readonly string[];
  readonly refusePrivate?: boolean;
}

const PATTERN = /^(?<host>\*|\[[^\]]+\]|(?:\*\.)?[^\s:/?#@*[\]]+)(?::(?<port>\d{1,5}))?$/;

interface HostPattern {
  readonly matches: (hostname: string, port: number) => boolean;
}

/** Reads one of `allowedHosts`; undefined when it is none. */
export function hostPattern(text: string): HostPattern | undefined {
  const { host = '', port } = PATTERN.exec(text.trim())?.groups ?? {};
  const anywhere = host === '*';
  const below = host.startsWith('*.');
  const url = anywhere ? undefined : URL.parse(`http://${below ? host.slice(2) : host}/`);
  if (!anywhere && !url) return undefined;
  const name = withoutDot(url?.hostname ?? '');
  return {
    matches: (hostname, itsPort) => {
      if (port !== undefined && Number(port) !== itsPort) return false;
      return anywhere || (below ? hostname.endsWith(`.${name}`) : hostname === name);
    },
  };
}

const withoutDot = (hostname: string): string => hostname.replace(/\.$/, '');

/** Where the cluster may call. Names are judged before anything is looked up, addresses when they are connected to. */
export class AddressFilter {
  readonly #schemes: readonly string[];
  readonly #hosts: readonly HostPattern[];
  readonly #refused: Networks;
  readonly #private: Networks | undefined;

  /** @throws when a network or a host is none. */
  constructor(rules: AddressRules) {
    this.#schemes = rules.schemes ?? ['http', 'https'];
    this.#hosts = (rules.allowedHosts ?? []).map((text) => {
      const pattern = hostPattern(text);
      if (!pattern) throw new TypeError(`not a host: ${text}`);
      return pattern;
    });
    this.#refused = new Networks(rules.refusedNetworks ?? []);
    this.#private = rules.refusePrivate ? new Networks(PRIVATE_NETWORKS) : undefined;
  }

  /** Why an origin is not called, in words; undefined when it may be. */
  originRefusal(origin: string): string | undefined {
    const url = new URL(origin);
    if (!this.#schemes.includes(url.protocol.slice(0, -1)))
      return `${url.protocol}// is not allowed here (ENDPOINT_SCHEMES)`;
    const hostname = withoutDot(url.hostname);
    const allowed = this.#hosts.length === 0 || this.#hosts.some((one) => one.matches(hostname, portOf(url)));
    return allowed ? undefined : 'it is not one of the hosts that may be called (ENDPOINT_ALLOWED_HOSTS)';
  }

  /** Why an address is not connected to, in words; undefined when it may be. */
  addressRefusal(address: string): string | undefined {
    if (NEVER_CALLED.has(address)) return 'it is at an address that is never called';
    if (this.#refused.has(address))
      return 'it is at an address that must not be called (ENDPOINT_REFUSED_NETWORKS)';
    if (this.#private?.has(address))
      return 'it is at a private address, which must not be called (ENDPOINT_PRIVATE_NETWORKS)';
    return undefined;
  }
}
