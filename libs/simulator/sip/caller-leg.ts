import type { CallRequest } from '#libs/simulator/call-record.ts';
import { microseconds } from '#libs/simulator/clock.ts';
import type { CallerProfile } from '#libs/simulator/switch/caller-profile.ts';
import { noTimes } from '#libs/simulator/switch/caller-profile.ts';
import { Channel } from '#libs/simulator/switch/channel.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { type Node, runHangupHooks, runHooks } from '#libs/simulator/switch/node.ts';
import { integer, sanitizeNumber } from '#libs/simulator/switch/switch-strings.ts';
import { AUDIO_ONLY, callerMediaVariables, inboundVariables, RTP_STATISTICS } from './leg-variables.ts';
import { causeOfStatus, statusOfCause } from './sip-status.ts';

const REMOTE = '127.0.0.1:5555';

/** The caller's channel and the SIP dialog it has with the caller. */
export class CallerLeg {
  readonly channel: Channel;
  /** The last status that the caller saw for its INVITE. */
  status = 100;
  /** The cause in the Reason header of a refusal. */
  reason: string | undefined;
  readonly #node: Node;
  #ended = false;
  #respondStatus: number | undefined;
  #onAnswered: () => void = () => {};

  constructor(node: Node, request: CallRequest) {
    this.#node = node;
    const { core } = node;
    const now = microseconds(core.clock);
    const uuid = core.random.uuid();
    const { number } = request.caller;
    const channelName = `sofia/internal/${number}@${REMOTE}`;
    const name = sanitizeNumber(request.caller.name);
    this.channel = new Channel(core, {
      direction: 'inbound',
      logicalDirection: 'inbound',
      username: number,
      callerIdName: name,
      callerIdNumber: number,
      originalCallerIdName: name,
      originalCallerIdNumber: number,
      calleeIdName: undefined,
      calleeIdNumber: undefined,
      networkAddress: '127.0.0.1',
      ani: number,
      destinationNumber: request.destination,
      uuid,
      context: 'default',
      channelName,
      index: 1,
      times: { ...noTimes(), created: now, profileCreated: now },
    });
    this.channel.hasCodec = true;
    this.channel.setAll(
      inboundVariables(
        {
          uuid,
          sessionId: core.nextSessionId(),
          channelName,
          callerNumber: number,
          callerName: request.caller.name,
          remote: REMOTE,
          destination: request.destination,
          local: `${core.globals.get('domain') ?? '127.0.0.1'}:5060`,
          createdAt: now,
        },
        core.random,
      ),
    );
    this.channel.onEndpointHangup((cause) => this.#endDialog(cause));
  }

  get answered(): boolean {
    return this.channel.answered;
  }

  /** Calls back as soon as the caller has its 200. */
  onAnswered(callback: () => void): void {
    this.#onAnswered = callback;
  }

  /** 180 Ringing. */
  ring(): void {
    if (!this.channel.up || this.channel.answered || this.channel.early) return;
    this.status = 180;
    this.channel.set('sip_to_tag', this.#node.core.random.uuid().slice(0, 13));
    if (this.channel.markRinging()) runHooks(this.#node, this.channel, 'ring');
  }

  /** 183 Session Progress with SDP. */
  preAnswer(): void {
    if (!this.channel.up || this.channel.answered || this.channel.early) return;
    this.status = 183;
    this.channel.setAll(callerMediaVariables(this.#node.core.random));
    if (this.channel.markEarly()) runHooks(this.#node, this.channel, 'pre_answer', 'media');
  }

  /** 200 OK. */
  answer(): void {
    if (!this.channel.up || this.channel.answered) return;
    if (!this.channel.early) {
      this.channel.setAll(callerMediaVariables(this.#node.core.random));
      this.channel.setAll(AUDIO_ONLY);
    }
    this.status = 200;
    if (this.channel.markAnswered()) runHooks(this.#node, this.channel, 'answer');
    this.#onAnswered();
  }

  /** The application `respond`: a final status ends the call with the cause that belongs to it. */
  respond(status: number): void {
    if (status < 400) return;
    this.#respondStatus = status;
    this.channel.hangup(status === 401 ? 'USER_CHALLENGE' : causeOfStatus(status));
  }

  showCallee({ calleeIdName, calleeIdNumber }: CallerProfile): void {
    this.channel.profile.calleeIdName = calleeIdName;
    this.channel.profile.calleeIdNumber = calleeIdNumber;
  }

  /** CANCEL or BYE, whichever it has to be. */
  hangUp(): void {
    if (!this.channel.up) return;
    if (this.channel.answered) {
      this.channel.set('sip_cseq', '1');
      this.#endedByCaller(200, 'OK', 'NORMAL_CLEARING');
      this.channel.set('sip_hangup_disposition', 'recv_bye');
      return;
    }
    this.channel.set('sip_hangup_disposition', 'recv_cancel');
    this.channel.set('sip_invite_failure_status', '487');
    this.channel.set('sip_invite_failure_phrase', 'CANCEL');
    this.status = 487;
    this.#endedByCaller(487, 'Request Terminated', 'ORIGINATOR_CANCEL');
  }

  #endedByCaller(status: number, phrase: string, cause: string): void {
    this.#ended = true;
    this.channel.set('sip_term_status', String(status));
    this.channel.set('proto_specific_hangup_cause', `sip:${status}`);
    this.channel.partner?.set('sip_hangup_phrase', phrase);
    this.channel.set('sip_term_cause', String(causeNumber(cause)));
    this.channel.hangup(cause);
  }

  #endDialog(cause: string): void {
    runHangupHooks(this.#node, this.channel);
    if (!this.#ended) {
      this.channel.set('sip_hangup_disposition', this.channel.answered ? 'send_bye' : 'send_refuse');
      if (!this.channel.answered) {
        this.status = this.#refusal(cause);
        this.reason = cause;
      }
    }
    if (this.channel.answered || this.channel.early) this.channel.setAll(RTP_STATISTICS);
  }

  /** What the called side answered last overrides what the cause stands for. */
  #refusal(cause: string): number {
    const called = this.channel.variables.get('last_bridge_proto_specific_hangup_cause');
    const override = called === undefined ? 0 : integer(/^sips?:(\d+)/.exec(called)?.[1]);
    return this.#respondStatus ?? (override || statusOfCause(cause));
  }
}
