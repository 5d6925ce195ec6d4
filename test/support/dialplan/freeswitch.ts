import type { Application } from '#libs/dialplan/settings.ts';

/** How FreeSWITCH reads what an agent writes, after its source: the counterpart of our writing, for tests. */

/** A command, its headers with names in lower case, and its body. */
export interface Packet {
  readonly command: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/**
 * `read_packet` of mod_event_socket.c: headers end at an empty line; line ends in front of them are skipped. The body has as
 * many bytes as Content-Length says.
 */
export function packetsOf(stream: string): Packet[] {
  const packets: Packet[] = [];
  for (let rest = stream.replace(/^[\r\n]+/, ''); rest !== ''; rest = rest.replace(/^[\r\n]+/, '')) {
    const end = /\n\r*\n/.exec(rest);
    if (!end) throw new Error(`an unfinished packet: ${rest}`);
    const head = readHead(rest.slice(0, end.index));
    const after = Buffer.from(rest.slice(end.index + end[0].length));
    const length = Number(header(head, 'content-length') ?? 0);
    if (after.length < length) throw new Error(`an unfinished body: ${rest}`);
    packets.push({ ...head, body: after.toString('utf8', 0, length) });
    rest = after.toString('utf8', length);
  }
  return packets;
}

export const packetOf = (command: string): Packet => {
  const [packet] = packetsOf(`${command}\n\n`);
  if (packet === undefined) throw new Error('no packet');
  return packet;
};

export const header = ({ headers }: Pick<Packet, 'headers'>, wanted: string): string | undefined =>
  headers.find(([name]) => name === wanted)?.[1];

/** The same: the first line is the command; the others are split at their first colon. */
function readHead(head: string): Omit<Packet, 'body'> {
  const [command = '', ...lines] = head.split(/[\r\n]+/);
  const headers = lines
    .filter((line) => line.includes(':'))
    .map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^ +/, '')];
    });
  return { command, headers };
}

/**
 * `execute` of switch_ivr.c, whose data are the body, and `xferext`: the name ends at the first space, and
 * switch_caller_extension_add_application leaves out an application whose data holds a backslash before a quote.
 */
export function applicationsOf(packet: Packet): Application[] {
  if (header(packet, 'call-command') === 'execute')
    return [{ name: header(packet, 'execute-app-name') ?? '', data: packet.body }];
  return packet.headers
    .filter(([name]) => name === 'application')
    .map(([, value]) => {
      const space = value.indexOf(' ');
      return space < 0
        ? { name: value, data: '' }
        : { name: value.slice(0, space), data: value.slice(space + 1) };
    })
    .filter(({ data }) => !data.includes("\\'"));
}

/** What the called legs get by `export_function` of mod_dptools.c: the value begins behind the first equals sign. */
export function exportsOf(applications: readonly Application[]): Map<string, string> {
  const exports = new Map<string, string>();
  for (const { data } of applications.filter(({ name }) => name === 'export')) {
    const [name, value] = [data.slice(0, data.indexOf('=')), data.slice(data.indexOf('=') + 1)];
    if (!name.startsWith('nolocal:')) throw new Error(`set on the caller leg as well: ${name}`);
    exports.set(name.slice('nolocal:'.length), value);
  }
  return exports;
}
