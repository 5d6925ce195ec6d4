import type { Bus } from '#libs/bus/connection.ts';
import { serveControl } from '#libs/bus/control.ts';
import { isDerivedId } from '#libs/contract/call-id.ts';
import type { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { CommandError } from '#libs/esl/event-socket.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { uuidGetvar, uuidKill, uuidTransfer } from './channel-commands.ts';

/** FreeSWITCH's cause for calls that an operator ends. */
const CAUSE = 'MANAGER_REQUEST';

const refused = (error: string): ControlReply => ({ v: 1, ok: false, error });

/**
 * The api command for a request. Safe: ControlRequest allows no space and no leading dash in any value.
 * @param channel FreeSWITCH's uuid of the caller leg.
 */
export function controlCommand(request: ControlRequest, channel: string): string {
  if (request.do === 'hangup') return uuidKill(channel, CAUSE);
  return uuidTransfer(channel, request.destination, request.context);
}

function refusal(error: Error): string {
  if (!(error instanceof CommandError)) return error.message;
  if (error.message.includes('No such channel')) return 'the call has ended: FreeSWITCH no longer has it';
  if (error.message.includes('permission denied'))
    return 'FREESWITCH_USER is not allowed to run uuid_getvar, uuid_kill and uuid_transfer';
  return `FreeSWITCH refused the command: ${error.message}`;
}

export interface CallControlOptions {
  readonly enabled: boolean;
  readonly bus: Bus;
  /** Runs an api command of FreeSWITCH. */
  readonly api: (command: string) => Promise<string>;
  readonly nodeName: string | undefined;
  /** FreeSWITCH's uuid of the caller leg of a live call of the node whose id is derived from it. */
  readonly channelOf: (node: string, id: string) => Promise<string | undefined>;
  readonly log: Log;
  readonly aside: SetAside;
}

/** Hangs up and transfers live calls of this node for operators. Serves requests while the event socket is up. */
export class CallControl {
  readonly #options: CallControlOptions;
  #stopServing: (() => Promise<void>) | undefined;
  /** Incremented by start and stop. A start that waited for FreeSWITCH stops when it has changed meanwhile. */
  #generation = 0;

  constructor(options: CallControlOptions) {
    this.#options = options;
  }

  start(): void {
    const { enabled, log } = this.#options;
    if (enabled) this.#start().catch((err: Error) => log.warn('control.start_failed', { err }));
  }

  stop(): void {
    this.#generation++;
    this.#stopServing?.().catch(() => {});
    this.#stopServing = undefined;
  }

  async #start(): Promise<void> {
    const generation = ++this.#generation;
    const { bus, api, nodeName, log, aside } = this.#options;
    const node = nodeName ?? (await api('switchname')).trim();
    if (generation !== this.#generation || this.#stopServing !== undefined) return;
    this.#stopServing = serveControl(bus, node, log, aside, (request) => this.#carryOut(node, request));
  }

  async #carryOut(node: string, request: ControlRequest): Promise<ControlReply> {
    const { log } = this.#options;
    const reply = await this.#try(node, request).catch((error: Error) => refused(refusal(error)));
    const { do: what, uuid, by } = request;
    const to = request.do === 'transfer' ? { to: request.destination, context: request.context } : {};
    log.info('call.control', {
      audit: true,
      what,
      who: by,
      call: uuid,
      ...to,
      result: reply.ok ? 'ok' : reply.error,
    });
    return reply;
  }

  async #try(node: string, request: ControlRequest): Promise<ControlReply> {
    const { api, channelOf } = this.#options;
    const channel = isDerivedId(request.uuid) ? await channelOf(node, request.uuid) : request.uuid;
    if (channel === undefined)
      return refused(
        'the uuid of this call in FreeSWITCH is not known: the call has ended, or its notify type is 0',
      );
    const tag = await api(uuidGetvar(channel, CALL_VARIABLE));
    if (tag.trim() !== request.uuid) return refused('not the caller leg of a call of Dialhook');
    await api(controlCommand(request, channel));
    return { v: 1, ok: true };
  }
}
