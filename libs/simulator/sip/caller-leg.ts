import { randomUUID } from 'node:crypto';
import type { CallScript } from '#libs/simulator/call-script.ts';
import { microseconds } from '#libs/simulator/clock.ts';
import { type CallerProfile, newTimes } from '#libs/simulator/switch/caller-profile.ts';
import { Channel } from '#libs/simulator/switch/channel.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { runHangupHooks, runHooks } from '#libs/simulator/switch/hooks.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';
import { inboundVariables } from './channel-variables.ts';
import { addedHeaders, type HeaderPrefix, keepInviteHeaders } from './custom-headers.ts';
import { SipDialog } from './dialog.ts';
import { FREESWITCH_HOST } from './freeswitch-host.ts';
import { type InboundIdentity, identityOfResponse, inboundIdentity } from './identity.ts';
import type { Leg } from './leg.ts';
import { LegParty, PORTS } from './leg-party.ts';
import { type Header, sdp } from './message.ts';
import { causeOfStatus, reasonHeader, statusOfCause } from './sip-status.ts';

const REMOTE = `${FREESWITCH_HOST}:5555`;

/** The caller leg and its SIP dialog with the caller. */
export class CallerLeg implements Leg {
  readonly channel: Channel;
  readonly party: LegParty;
  /** Every status of the caller's INVITE, in order. */
  readonly statuses: number[] = [];
  /** The text in the Reason header of a refusal: a cause, or the text of a called party's Reason header. */
  reason: string | undefined;
  readonly #node: Node;
  readonly #dialog: SipDialog;
  #endedByCaller = false;
  #respondStatus: number | undefined;
  #onAnswered: () => void = () => {};

  constructor(node: Node, script: CallScript) {
    this.#node = node;
    const { clock } = node.core;
    const { headers = [], destination } = script;
    const identity = inboundIdentity(script.caller, headers);
    this.channel = new Channel(node.core, profileOf(node, script, identity));
    const { uuid, channelName } = this.channel.profile;
    const local = `${node.core.globals.get('domain') ?? FREESWITCH_HOST}:5060`;
    const { name, number } = script.caller;
    this.channel.setAll([
      ...inboundVariables({
        ...{ uuid, channelName, callerNumber: number, callerName: name },
        ...{ remote: REMOTE, destination, local, callId: script.callId },
      }),
      ...identity.variables,
    ]);
    keepInviteHeaders(this.channel, headers);
    const ends = {
      ...({ leg: uuid, side: 'caller', number: destination } as const),
      local: `<sip:${destination}@${FREESWITCH_HOST}>`,
      remote: `"${name}" <sip:${number}@${FREESWITCH_HOST}>`,
      target: `sip:${number}@${REMOTE}`,
      contact: `sip:${destination}@${FREESWITCH_HOST}`,
    };
    this.#dialog = new SipDialog(ends, clock, script.onMessage);
    this.party = new LegParty(this.channel, this.#dialog, () => this.hangUp());
    this.channel.party = this.party;
    this.party.learn(headers);
    this.channel.answerCaller = () => this.answer();
    this.channel.onEndpointHangup((cause) => this.#endDialog(cause));
    this.#dialog.partyRequest('INVITE', { headers, body: sdp(PORTS.caller) });
    this.#respond(100);
  }

  /** The last status of the caller's INVITE. */
  get status(): number {
    return this.statuses.at(-1) ?? 0;
  }

  /** Calls back when the caller gets its 200. */
  onAnswered(callback: () => void): void {
    this.#onAnswered = callback;
  }

  ring(): void {
    if (!this.channel.up || this.channel.answered || this.channel.early) return;
    this.#respond(180, 'sip_ph_');
    if (this.channel.setRinging()) runHooks(this.#node, this.channel, 'ring');
  }

  preAnswer(): void {
    if (!this.channel.up || this.channel.answered || this.channel.early) return;
    this.#respond(183, 'sip_ph_', sdp(PORTS.freeswitch));
    if (this.channel.setEarly()) runHooks(this.#node, this.channel, 'pre_answer', 'media');
  }

  answer(): void {
    if (!this.channel.up || this.channel.answered) return;
    this.#respond(200, 'sip_rh_', sdp(PORTS.freeswitch));
    this.#dialog.partyRequest('ACK');
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
      this.#dialog.partyRequest('BYE');
      this.#terminate(200, 'OK', 'NORMAL_CLEARING');
      this.channel.set('sip_hangup_disposition', 'recv_bye');
      this.#dialog.response('BYE', 200);
      return;
    }
    this.#dialog.partyRequest('CANCEL');
    this.#dialog.response('CANCEL', 200);
    this.channel.set('sip_hangup_disposition', 'recv_cancel');
    this.channel.set('sip_invite_failure_status', '487');
    this.channel.set('sip_invite_failure_phrase', 'CANCEL');
    this.#send(487, []);
    this.#terminate(487, 'Request Terminated', 'ORIGINATOR_CANCEL');
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
    const { answered, variables } = this.channel;
    const passedOn = variables.get('sip_reason');
    this.channel.set('sip_hangup_disposition', answered ? 'send_bye' : 'send_refuse');
    const headers: Header[] = [
      ['Reason', passedOn ?? reasonHeader(cause)],
      ...addedHeaders(this.channel, 'sip_bye_h_'),
    ];
    if (answered) {
      this.#dialog.request('BYE', { headers });
      this.#dialog.partyResponse('BYE', 200);
      return;
    }
    const status = this.#refusal(cause);
    if (status > 699) {
      // sofia-sip does not send a status that SIP does not have, nor the headers given with it.
      this.#send(500, []);
    } else {
      this.reason = passedOn === undefined ? cause : /text="([^"]*)"/.exec(passedOn)?.[1];
      this.#send(status, [
        ...headers,
        ...identityOfResponse(this.channel, FREESWITCH_HOST, this.party.takesDisplay),
        ...addedHeaders(this.channel, 'sip_rh_'),
      ]);
    }
    this.#dialog.partyRequest('ACK');
  }

  /** The last status of a called leg overrides the status that the cause maps to. */
  #refusal(cause: string): number {
    const called = this.channel.variables.get('last_bridge_proto_specific_hangup_cause');
    const override = called === undefined ? 0 : integer(/^sips?:(\d+)/.exec(called)?.[1]);
    return this.#respondStatus ?? (override || statusOfCause(cause));
  }

  #respond(status: number, added?: HeaderPrefix, body = ''): void {
    const headers =
      added === undefined
        ? []
        : [
            ...identityOfResponse(this.channel, FREESWITCH_HOST, this.party.takesDisplay),
            ...addedHeaders(this.channel, added),
          ];
    this.#send(status, headers, body);
  }

  #send(status: number, headers: readonly Header[], body = ''): void {
    this.statuses.push(status);
    this.#dialog.response('INVITE', status, { headers, body });
  }
}

function profileOf(node: Node, script: CallScript, identity: InboundIdentity): CallerProfile {
  const { number, name, privacy } = identity;
  return {
    direction: 'inbound',
    callerIdName: name,
    callerIdNumber: number,
    originalCallerIdName: name,
    originalCallerIdNumber: number,
    calleeIdName: undefined,
    calleeIdNumber: undefined,
    privacy,
    networkAddress: FREESWITCH_HOST,
    destinationNumber: script.destination,
    uuid: script.uuid ?? randomUUID(),
    context: 'default',
    channelName: `sofia/internal/${script.caller.number}@${REMOTE}`,
    times: newTimes(microseconds(node.core.clock)),
  };
}
