import type { Application } from '#libs/dialplan/settings.ts';
import { decodeHeaders, rawHeaders } from '#libs/esl/frames.ts';
import { type Command, commandHeader } from '#libs/simulator/event-socket/command-reader.ts';
import { regexCommand } from '#libs/simulator/switch/regex.ts';
import { applicationsOf, commandsOf } from '#test/support/dialplan/freeswitch.ts';
import { channelData, OK, Peer, reply } from '#test/support/esl/peer.ts';

export interface CallScript {
  readonly uuid?: string;
  /** Channel variables. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Other headers of the channel data. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replies of sofia_contact, by user@domain. */
  readonly contacts?: Readonly<Record<string, string>>;
  /** Replies to packets instead of +OK. */
  readonly answers?: (packet: string) => string | undefined;
  /** The recorded reply to connect. */
  readonly connected?: Buffer;
  /** Sent after the reply to exit. */
  readonly goodbye?: string | Buffer;
}

const UUID = '0f5b9b2a-54f4-4cc9-8edf-ad14634e844f';
const CORE_UUID = '5b9d1a4e-2f4d-4b3c-8f60-0e7c0f9a1d22';
const GOODBYE = 'Content-Type: text/disconnect-notice\nContent-Length: 4\n\nbye\n';
const MAX_REPLY_BYTES = 511;

/** FreeSWITCH's end of a `socket` connection: executes the agent's commands as far as the agent can observe. */
export class FreeSwitchCall {
  readonly peer: Peer;
  readonly uuid: string;
  readonly variables: Map<string, string>;
  readonly #script: CallScript;
  readonly #done: Promise<void>;

  private constructor(peer: Peer, script: CallScript) {
    this.peer = peer;
    this.#script = script;
    const recorded = script.connected ? decodeHeaders(rawHeaders(script.connected)) : {};
    const inherited = Object.entries(recorded)
      .filter(([name]) => name.startsWith('variable_'))
      .map(([name, value]) => [name.slice('variable_'.length), value] as const);
    this.uuid = recorded['Unique-ID'] ?? script.uuid ?? UUID;
    const coreUuid = recorded['Core-UUID'] ?? CORE_UUID;
    this.variables = new Map([
      ...inherited,
      ['uuid', this.uuid],
      ['core_uuid', coreUuid],
      ['caller_id_name', recorded['Caller-Caller-ID-Name'] ?? ''],
      ...Object.entries(script.variables ?? {}),
    ]);
    this.#done = this.#run().catch(() => {});
  }

  static async place(port: number, script: CallScript = {}): Promise<FreeSwitchCall> {
    return new FreeSwitchCall(await Peer.dial(port), script);
  }

  /** Packets that act on the call: all except connect, the tag and reads. */
  get steering(): string[] {
    return this.peer.commands.filter(
      (packet) => !/^(?:noop|connect|getvar .*)$/.test(packet) && !packet.includes('dialhook_call='),
    );
  }

  /** The applications among them, in order. */
  get applications(): Application[] {
    return commandsOf(...this.steering).flatMap(applicationsOf);
  }

  /** Resolves when the agent has released the call, or the connection has ended. */
  async released(): Promise<this> {
    await this.#done;
    return this;
  }

  async #run(): Promise<void> {
    for (let first = true; ; first = false) {
      const packet = await this.peer.command();
      // FreeSWITCH does not answer the first command, unless it is `connect`.
      if (!first || packet === 'connect') this.peer.write(this.#answer(packet));
      if (packet !== 'exit') continue;
      this.peer.write(this.#script.goodbye ?? GOODBYE);
      this.peer.end();
      await this.peer.closed;
      return;
    }
  }

  #answer(packet: string): string | Buffer {
    const scripted = this.#script.answers?.(packet);
    if (scripted !== undefined) return scripted;
    if (packet === 'connect') return this.#script.connected ?? channelData(this.#channelData());
    if (packet === 'exit') return reply('+OK bye');
    if (packet.startsWith('getvar ')) return this.#getVariable(packet.slice('getvar '.length));
    for (const command of commandsOf(packet)) this.#execute(command);
    return OK;
  }

  #channelData(): Record<string, string> {
    const variables = [...this.variables].map(([name, value]) => [`variable_${name}`, value]);
    return {
      'Core-UUID': this.variables.get('core_uuid') ?? '',
      'Unique-ID': this.uuid,
      'Event-Date-Timestamp': '1795458426595100',
      'FreeSWITCH-Switchname': 'fs1',
      ...Object.fromEntries(variables),
      ...this.#script.headers,
    };
  }

  #getVariable(name: string): Buffer {
    const value = Buffer.from(this.variables.get(name) || '-ERR command not found').subarray(
      0,
      MAX_REPLY_BYTES,
    );
    return Buffer.concat([
      Buffer.from('Content-Type: command/reply\nReply-Text: '),
      value,
      Buffer.from('\n\n'),
    ]);
  }

  #execute(command: Command): void {
    const [name = '', value = ''] = command.body.split(/=(.*)/s);
    if (commandHeader(command, 'execute-app-name') === 'unset') this.variables.delete(name);
    else if (name !== '') this.variables.set(name.replace('nolocal:', ''), this.#expand(value));
  }

  #expand(value: string): string {
    return value
      .replaceAll(/\$\{(\w+)(?::(\d+):(\d+))?\}/g, (_, name, from = '0', length = '99999') => {
        const whole = Buffer.from(this.variables.get(name) ?? '');
        return whole.subarray(Number(from), Number(from) + Number(length)).toString();
      })
      .replaceAll(
        /\$\{sofia_contact\(\*\/([^)]*)\)\}/g,
        (_, at: string) => this.#script.contacts?.[at] ?? 'error/user_not_registered',
      )
      .replace(/\$\{regex\((.*)\)\}$/s, (_, args: string) => regexCommand(args));
  }
}
