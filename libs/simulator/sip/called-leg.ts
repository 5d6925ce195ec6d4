import type { Progress } from '#libs/simulator/call-record.ts';
import type { Callee, Invite, Step } from '#libs/simulator/call-script.ts';
import { Timers } from '#libs/simulator/clock.ts';
import type { CallerProfile } from '#libs/simulator/switch/caller-profile.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { updateIdentity } from '#libs/simulator/switch/display.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { type HookMoment, runHangupHooks, runHooks } from '#libs/simulator/switch/hooks.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { type CalledPartyActions, playScript } from './called-party.ts';
import { inviteVariables } from './channel-variables.ts';
import { addedHeaders, copyHeaders, keepHeaders } from './custom-headers.ts';
import { SipDialog } from './dialog.ts';
import { FREESWITCH_HOST } from './freeswitch-host.ts';
import { fromOfInvite, identityOfInvite } from './identity.ts';
import type { Leg } from './leg.ts';
import { assertedBy, LegParty, PORTS } from './leg-party.ts';
import { type Header, headerOf, type OnMessage, sdp } from './message.ts';
import { isRedirect, redirect } from './redirect.ts';
import { causeOfReason, causeOfStatus, reasonHeader, statusPhrase } from './sip-status.ts';
import { type OwnResponse, undelivered } from './undelivered.ts';

export interface CalledLegOptions {
  readonly node: Node;
  readonly channel: Channel;
  readonly invite: Invite;
  /** Sends an INVITE: records it and starts the script of the party that it reaches. */
  readonly send: (leg: CalledLeg, invite: Invite) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onMessage?: OnMessage | undefined;
}

/** A called leg and its SIP dialog with the called party. */
export class CalledLeg implements CalledPartyActions, Leg {
  readonly channel: Channel;
  readonly #options: CalledLegOptions;
  readonly #timers: Timers;
  #dialog: SipDialog;
  #party: LegParty;
  /** The called party has ended the dialog; FreeSWITCH sends neither CANCEL nor BYE. */
  #endedByParty = false;
  #invited = false;
  /** The party has sent its last response to the INVITE. */
  #final = false;
  #answersCancel = false;

  constructor(options: CalledLegOptions) {
    const { channel, node, invite } = options;
    this.channel = channel;
    this.#options = options;
    this.#timers = new Timers(node.core.clock);
    [this.#dialog, this.#party] = this.#openDialog(invite);
    channel.onEndpointHangup((cause) => this.#endDialog(cause));
    channel.onHangup(() => {
      this.#timers.clear();
      if (!channel.threaded) queueMicrotask(() => channel.report());
    });
  }

  /** Sends the INVITE. */
  invite(): void {
    const { invite, send } = this.#options;
    this.#invited = true;
    this.channel.fire('CHANNEL_CREATE');
    this.channel.setAll(inviteVariables(invite));
    const own = undelivered(invite.callerNumber, invite.host);
    if (own === undefined) {
      this.#sendInvite();
      send(this, invite);
    } else this.#timers.after(0, () => this.#onUndelivered(own));
  }

  /** Starts the script of the called party that the INVITE reached. */
  play(callee: Callee): void {
    this.#answersCancel = callee.answersCancel ?? false;
    playScript(callee, this, { timers: this.#timers, clock: this.#options.node.core.clock });
  }

  /** The party responds to the INVITE. */
  respond(step: Step): void;
  /** The application `respond`. */
  respond(status: number): void;
  respond(response: Step | number): void {
    if (typeof response === 'number') {
      if (response >= 400) this.channel.hangup(causeOfStatus(response));
      return;
    }
    if (this.channel.answered || !this.channel.up) return;
    const { status, phrase, headers = [], contact } = response;
    const withSdp = response.sdp === true || (status >= 200 && status < 300);
    const body = withSdp ? sdp(PORTS.called) : '';
    const contacts: Header[] = contact === undefined ? [] : [['Contact', `<${contact}>`]];
    this.#dialog.partyResponse('INVITE', status, { phrase, headers: [...contacts, ...headers], body });
    this.#final = status >= 200;
    if (this.#final) this.#dialog.request('ACK');
    this.#keepHeaders(status, headers);
    if (status < 200) this.#onProvisional(withSdp);
    else if (status < 300) this.#onAnswer();
    else if (isRedirect(status) && contact !== undefined) this.#onRedirect(status, contact);
    else this.#onRefuse(status, phrase ?? statusPhrase(status), headerOf(headers, 'Reason'));
  }

  bye(): void {
    if (!this.channel.answered || !this.channel.up) return;
    this.#dialog.partyRequest('BYE');
    this.channel.set('sip_hangup_disposition', 'recv_bye');
    this.#terminate(200, 'OK');
    this.#dialog.response('BYE', 200);
  }

  refer(to: string): void {
    if (this.channel.answered)
      this.#party.refer(
        `<sip:${to}@${FREESWITCH_HOST}>`,
        `<sip:${this.#options.invite.number}@${FREESWITCH_HOST}>`,
      );
  }

  // A called leg is answered when it runs a dialplan: nothing is left to send.
  ring(): void {}
  preAnswer(): void {}
  answer(): void {}

  showCallee({ calleeIdName, calleeIdNumber }: CallerProfile): void {
    this.channel.profile.calleeIdName = calleeIdName;
    this.channel.profile.calleeIdNumber = calleeIdNumber;
  }

  #openDialog({ number, host }: Invite): [SipDialog, LegParty] {
    const { node, onMessage } = this.#options;
    const target = `sip:${number}@${host}`;
    const ends = {
      ...({ leg: this.channel.uuid, side: 'called', number } as const),
      local: fromOfInvite(this.channel, FREESWITCH_HOST),
      remote: `<${target}>`,
      target,
      contact: `sip:mod_sofia@${FREESWITCH_HOST}`,
    };
    const dialog = new SipDialog(ends, node.core.clock, onMessage);
    const party = new LegParty(this.channel, dialog, () => this.bye());
    this.channel.party = party;
    return [dialog, party];
  }

  #sendInvite(): void {
    const headers = [
      ...identityOfInvite(this.channel, FREESWITCH_HOST),
      ...addedHeaders(this.channel, 'sip_h_'),
    ];
    const caller = this.channel.partner;
    const bypassed = isTrue(caller?.variables.get('bypass_media'));
    this.#dialog.request('INVITE', { headers, body: sdp(bypassed ? PORTS.caller : PORTS.freeswitch) });
  }

  /** Custom headers reach the caller's responses; the identity replaces that of the called party. */
  #keepHeaders(status: number, headers: readonly Header[]): void {
    const prefix = status >= 200 ? 'sip_rh_' : 'sip_ph_';
    keepHeaders(this.channel, headers, prefix);
    if (this.channel.partner !== undefined) copyHeaders(this.channel, this.channel.partner, prefix);
    if (status >= 300) return;
    this.#party.learn(headers);
    updateIdentity(this.channel, assertedBy(headers), false);
  }

  /** SDP in a 180 or 183 is early media; without SDP both mean that the party rings (sofia_handle_sip_i_state). */
  #onProvisional(withSdp: boolean): void {
    this.#clearFailure();
    if (withSdp && this.channel.setEarly()) this.#progressed('progress', 'pre_answer', 'media');
    if (!withSdp && this.channel.setRinging()) this.#progressed('ring', 'ring');
    this.channel.changed();
  }

