import type { Channel } from '#libs/simulator/switch/channel.ts';
import { parseCause } from '#libs/simulator/switch/hangup-cause.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { separate } from '#libs/simulator/switch/switch-strings.ts';
import { uuidBridge } from '#libs/simulator/transfer/uuid-bridge.ts';

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
  const [uuid = '', destination, , context, ...rest] = separate(args, ' ');
  if (destination === undefined || rest.length > 1)
    return '-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n';
  const channel = channelOf(node, uuid);
  if (channel === undefined) return NO_CHANNEL;
  if (channel.transferTo === undefined) return '-ERR\n';
  channel.transferTo(destination, context);
  return '+OK\n';
}

function uuidBridgeCommand(node: Node, args: string): string {
  const [a, b] = args.split(' ').map((uuid) => channelOf(node, uuid));
  const bridged = a !== undefined && b !== undefined && uuidBridge(a, b);
  return bridged ? `+OK ${b.uuid}\n` : '-ERR Invalid uuid\n';
}

function uuidGetvar(node: Node, args: string): string {
  const [uuid = '', name] = separate(args, ' ');
  if (name === undefined) return '-USAGE: <uuid> <var>\n';
  const channel = channelOf(node, uuid);
  return channel === undefined ? NO_CHANNEL : (channel.get(name) ?? '_undef_');
}

function show(node: Node, args: string): string {
  const rows = [...node.core.channels.values()].map(row);
  if (args === 'channels' || args === 'calls') return table(rows);
  if (args !== 'channels as json') return '-USAGE: channels [as json]|calls\n';
  return rows.length === 0 ? '{"row_count": 0}\n' : JSON.stringify({ row_count: rows.length, rows });
}

const table = (rows: readonly Record<string, string>[]): string =>
  [...rows.map((one) => Object.values(one).join()), '', `${rows.length} total.`, ''].join('\n');

function row(channel: Channel): Record<string, string> {
  const { profile } = channel;
  return {
    uuid: channel.uuid,
    direction: profile.direction,
    created_epoch: String(Math.floor(profile.times.created / 1_000_000)),
    name: profile.channelName,
    state: channel.state,
    cid_name: profile.callerIdName,
    cid_num: profile.callerIdNumber,
    ip_addr: profile.networkAddress,
    dest: profile.destinationNumber,
    application: channel.lastApplication?.name ?? '',
    application_data: channel.lastApplication?.data ?? '',
    context: profile.context,
    call_uuid: channel.variables.get('call_uuid') ?? '',
  };
}

const COMMANDS: ReadonlyMap<string, ApiCommand> = new Map<string, ApiCommand>([
  ['show', show],
  ['switchname', (node) => node.core.name],
  ['sofia_contact', (node, args) => node.registrations.sofiaContact(args)],
  // FreeSWITCH answers in the unit that the argument names; the agent asks for milliseconds.
  ['uptime', (node) => String(Math.round(node.core.clock.now() - node.core.started))],
  ['uuid_bridge', uuidBridgeCommand],
  ['uuid_exists', (node, args) => String(channelOf(node, args) !== undefined)],
  ['uuid_getvar', uuidGetvar],
  ['uuid_kill', uuidKill],
  ['uuid_transfer', uuidTransfer],
]);

/** Runs an API command and returns its output. */
export function runApi(node: Node, command: string): string {
  const [name = '', ...args] = command.split(' ');
  const run = COMMANDS.get(name.toLowerCase());
  if (run === undefined) return `-ERR ${name} Command not found!\n`;
  return run(node, args.join(' ')) || '-ERR no reply\n';
}
