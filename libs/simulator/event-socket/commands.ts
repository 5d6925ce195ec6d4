import { profileHeaders } from '#libs/simulator/switch/caller-profile.ts';
import { ORIGINS } from '#libs/simulator/switch/event-origins.ts';
import { serialize } from '#libs/simulator/switch/switch-event.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { runApi } from './api.ts';
import { runMessage } from './call-command.ts';
import { type Command, commandHeader } from './command-reader.ts';
import type { Answer, Listener } from './listener.ts';

const NOT_FOUND: Answer = { reply: '-ERR command not found' };

/** Carries out one command in the order in which parse_command of mod_event_socket looks at it. */
export async function runCommand(listener: Listener, command: Command): Promise<Answer> {
  const { line } = command;
  if (begins(line, 'exit') || begins(line, '...')) {
    listener.stopRunning();
    return { reply: '+OK bye' };
  }
  if (!listener.authenticated) return logIn(listener, line);
  if (begins(line, 'filter ')) return { reply: listener.subscription.filter(line) };
  if (listener.session !== undefined) {
    const answer = runSessionCommand(listener, line);
    if (answer !== undefined) return answer;
  }
  if (begins(line, 'divert_events')) return { reply: divertEvents(listener, line) };
  if (begins(line, 'sendmsg')) return { reply: await sendMessage(listener, command) };
  if (listener.session !== undefined && !listener.session.full) return NOT_FOUND;
  if (begins(line, 'api ')) return runPermitted(listener, line.slice(4), (api) => apiAnswer(listener, api));
  if (begins(line, 'bgapi ')) return runPermitted(listener, line.slice(6), (api) => startJob(listener, api));
  if (begins(line, 'event')) return { reply: listener.subscription.event(line) };
  if (begins(line, 'nixevent')) return { reply: listener.subscription.nixEvent(line) };
  if (begins(line, 'noevents')) return { reply: listener.subscription.noEvents() };
  return NOT_FOUND;
}

const begins = (line: string, command: string): boolean =>
  line.slice(0, command.length).toLowerCase() === command;

function logIn(listener: Listener, line: string): Answer {
  if (begins(line, 'auth ')) {
    return line.slice(5) === listener.node.password ? accept(listener, '+OK accepted') : refuse(listener);
  }
  if (begins(line, 'userauth ')) return logInUser(listener, line.slice(9));
  return NOT_FOUND;
}

function logInUser(listener: Listener, credentials: string): Answer {
  const [, user, domain, password] = /^([^@]*)@([^:]*)(?::(.*))?$/.exec(credentials) ?? [];
  const found = listener.node.users.find((one) => one.user === user && one.domain === domain);
  if (found === undefined || password === undefined || password === '' || found.password !== password) {
    return refuse(listener);
  }
  if (found.allowedEvents !== undefined) {
    listener.subscription.allowed = new Set(found.allowedEvents.map((name) => name.toUpperCase()));
  }
  if (found.allowedApi !== undefined) listener.allowedApi = new Set(found.allowedApi);
  return accept(
    listener,
    `~Reply-Text: +OK accepted\nAllowed-Events: ${found.allowedEvents?.join(' ') ?? 'all'}\n` +
      `Allowed-API: ${found.allowedApi?.join(' ') ?? 'all'}\nAllowed-LOG: true\n\n`,
  );
}

function accept(listener: Listener, reply: string): Answer {
  listener.authenticated = true;
  return { reply };
}

function refuse(listener: Listener): Answer {
  listener.stopRunning();
  return { reply: '-ERR invalid' };
}

/** What only a connection that steers a call understands; undefined for any other command. */
function runSessionCommand(listener: Listener, line: string): Answer {
  const channel = listener.session?.thread.caller.channel;
  if (channel === undefined) return undefined;
  if (begins(line, 'resume')) {
    channel.set('socket_resume', 'true');
    return { reply: '+OK' };
  }
  if (begins(line, 'connect')) return { bytes: channelData(listener) };
  if (begins(line, 'getvar')) {
    const value = line.includes(' ') ? channel.get(line.slice(line.indexOf(' ') + 1)) : undefined;
    return value === undefined || value === '' ? NOT_FOUND : { reply: value };
  }
  if (begins(line, 'myevents')) return { reply: listener.subscription.myEvents(channel.uuid, line) };
  return undefined;
}

/** There are no events of other kinds to divert: only the reply. */
function divertEvents(listener: Listener, line: string): string {
  if (listener.session === undefined) return '-ERR not controlling a session.';
  const value = line.split(' ')[1];
  if (value === undefined) return '-ERR missing value.';
  return isTrue(value) ? '+OK events diverted' : '+OK events not diverted';
}

function channelData(listener: Listener): string {
  const channel = listener.session?.thread.caller.channel;
  if (channel === undefined) return '';
  return serialize([
    ...channel.core.eventHeaders('CHANNEL_DATA', ORIGINS.CHANNEL_DATA),
    ...profileHeaders(channel.profile, 'Channel'),
    ...channel.headers(),
    ['Content-Type', 'command/reply'],
    ['Reply-Text', '+OK\n'],
    ['Socket-Mode', 'static'],
    ['Control', listener.session?.full === true ? 'full' : 'single-channel'],
  ]);
}

/** To the call it steers, a connection's message is carried out at once; to any other, whenever that gets to it. */
async function sendMessage(listener: Listener, command: Command): Promise<string> {
  const named = command.line.slice(7).trim() || (commandHeader(command, 'session-id') ?? '');
  const own = listener.session?.thread;
  if (own !== undefined && (named === '' || named === own.caller.channel.uuid)) {
    await runMessage(own, command);
    return '+OK';
  }
  const channel = named === '' ? undefined : listener.node.core.channels.get(named);
  if (channel === undefined || !channel.up) return `-ERR invalid session id [${named}]`;
  if (commandHeader(command, 'call-command') === 'hangup') {
    channel.hangup(commandHeader(command, 'hangup-cause') ?? 'NORMAL_CLEARING');
  }
  return '+OK';
}

function runPermitted(listener: Listener, api: string, run: (api: string) => Answer): Answer {
  const name = api.split(' ', 1)[0] ?? '';
  const permitted = listener.allowedApi === undefined || listener.allowedApi.has(name);
  return permitted ? run(api) : { reply: '-ERR permission denied' };
}

function apiAnswer(listener: Listener, api: string): Answer {
  const text = runApi(listener.node, api);
  return { bytes: `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(text)}\n\n${text}` };
}

function startJob(listener: Listener, api: string): Answer {
  const { core } = listener.node;
  const job = core.random.uuid();
  const [name = '', ...args] = api.split(' ');
  core.clock.after(0, () => {
    const headers: [string, string][] = [
      ['Job-UUID', job],
      ['Job-Command', name],
      ['Job-Command-Arg', args.join(' ')],
    ];
    core.fire('BACKGROUND_JOB', ORIGINS.BACKGROUND_JOB, () => headers, runApi(listener.node, api));
  });
  return { reply: `~Reply-Text: +OK Job-UUID: ${job}\nJob-UUID: ${job}\n\n` };
}
