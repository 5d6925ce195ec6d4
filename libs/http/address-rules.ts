import { isIP } from 'node:net';
import { Networks, PRIVATE_NETWORKS } from '#libs/net/networks.ts';
import { portOf } from '#libs/net/url.ts';

/**
 * Addresses that are always refused: metadata services of clouds, which hand out credentials (link-local for all of
 * them, the others for Alibaba, Azure, Oracle, AWS and Google), "this host", multicast and broadcast.
 */
const ALWAYS_REFUSED = new Networks([
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
  /** Default: `http` and `https`. */
  readonly schemes?: readonly string[];
  /** `HOST`, `*.DOMAIN` or `*`, each optionally with `:PORT`. Default: every host. */
  readonly allowedHosts?: readonly string[];
  /** Networks to refuse, in CIDR notation, in addition to those that are always refused. */
  readonly refusedNetworks?: readonly string[];
  readonly refusePrivate?: boolean;
}

const PATTERN = /^(?<host>\*|\[[^\]]+\]|(?:\*\.)?[^\s:/?#@*[\]]+)(?::(?<port>\d{1,5}))?$/;

interface HostPattern {
  readonly matches: (hostname: string, port: number) => boolean;
}

/** Parses an entry of `allowedHosts`; undefined when it is invalid. */
export function hostPattern(text: string): HostPattern | undefined {
  const { host = '', port } = PATTERN.exec(text.trim())?.groups ?? {};
  const any = host === '*';
  const below = host.startsWith('*.');
  const url = any ? undefined : URL.parse(`http://${below ? host.slice(2) : host}/`);
  if (!any && !url) return undefined;
  const name = withoutDot(url?.hostname ?? '');
  return {
    matches: (hostname, urlPort) => {
      if (port !== undefined && Number(port) !== urlPort) return false;
      return any || (below ? hostname.endsWith(`.${name}`) : hostname === name);
    },
  };
}

const withoutDot = (hostname: string): string => hostname.replace(/\.$/, '');

/** Checks whether endpoints may be requested: the origin before the DNS lookup, each address before connecting. */
export class AddressFilter {
  readonly #schemes: readonly string[];
  readonly #hosts: readonly HostPattern[];
  readonly #refused: Networks;
  readonly #private: Networks | undefined;

  /** @throws {TypeError} or {RangeError} when a network or a host is invalid. */
  constructor(rules: AddressRules) {
    this.#schemes = rules.schemes ?? ['http', 'https'];
    this.#hosts = (rules.allowedHosts ?? []).map((text) => {
      const pattern = hostPattern(text);
      if (!pattern) throw new TypeError(`invalid host: ${text}`);
      return pattern;
    });
    this.#refused = new Networks(rules.refusedNetworks ?? []);
    this.#private = rules.refusePrivate ? new Networks(PRIVATE_NETWORKS) : undefined;
  }

  /** Why an origin is refused; undefined when it is allowed. */
  originRefusal(origin: string): string | undefined {
    const url = new URL(origin);
    if (!this.#schemes.includes(url.protocol.slice(0, -1)))
      return `${url.protocol}// is not allowed (ENDPOINT_SCHEMES)`;
    const hostname = withoutDot(url.hostname);
    const allowed = this.#hosts.length === 0 || this.#hosts.some((one) => one.matches(hostname, portOf(url)));
    return allowed ? undefined : 'the host is not allowed (ENDPOINT_ALLOWED_HOSTS)';
  }

  /** Why a URL is refused without a DNS lookup; undefined when it is allowed. A URL whose host is an address is checked in full. */
  urlRefusal(url: string): string | undefined {
    const { origin, hostname } = new URL(url);
    const literal = hostname.replace(/^\[|\]$/g, '');
    return this.originRefusal(origin) ?? (isIP(literal) === 0 ? undefined : this.addressRefusal(literal));
  }

  /** Why an address is refused; undefined when it is allowed. */
  addressRefusal(address: string): string | undefined {
    if (ALWAYS_REFUSED.has(address)) return 'its address is never allowed';
    if (this.#refused.has(address)) return 'its address is refused (ENDPOINT_REFUSED_NETWORKS)';
    if (this.#private?.has(address))
      return 'its address is private, which is refused (ENDPOINT_PRIVATE_NETWORKS)';
    return undefined;
  }
}
