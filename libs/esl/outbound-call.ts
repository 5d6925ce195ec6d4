import type { EventSocket, Reply } from './event-socket.ts';
import type { Headers } from './frames.ts';
import { oneLine } from './text.ts';

/** FreeSWITCH cuts the reply to `getvar` at this length (`reply` of listener_run in mod_event_socket.c). */
export const MAX_VARIABLE_BYTES = 511;

/** Applications that only set variables. */
const SETTING = new Set(['set', 'multiset', 'unset', 'export']);

/** The applications that a call was released with, in order, and when. */
export interface Released {
  readonly applications: readonly string[];
  readonly time: Date;
}

/** A dialplan application and its data. FreeSWITCH expands variables in the data. */
export interface Application {
  readonly name: string;
  readonly data: string;
}

/**
 * One call on which FreeSWITCH runs its `socket` application (without `async` and `full`). FreeSWITCH waits for it
 * until `runAndRelease`, `setAndRelease` or the end of the connection.
 */
export class OutboundCall {
  /** The channel data of `connect` as they arrived: one character for each byte, not decoded. */
  readonly raw: Headers;
  /** Aborted when the caller hangs up or the connection is lost. */
  readonly gone: AbortSignal;
  readonly #socket: EventSocket;
  readonly #readAhead: ReadonlyMap<string, string>;
  #data: Headers;
  #tag: ((data: Headers) => Application | undefined) | undefined;
  #released: Released | undefined;

  constructor(
    { headers, raw }: Pick<Reply, 'headers' | 'raw'>,
    gone: AbortSignal,
    socket: EventSocket,
    readAhead: ReadonlyMap<string, string> = new Map(),
    tag?: (data: Headers) => Application | undefined,
  ) {
    this.#data = headers;
    this.raw = raw;
    this.gone = gone;
    this.#socket = socket;
    this.#readAhead = readAhead;
    this.#tag = tag;
  }

  /** The channel data of `connect`, by header, with later corrections. */
  get data(): Headers {
    return this.#data;
  }

  /** Replaces headers of the channel data whose values have been read again. Call before the channel is tagged. */
  correct(headers: Headers): void {
    if (Object.keys(headers).length > 0) this.#data = { ...this.#data, ...headers };
  }

  /** undefined until the call is released. */
  get released(): Released | undefined {
    return this.#released;
  }

  /**
   * Runs one application now. FreeSWITCH expands its data: never pass text from a caller or an endpoint. The data are the
   * body of the command: FreeSWITCH reads a header byte by byte, 1.7 µs each, and a body at once (read_packet in
   * mod_event_socket.c).
   */
  execute(application: string, data: string): Promise<Reply> {
    const headers = [
      ['call-command', 'execute'],
      ['execute-app-name', application],
      ['content-type', 'text/plain'],
    ] as const;
    return this.#socket.sendMessage(headers, data);
  }

  /** Tags the channel, unless it was tagged before. Releasing a call tags it too. */
  tag(): void {
    const tag = this.#tag?.(this.#data);
    this.#tag = undefined;
    if (tag) this.execute(tag.name, tag.data).catch(() => {});
  }

  /** The channel is not tagged, not even when the call is released. */
  leaveUntagged(): void {
    this.#tag = undefined;
  }

  /** A channel variable, cut by FreeSWITCH at MAX_VARIABLE_BYTES; empty when it is not set. */
  async getVariable(name: string): Promise<Buffer> {
    const raw = this.#readAhead.get(name) ?? (await this.#socket.getVariables([name])).at(-1) ?? '';
    return Buffer.from(raw, 'latin1');
  }

  /** Several channel variables with one round trip, see `EventSocket.getVariables`. */
  getVariables(names: readonly string[]): Promise<readonly string[]> {
    return this.#socket.getVariables(names);
  }

  /**
   * Runs the settings that `applications` begin with, gives the call the others as its new extension, and releases it, in
   * one write. From then on it runs inside FreeSWITCH and does not depend on this process.
   * @throws {UnsafeValueError} when one holds a line end; then nothing is sent and the call is not released.
   */
  async runAndRelease(applications: readonly Application[]): Promise<void> {
    const lines = applications.map(({ name, data }) =>
      oneLine(data === '' ? name : `${name} ${data}`, 'application'),
    );
    this.#released = { applications: lines, time: new Date() };
    const firstOther = Math.max(
      0,
      applications.findIndex(({ name }) => !SETTING.has(name)),
    );
    const extension = lines.slice(firstOther).map((line) => ['application', line] as const);
    await this.#socket.together(() => {
      this.tag();
      const replies = applications.slice(0, firstOther).map(({ name, data }) => this.execute(name, data));
      const accepted = this.#socket.sendMessage([['call-command', 'xferext'], ...extension]);
      this.#exit();
      return Promise.all([...replies, accepted]);
    });
  }

  /**
   * Sets `variables` on the channel and `exported` on the legs that the dialplan will call, and releases the call: the
   * dialplan continues with its next action.
   * @throws {UnsafeValueError} when one holds a line end; then nothing is sent and the call is not released.
   */
  async setAndRelease(
    variables: Readonly<Record<string, string>>,
    exported: Readonly<Record<string, string>>,
  ): Promise<void> {
    const applications = [
      ...Object.entries(variables).map(([name, value]) => ['set', `${name}=${value}`] as const),
      ...Object.entries(exported).map(([name, value]) => ['export', `nolocal:${name}=${value}`] as const),
    ];
    for (const [name, data] of applications) oneLine(data, name);
    this.#released = {
      applications: applications.map(([name, data]) => `${name} ${data}`),
      time: new Date(),
    };
    await this.#socket.together(() => {
      this.tag();
      const replies = applications.map(([name, data]) => this.execute(name, data));
      this.#exit();
      return Promise.all(replies);
    });
  }

  /** Its reply is not awaited: FreeSWITCH may close the connection first. */
  #exit(): void {
    this.#socket.send('exit').catch(() => {});
  }
}
