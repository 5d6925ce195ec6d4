import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { CommandReader, commandHeader } from '#libs/simulator/event-socket/command-reader.ts';
import { encodeIdentity } from '#services/agent/call/identity.ts';

/**
 * The cheapest stand-in for a FreeSWITCH node: one `socket` connection per call and an event socket. It sends the bytes of
 * test/support/recordings/answered with other uuids.
 */

const RECORDING = join(import.meta.dirname, '../support/recordings/answered');
const CALLER = 'e6ffd4ce-54f4-4cc9-8edf-ad14634e844f';
const CALLED = '14ae4809-070e-4595-a87d-75d0d055a185';
const OK = 'Content-Type: command/reply\nReply-Text: +OK\n\n';
const BYE = 'Content-Type: command/reply\nReply-Text: +OK bye\n\n';
const NOTICE =
  'Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 67\n\nDisconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';

const read = (file: string): string => readFileSync(join(RECORDING, file), 'utf8');
/** Of the recording. The name is one that the agent reads again. */
const CORE_UUID = /^Core-UUID: (.*)$/m.exec(read('outbound.from-freeswitch'))?.[1] ?? '';
const CALLER_NAME = `张三 O'Brien 100%`;
const CALLER_IDENTITY = encodeIdentity({
  caller_id_number: '13800138000',
  caller_id_name: CALLER_NAME,
  destination_number: '0555',
  started: 1_795_458_426_595,
});
const reply = (text: string): string => `Content-Type: command/reply\nReply-Text: ${text}\n\n`;

export type EventName = 'ring' | 'progress' | 'answer' | 'leg_end' | 'hangup';

const EVENTS: Readonly<Record<EventName, readonly [name: string, leg: string]>> = {
  ring: ['CHANNEL_PROGRESS', CALLED],
  progress: ['CHANNEL_PROGRESS_MEDIA', CALLED],
  answer: ['CHANNEL_ANSWER', CALLED],
  leg_end: ['CHANNEL_HANGUP_COMPLETE', CALLED],
  hangup: ['CHANNEL_HANGUP_COMPLETE', CALLER],
};

/** The recorded events as JSON with this cti_bridge, by the notification that they lead to. */
function recordedEvents(ctiBridge: string): Record<EventName, string> {
  const lines = read('inbound.from-freeswitch')
    .split('\n')
    .filter((line) => line.startsWith('{"Event-Name"'))
    .map((line) => line.slice(0, line.lastIndexOf('}') + 1));
  const one = ([name, leg]: readonly [string, string]) => {
    const line = lines.find(
      (text) => text.startsWith(`{"Event-Name":"${name}"`) && text.includes(`"Unique-ID":"${leg}"`),
    );
    if (line === undefined) throw new Error(`no ${name} in the recording`);
    // The recorded agent did not tag calls with their identity, nor export cti_bridge to called legs.
    return JSON.stringify({
      ...JSON.parse(line),
      variable_cti_bridge: ctiBridge,
      variable_dialhook_caller: CALLER_IDENTITY,
    });
  };
  return {
    ring: one(EVENTS.ring),
    progress: one(EVENTS.progress),
    answer: one(EVENTS.answer),
    leg_end: one(EVENTS.leg_end),
    hangup: one(EVENTS.hangup),
  };
}

const channelData = (ctiBridge: string): string =>
  `${read('outbound.from-freeswitch').split('\n\n', 1)[0]}\n\n`.replace(
    /variable_cti_bridge: .*/,
    `variable_cti_bridge: ${ctiBridge.replaceAll(':', '%3A').replaceAll(' ', '%20')}`,
  );

/** The uuids of a call and of its called leg. */
export interface BenchCall {
  readonly uuid: string;
  readonly leg: string;
}

export const newCall = (): BenchCall => ({ uuid: randomUUID(), leg: randomUUID() });

export class BenchNode {
  /** SOCKET_PORT of the agent. */
  agentPort = 0;
  readonly #ctiBridge: string;
  readonly #channelData: string;
  readonly #events: Readonly<Record<EventName, string>>;
  readonly #listeners = new Set<Socket>();
  readonly #server: Server;

  private constructor(url: string) {
    this.#ctiBridge = `${url} 3000 3000 1`;
    this.#channelData = channelData(this.#ctiBridge);
    this.#events = recordedEvents(this.#ctiBridge);
    this.#server = createServer((socket) => this.#listener(socket));
  }

  /** Starts a node whose calls use this endpoint. */
  static async start(url: string): Promise<BenchNode> {
    const node = new BenchNode(url);
    node.#server.listen(0, '127.0.0.1');
    await once(node.#server, 'listening');
    return node;
  }

  get eventPort(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#listeners) socket.destroy();
    this.#server.close();
  }

  /** Connects a call to the agent or to `port`. Returns the ms until the decision is complete; undefined without a decision. */
  decide({ uuid }: BenchCall, port = this.agentPort): Promise<number | undefined> {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    const started = performance.now();
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const reader = new CommandReader();
    let extension = false;
    socket.on('data', (chunk: Buffer) => {
      let out = '';
      for (const command of reader.push(chunk)) {
        if (command.line === 'exit') {
          resolve(extension ? performance.now() - started : undefined);
          socket.end(out + BYE + NOTICE);
          return;
        }
        if (commandHeader(command, 'call-command') === 'xferext') extension = true;
        out += this.#answer(command.line, uuid);
      }
      if (out !== '') socket.write(out);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(undefined));
    return promise;
  }

  /** An event as the event socket sends it. */
  event({ uuid, leg }: BenchCall, name: EventName): string {
    const body = this.#events[name].replaceAll(CALLER, uuid).replaceAll(CALLED, leg);
    return `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-json\n\n${body}`;
  }

  /** Sends events to every connected agent. */
  emit(call: BenchCall, ...names: readonly EventName[]): void {
    this.write(names.map((name) => this.event(call, name)).join(''));
  }

  write(bytes: string | Buffer): void {
    for (const socket of this.#listeners) socket.write(bytes);
  }

  #answer(command: string, uuid: string): string {
    if (command === 'connect') return this.#channelData.replaceAll(CALLER, uuid);
    if (command === 'noop') return '';
    if (command === 'getvar cti_bridge') return reply(this.#ctiBridge);
    if (command === 'getvar core_uuid') return reply(CORE_UUID);
    if (command.startsWith('getvar ')) return reply(CALLER_NAME);
    return OK;
  }

  #listener(socket: Socket): void {
    let rest = '';
    socket.setEncoding('latin1').write('Content-Type: auth/request\n\n');
    socket.on('error', () => {});
    socket.on('close', () => this.#listeners.delete(socket));
    socket.on('data', (chunk: unknown) => {
      const commands = (rest + String(chunk)).split('\n\n');
      rest = commands.pop() ?? '';
      for (const command of commands) {
        if (command.startsWith('filter ')) this.#listeners.add(socket);
        const api = 'Content-Type: api/response\nContent-Length: 4\n\ntrue';
        socket.write(command.startsWith('api ') ? api : OK);
      }
    });
  }
}
