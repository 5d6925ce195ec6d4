import { BlockList, isIP } from 'node:net';

const zero = (groups: readonly number[]): boolean => groups.every((group) => group === 0);

function groupsOf(address: string): number[] {
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const read = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [read(head), read(tail ?? '')];
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

const dotted = (high = 0, low = 0): string => [high >> 8, high & 255, low >> 8, low & 255].join('.');

/** The IPv4 address inside an IPv6 address (IPv4-mapped, NAT64, 6to4, Teredo), to which a translator would route it. */
function embedded(address: string): string | undefined {
  const g = groupsOf(address);
  const [first, second] = g;
  if (zero(g.slice(0, 4)) && [0, 0xffff].includes(g[4] ?? -1) && [0, 0xffff].includes(g[5] ?? -1))
    return zero(g.slice(4, 7)) ? undefined : dotted(g[6], g[7]);
  if (first === 0x64 && second === 0xff9b) return dotted(g[6], g[7]);
  if (first === 0x2002) return dotted(second, g[2]);
  if (first === 0x2001 && second === 0) return dotted((g[6] ?? 0) ^ 0xffff, (g[7] ?? 0) ^ 0xffff);
  return undefined;
}

/** A set of IP networks. An IPv6 address that contains an IPv4 address is also in the networks of that address. */
export class Networks {
  readonly #list = new BlockList();

  /** @throws {TypeError} or {RangeError} when one is not a valid network in CIDR notation. */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = '', prefix] = network.split('/');
      const [family, whole] = isIP(address) === 6 ? (['ipv6', 128] as const) : (['ipv4', 32] as const);
      this.#list.addSubnet(address, prefix === undefined ? whole : Number(prefix), family);
    }
  }

  has(address: string): boolean {
    const [plain = ''] = address.split('%');
    const family = isIP(plain);
    if (family === 4) return this.#list.check(plain, 'ipv4');
    if (family !== 6) return false;
    const inner = embedded(plain);
    return this.#list.check(plain, 'ipv6') || (inner !== undefined && this.#list.check(inner, 'ipv4'));
  }
}

export const LOOPBACK_NETWORKS = ['127.0.0.0/8', '::1/128'];
/** Networks that are not routed on the Internet. */
export const PRIVATE_NETWORKS = [
  ...LOOPBACK_NETWORKS,
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  'fc00::/7',
  'fec0::/10',
];
