import type { Channel } from '#libs/simulator/switch/channel.ts';
import { parseCause } from '#libs/simulator/switch/hangup-cause.ts';
import type { Node } from '#libs/simulator/switch/node.ts';

type ApiCommand = (node: Node, args: string) => string;

const NO_CHANNEL = '-ERR No such channel!\n';

const channelOf = (node: Node, uuid: string): Channel | undefined => {
  const channel = node.core.channels.get(uuid);
  return channel?.up ? channel : undefined;
};

function uuidKill(node: Node, args: string): string {
  if (args === '') return '-USAGE: <uuid> [cause]\n';
  const [uuid = '', cause] = args.split(' ');
  const channel = channelOf(node, uuid);
  if (channel === undefined) return NO_CHANNEL;
  channel.hangup(parseCause(cause));
  return '+OK\n';
}

function uuidTransfer(node: Node, args: string): string {
  const [uuid = '', destination, , context, ...rest] = args.split(' ');
  if (destination === undefined || rest.length > 1)
    return '-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n';
  const channel = channelOf(node, uuid);
  if (channel === undefined) return NO_CHANNEL;
  if (channel.transferTo === undefined) return '-ERR\n';
  channel.transferTo(destination, context);
  return '+OK\n';
}

function uuidGetvar(node: Node, args: string): string {
  const [uuid = '', name] = args.split(' ');
  if (name === undefined) return '-USAGE: <uuid> <var>\n';
  const channel = channelOf(node, uuid);
  return channel === undefined ? NO_CHANNEL : (channel.get(name) ?? '_undef_');
}

function uuidSetvar(node: Node, args: string): string {
  const [uuid = '', name, ...value] = args.split(' ');
  if (name === undefined) return '-USAGE: <uuid> <var> [value]\n';
  const channel = channelOf(node, uuid);
  if (channel === undefined) return NO_CHANNEL;
  channel.set(name, value.join(' '));
  return '+OK\n';
}

function status(node: Node): string {
  const { core } = node;
  const up = core.clock.now() - core.startedAt;
  const parts: [number, string][] = [
    [0, 'year'],
    [Math.floor(up / 86_400_000), 'day'],
    [Math.floor(up / 3_600_000) % 24, 'hour'],
    [Math.floor(up / 60_000) % 60, 'minute'],
    [Math.floor(up / 1000) % 60, 'second'],
    [Math.floor(up) % 1000, 'millisecond'],
    [Math.floor(up * 1000) % 1000, 'microsecond'],
  ];
  const duration = parts.map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`).join(', ');
  return [
    `UP ${duration}`,
    'FreeSWITCH (Version 1.11.3-dev 64bit) is ready',
    `${core.sessionsSinceStart} session(s) since startup`,
    `${core.channels.size} session(s) - peak ${core.channels.size}, last 5min ${core.channels.size} `,
    '0 session(s) per Sec out of max 3000, peak 0, last 5min 0 ',
    '10000 session(s) max',
    'min idle cpu 0.00/99.00',
    'Current Stack Size/Max 240K/8192K',
    '',
  ].join('\n');
}

function showChannels(node: Node): string {
  const rows = [...node.core.channels.values()].map((channel) => row(node, channel));
  return rows.length === 0 ? '{"row_count": 0}\n' : JSON.stringify({ row_count: rows.length, rows });
}

function row(node: Node, channel: Channel): Record<string, string> {
  const { profile } = channel;
  const created = new Date(profile.times.created / 1000);
  const name = profile.callerIdName;
  const number = profile.callerIdNumber;
  return {
    uuid: channel.uuid,
    direction: profile.direction,
    created: created.toISOString().slice(0, 19).replace('T', ' '),
    created_epoch: String(Math.floor(created.getTime() / 1000)),
    name: profile.channelName,
    state: channel.state,
    cid_name: name,
    cid_num: number,
    ip_addr: profile.networkAddress,
    dest: profile.destinationNumber,
    application: channel.lastApplication?.name ?? '',
    application_data: channel.lastApplication?.data ?? '',
    dialplan: 'XML',
    context: profile.context,
    read_codec: 'PCMU',
    read_rate: '8000',
    read_bit_rate: '64000',
    write_codec: 'PCMU',
    write_rate: '8000',
    write_bit_rate: '64000',
    secure: '',
    hostname: node.core.name,
    presence_id: '',
    presence_data: '',
    accountcode: '',
    callstate: channel.callState,
    callee_name: profile.calleeIdName ?? '',
    callee_num: profile.calleeIdNumber ?? '',
    callee_direction: '',
    call_uuid: channel.variables.get('call_uuid') ?? '',
    sent_callee_name: channel.variables.get('last_sent_callee_id_name') ?? '',
    sent_callee_num: channel.variables.get('last_sent_callee_id_number') ?? '',
    initial_cid_name: name,
    initial_cid_num: number,
    initial_ip_addr: profile.networkAddress,
    initial_dest: profile.destinationNumber,
    initial_dialplan: 'XML',
    initial_context: profile.context,
  };
}

function show(node: Node, args: string): string {
  if (args === 'channels as json') return showChannels(node);
  if (args === 'channels count') return `\n${node.core.channels.size} total.\n`;
  return '-USAGE: channels as json|channels count\n';
}

const COMMANDS: ReadonlyMap<string, ApiCommand> = new Map<string, ApiCommand>([
  ['status', status],
  ['show', show],
  ['uuid_kill', uuidKill],
  ['uuid_transfer', uuidTransfer],
  ['uuid_exists', (node, args) => String(channelOf(node, args) !== undefined)],
  ['uuid_getvar', uuidGetvar],
  ['uuid_setvar', uuidSetvar],
  ['sofia_contact', (node, args) => node.registrations.sofiaContact(args)],
  ['global_getvar', (node, args) => node.core.globals.get(args) ?? ''],
  ['hostname', (node) => node.core.name],
  ['switchname', (node) => node.core.name],
  ['version', () => 'FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n'],
]);

/** What `api NAME ARGS` answers. */
export function runApi(node: Node, command: string): string {
  const [name = '', ...args] = command.split(' ');
  const run = COMMANDS.get(name.toLowerCase());
  if (run === undefined) return `-ERR ${name} Command not found!\n`;
  return run(node, args.join(' ')) || '-ERR no reply\n';
}