  #onAnswer(): void {
    this.#clearFailure();
    if (this.channel.setAnswered()) this.#progressed('answer', 'answer');
    this.channel.changed();
  }

  #onRefuse(status: number, phrase: string, reason: string | undefined): void {
    this.channel.set('sip_hangup_disposition', 'recv_refuse');
    for (const channel of [this.channel, this.channel.partner]) {
      channel?.set('sip_invite_failure_status', String(status));
      channel?.set('sip_invite_failure_phrase', phrase);
      if (reason !== undefined) channel?.set('sip_reason', reason);
    }
    this.#terminate(status, phrase, causeOfReason(reason));
  }

  #onUndelivered({ status, phrase }: OwnResponse): void {
    this.channel.set('sip_reply_port', '0');
    if (status < 700) this.#onRefuse(status, phrase, undefined);
    else this.#terminate(status, phrase);
  }

  #onRedirect(status: number, uri: string): void {
    const { node, invite } = this.#options;
    redirect(this.channel, status, uri, {
      ownDomain: (host) => node.registrations.hasDomain(host),
      resend: ({ user, host }) => {
        this.#timers.clear();
        this.#final = false;
        const next = { ...invite, number: user, host };
        [this.#dialog, this.#party] = this.#openDialog(next);
        this.#sendInvite();
        this.#options.send(this, next);
      },
    });
  }

  #progressed(action: 'ring' | 'progress' | 'answer', ...moments: HookMoment[]): void {
    this.#options.onProgress({ leg: this.channel.uuid, action });
    runHooks(this.#options.node, this.channel, ...moments);
  }

  /** Any response below 400 removes the failure of an earlier leg from the caller leg. */
  #clearFailure(): void {
    this.channel.partner?.set('sip_invite_failure_status', undefined);
    this.channel.partner?.set('sip_invite_failure_phrase', undefined);
  }

  #terminate(status: number, phrase: string, cause = causeOfStatus(status)): void {
    this.#endedByParty = true;
    this.channel.set('sip_term_status', String(status));
    this.channel.set('proto_specific_hangup_cause', `sip:${status}`);
    this.channel.partner?.set('sip_hangup_phrase', phrase);
    this.channel.set('sip_term_cause', String(causeNumber(cause)));
    this.channel.hangup(cause);
  }

  #endDialog(cause: string): void {
    runHangupHooks(this.#options.node, this.channel);
    if (cause === 'LOSE_RACE') this.channel.set('call_completed_elsewhere', 'true');
    if (this.#endedByParty || !this.#invited) return;
    const reason = this.channel.variables.get('sip_reason') ?? reasonHeader(cause);
    const headers: Header[] = [['Reason', reason], ...addedHeaders(this.channel, 'sip_bye_h_')];
    if (this.channel.answered) {
      this.channel.set('sip_hangup_disposition', 'send_bye');
      this.#sendBye(headers);
      return;
    }
    this.channel.set('sip_hangup_disposition', 'send_cancel');
    this.channel.set('sip_invite_failure_status', '487');
    this.channel.set('sip_invite_failure_phrase', 'CANCEL');
    if (this.#final) return;
    this.#dialog.request('CANCEL', { headers });
    this.#dialog.partyResponse('CANCEL', 200);
    this.#dialog.partyResponse('INVITE', this.#answersCancel ? 200 : 487);
    this.#dialog.request('ACK');
    if (this.#answersCancel) this.#sendBye([]);
  }

  #sendBye(headers: readonly Header[]): void {
    this.#dialog.request('BYE', { headers });
    this.#dialog.partyResponse('BYE', 200);
  }
}
