import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import { profileHeaders } from '#libs/simulator/switch/caller-profile.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { serialize } from '#libs/simulator/switch/switch-event.ts';
import { runApi } from './api.ts';
import { runMessage } from './call-command.ts';
import { type Command, commandHeader } from './command-reader.ts';
import type { Subscription } from './subscription.ts';

/** The response to a command: a Reply-Text, or a whole frame. */
export type Response = { readonly reply: string } | { readonly frame: string };

/** The part of a connection that commands use. */
export interface Connection {
  readonly node: Node;
  /** The call that an outbound connection controls; undefined for an inbound connection. */
  readonly thread: CallThread | undefined;
  readonly subscription: Subscription;
  authenticated: boolean;
  /** esl-allowed-api of the user; undefined without a limit. */
  allowedApi: ReadonlySet<string> | undefined;
  /** Closes the connection when the running command has been answered. */
  stopRunning(): void;
}

const NOT_FOUND: Response = { reply: '-ERR command not found' };

/** Runs one command. The order of the checks is that of parse_command in mod_event_socket.c. */
export async function runCommand(connection: Connection, command: Command): Promise<Response> {
  const { line } = command;
  const { thread } = connection;
  if (begins(line, 'exit')) {
    connection.stopRunning();
    return { reply: '+OK bye' };
  }
  if (!connection.authenticated) return logIn(connection, line);
  if (begins(line, 'filter ')) return { reply: connection.subscription.filter(line) };
  if (thread !== undefined && begins(line, 'connect')) return { frame: channelData(thread) };
  if (thread !== undefined && begins(line, 'getvar')) return getvar(thread, line);
  if (begins(line, 'sendmsg')) return { reply: await sendMessage(connection, command) };
  if (thread !== undefined) return NOT_FOUND;
  if (begins(line, 'api ')) return api(connection, line.slice(4));
  if (begins(line, 'event')) return { reply: connection.subscription.event(line) };
  return NOT_FOUND;
}

const begins = (line: string, command: string): boolean =>
  line.slice(0, command.length).toLowerCase() === command;

function logIn(connection: Connection, line: string): Response {
  if (begins(line, 'auth '))
    return line.slice(5) === connection.node.password
      ? accept(connection, '+OK accepted')
      : refuse(connection);
  if (begins(line, 'userauth ')) return logInUser(connection, line.slice(9));
  return NOT_FOUND;
}

function logInUser(connection: Connection, credentials: string): Response {
  const [, user, domain, password] = /^([^@]*)@([^:]*)(?::(.*))?$/.exec(credentials) ?? [];
  const found = connection.node.users.find((one) => one.user === user && one.domain === domain);
  if (found === undefined || password === undefined || password === '' || found.password !== password)
    return refuse(connection);
  const { allowedEvents, allowedApi } = found;
  if (allowedEvents !== undefined)
    connection.subscription.allowed = new Set(allowedEvents.map((name) => name.toUpperCase()));
  if (allowedApi !== undefined) connection.allowedApi = new Set(allowedApi);
  return accept(
    connection,
    `~Reply-Text: +OK accepted\nAllowed-Events: ${allowedEvents?.join(' ') ?? 'all'}\n` +
      `Allowed-API: ${allowedApi?.join(' ') ?? 'all'}\nAllowed-LOG: true\n\n`,
  );
}

function accept(connection: Connection, reply: string): Response {
  connection.authenticated = true;
  return { reply };
}

function refuse(connection: Connection): Response {
  connection.stopRunning();
  return { reply: '-ERR invalid' };
}

function getvar({ leg: { channel } }: CallThread, line: string): Response {
  const value = line.includes(' ') ? channel.get(line.slice(line.indexOf(' ') + 1)) : undefined;
  return value === undefined || value === '' ? NOT_FOUND : { reply: value };
}

/** The answer to `connect`. */
function channelData({ node, leg: { channel } }: CallThread): string {
  return serialize([
    ...node.core.eventHeaders('CHANNEL_DATA'),
    ...profileHeaders(channel.profile, 'Channel'),
    ...channel.headers(),
    ['Content-Type', 'command/reply'],
    ['Reply-Text', '+OK\n'],
    ['Socket-Mode', 'static'],
    ['Control', 'single-channel'],
  ]);
}

/** A message to the call that the connection controls runs at once. To other calls only `hangup` is simulated. */
async function sendMessage({ node, thread }: Connection, command: Command): Promise<string> {
  const named = command.line.slice(7).trim() || (commandHeader(command, 'session-id') ?? '');
  if (thread !== undefined && (named === '' || named === thread.leg.channel.uuid)) {
    await runMessage(thread, command);
    return '+OK';
  }
  const channel = node.core.channels.get(named);
  if (channel === undefined || !channel.up) return `-ERR invalid session id [${named}]`;
  if (commandHeader(command, 'call-command') === 'hangup')
    channel.hangup(commandHeader(command, 'hangup-cause') ?? 'NORMAL_CLEARING');
  return '+OK';
}

function api({ node, allowedApi }: Connection, command: string): Response {
  const name = command.split(' ', 1)[0] ?? '';
  if (allowedApi !== undefined && !allowedApi.has(name)) return { reply: '-ERR permission denied' };
  const text = runApi(node, command);
  return { frame: `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(text)}\n\n${text}` };
}
