import { randomUUID } from 'node:crypto';
import type { CallScript } from '#libs/simulator/call-script.ts';
import { microseconds } from '#libs/simulator/clock.ts';
import { type CallerProfile, newTimes } from '#libs/simulator/switch/caller-profile.ts';
import { Channel } from '#libs/simulator/switch/channel.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { runHangupHooks, runHooks } from '#libs/simulator/switch/hooks.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { integer, sanitizeNumber } from '#libs/simulator/switch/switch-strings.ts';
import { inboundVariables } from './channel-variables.ts';
import type { Leg } from './leg.ts';
import { blindRefer } from './refer.ts';
import { causeOfStatus, statusOfCause } from './sip-status.ts';

const REMOTE = '127.0.0.1:5555';

/** The caller leg and its SIP dialog with the caller. */
export class CallerLeg implements Leg {
  readonly channel: Channel;
  /** The last status of the caller's INVITE. */
  status = 100;
  /** The text in the Reason header of a refusal: a cause, or the text of a called party's Reason header. */
  reason: string | undefined;
  readonly #node: Node;
  #endedByCaller = false;
  #respondStatus: number | undefined;
  #onAnswered: () => void = () => {};

  constructor(node: Node, script: CallScript) {
    this.#node = node;
    const { core } = node;
    const uuid = randomUUID();
    const { number } = script.caller;
    const channelName = `sofia/internal/${number}@${REMOTE}`;
    const name = sanitizeNumber(script.caller.name);
    this.channel = new Channel(core, {
      direction: 'inbound',
      callerIdName: name,
      callerIdNumber: number,
      originalCallerIdName: name,
      originalCallerIdNumber: number,
      calleeIdName: undefined,
      calleeIdNumber: undefined,
      networkAddress: '127.0.0.1',
      destinationNumber: script.destination,
      uuid,
      context: 'default',
      channelName,
      times: newTimes(microseconds(core.clock)),
    });
    this.channel.setAll(
      inboundVariables({
        uuid,
        channelName,
        callerNumber: number,
        callerName: script.caller.name,
        remote: REMOTE,
        destination: script.destination,
        local: `${core.globals.get('domain') ?? '127.0.0.1'}:5060`,
      }),
    );
    this.channel.answerCaller = () => this.answer();
    this.channel.onEndpointHangup((cause) => this.#endDialog(cause));
  }

  /** Calls back when the caller gets its 200. */
  onAnswered(callback: () => void): void {
    this.#onAnswered = callback;
  }

  ring(): void {
    if (!this.channel.up || this.channel.answered || this.channel.early) return;
    this.status = 180;
    if (this.channel.setRinging()) runHooks(this.#node, this.channel, 'ring');
  }

  preAnswer(): void {
    if (!this.channel.up || this.channel.answered || this.channel.early) return;
    this.status = 183;
    if (this.channel.setEarly()) runHooks(this.#node, this.channel, 'pre_answer', 'media');
  }

  answer(): void {
    if (!this.channel.up || this.channel.answered) return;
    this.status = 200;
    if (this.channel.setAnswered()) runHooks(this.#node, this.channel, 'answer');
    this.#onAnswered();
  }

  respond(status: number): void {
    if (status < 400) return;
    this.#respondStatus = status;
    this.channel.hangup(status === 401 ? 'USER_CHALLENGE' : causeOfStatus(status));
  }

  showCallee({ calleeIdName, calleeIdNumber }: CallerProfile): void {
    this.channel.profile.calleeIdName = calleeIdName;
    this.channel.profile.calleeIdNumber = calleeIdNumber;
  }

  /** The caller hangs up: CANCEL before the answer, BYE after it. */
  hangUp(): void {
    if (!this.channel.up) return;
    if (this.channel.answered) {
      this.#terminate(200, 'OK', 'NORMAL_CLEARING');
      this.channel.set('sip_hangup_disposition', 'recv_bye');
      return;
    }
    this.channel.set('sip_hangup_disposition', 'recv_cancel');
    this.channel.set('sip_invite_failure_status', '487');
    this.channel.set('sip_invite_failure_phrase', 'CANCEL');
    this.status = 487;
    this.#terminate(487, 'Request Terminated', 'ORIGINATOR_CANCEL');
  }

  /** REFER of the caller, after the answer: a blind transfer of the called party. */
  refer(to: string): void {
    if (this.channel.answered) blindRefer(this.channel, to);
  }

  #terminate(status: number, phrase: string, cause: string): void {
    this.#endedByCaller = true;
    this.channel.set('sip_term_status', String(status));
    this.channel.set('proto_specific_hangup_cause', `sip:${status}`);
    this.channel.partner?.set('sip_hangup_phrase', phrase);
    this.channel.set('sip_term_cause', String(causeNumber(cause)));
    this.channel.hangup(cause);
  }

  #endDialog(cause: string): void {
    runHangupHooks(this.#node, this.channel);
    if (this.#endedByCaller) return;
    this.channel.set('sip_hangup_disposition', this.channel.answered ? 'send_bye' : 'send_refuse');
    if (this.channel.answered) return;
    this.status = this.#refusal(cause);
    const passedOn = this.channel.variables.get('sip_reason');
    this.reason = passedOn === undefined ? cause : /text="([^"]*)"/.exec(passedOn)?.[1];
  }

  /** The last status of a called leg overrides the status that the cause maps to. */
  #refusal(cause: string): number {
    const called = this.channel.variables.get('last_bridge_proto_specific_hangup_cause');
    const override = called === undefined ? 0 : integer(/^sips?:(\d+)/.exec(called)?.[1]);
    return this.#respondStatus ?? (override || statusOfCause(cause));
  }
}
