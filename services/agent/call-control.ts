import type { Bus } from '#libs/bus/connection.ts';
import { serveControl } from '#libs/bus/control.ts';
import type { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { CommandError } from '#libs/esl/event-socket.ts';
import type { Log } from '#libs/telemetry/log.ts';

/** FreeSWITCH's own cause for a call that an operator has ended. */
const CAUSE = 'MANAGER_REQUEST';

const refused = (error: string): ControlReply => ({ v: 1, ok: false, error });

/** What FreeSWITCH is told. The schema of a request lets no space and no leading dash into any of its values. */
export function controlCommand(request: ControlRequest): string {
  if (request.do === 'hangup') return `uuid_kill ${request.uuid} ${CAUSE}`;
  const { uuid, destination, context } = request;
  // The dialplan is named: a channel's own may be `inline`, which takes an extension for a list of applications.
  return ['uuid_transfer', uuid, destination, 'XML', ...(context === undefined ? [] : [context])].join(' ');
}

function refusal(error: Error): string {
  if (!(error instanceof CommandError)) return error.message;
  if (error.message.includes('No such channel')) return 'FreeSWITCH has no such call: it has ended';
  if (error.message.includes('permission denied'))
    return "FreeSWITCH's directory user of the agent is not allowed uuid_getvar, uuid_kill and uuid_transfer";
  return `FreeSWITCH has refused: ${error.message}`;
}

export interface CallControlOptions {
  readonly on: boolean;
  readonly bus: Bus;
  /** Runs an api command of FreeSWITCH. */
  readonly api: (command: string) => Promise<string>;
  readonly nodeName: string | undefined;
  readonly log: Log;
}

/** Hangs up and transfers live calls of this node for operators, for as long as there is an event socket to do it by. */
export class CallControl {
  readonly #options: CallControlOptions;
  #end: (() => Promise<void>) | undefined;
  /** Grows with each begin and pause, so that one overtaken by the other does nothing. */
  #turn = 0;

  constructor(options: CallControlOptions) {
    this.#options = options;
  }

  begin(): void {
    const { on, log } = this.#options;
    if (on) this.#begin().catch((err: Error) => log.warn('control.start_failed', { err }));
  }

  pause(): void {
    this.#turn++;
    void this.#end?.();
    this.#end = undefined;
  }

  async #begin(): Promise<void> {
    const turn = ++this.#turn;
    const { bus, api, nodeName, log } = this.#options;
    const node = nodeName ?? (await api('switchname')).trim();
    if (turn !== this.#turn || this.#end !== undefined) return;
    this.#end = serveControl(bus, node, log, (request) => this.#carryOut(request));
  }

  async #carryOut(request: ControlRequest): Promise<ControlReply> {
    const { api, log } = this.#options;
    const reply = await this.#try(request, api).catch((error: Error) => refused(refusal(error)));
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

  async #try(request: ControlRequest, api: CallControlOptions['api']): Promise<ControlReply> {
    const mark = await api(`uuid_getvar ${request.uuid} ${CALL_VARIABLE}`);
    if (mark.trim() !== request.uuid) return refused("this is no caller's leg of a call of Dialhook");
    await api(controlCommand(request));
    return { v: 1, ok: true };
  }
}
