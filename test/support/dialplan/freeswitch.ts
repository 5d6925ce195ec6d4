import type { Application } from '#libs/dialplan/settings.ts';

/** How FreeSWITCH reads what an agent writes, after its source: the counterpart of our writing, for tests. */

/** `read_packet` of mod_event_socket.c: a packet ends at an empty line; line ends in front of one are skipped. */
export function packetsOf(stream: string): string[] {
  const packets: string[] = [];
  for (let rest = stream.replace(/^[\r\n]+/, ''); rest !== ''; rest = rest.replace(/^[\r\n]+/, '')) {
    const end = /\n\r*\n/.exec(rest);
    if (!end) throw new Error(`an unfinished packet: ${rest}`);
    packets.push(rest.slice(0, end.index));
    rest = rest.slice(end.index + end[0].length);
  }
  return packets;
}

/** The same: the first line is the command; the others are split at their first colon. */
export function readPacket(packet: string): { command: string; headers: [string, string][] } {
  const [command = '', ...lines] = packet.split(/[\r\n]+/);
  const headers = lines
    .filter((line) => line.includes(':'))
    .map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).replace(/^ +/, '')];
    });
  return { command, headers };
}

/**
 * `xferext` of switch_ivr.c: the name ends at the first space. switch_caller_extension_add_application leaves out an
 * application whose data holds a backslash before a quote.
 */
export const applicationsOf = (packet: string): Application[] =>
  readPacket(packet)
    .headers.filter(([name]) => name === 'application')
    .map(([, value]) => {
      const space = value.indexOf(' ');
      return space < 0
        ? { name: value, data: '' }
        : { name: value.slice(0, space), data: value.slice(space + 1) };
    })
    .filter(({ data }) => !data.includes("\\'"));

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
