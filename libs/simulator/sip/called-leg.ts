import type { Progress } from '#libs/simulator/call-record.ts';
import type { Callee, Invite } from '#libs/simulator/call-script.ts';
import { Timers } from '#libs/simulator/clock.ts';
import type { CallerProfile } from '#libs/simulator/switch/caller-profile.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { type HookMoment, runHangupHooks, runHooks } from '#libs/simulator/switch/hooks.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { type CalledPartyMessages, playScript } from './called-party.ts';
import { inviteVariables } from './channel-variables.ts';
import type { Leg } from './leg.ts';
import { redirect } from './redirect.ts';
import { blindRefer } from './refer.ts';
import { causeOfReason, causeOfStatus, statusPhrase } from './sip-status.ts';

export interface CalledLegOptions {
  readonly node: Node;
  readonly channel: Channel;
  readonly invite: Invite;
  /** Sends an INVITE: records it and starts the script of the party that it reaches. */
  readonly send: (leg: CalledLeg, invite: Invite) => void;
  readonly onProgress: (progress: Progress) => void;
}

/** A called leg and its SIP dialog with the called party. */
export class CalledLeg implements CalledPartyMessages, Leg {
  readonly channel: Channel;
  readonly #options: CalledLegOptions;
  readonly #timers: Timers;
  /** The called party has ended the dialog; FreeSWITCH sends neither CANCEL nor BYE. */
  #endedByParty = false;
  #invited = false;

  constructor(options: CalledLegOptions) {
    const { channel, node } = options;
    this.channel = channel;
    this.#options = options;
    this.#timers = new Timers(node.core.clock);
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
    send(this, invite);
  }

  /** Starts the script of the called party that the INVITE reached. */
  play(callee: Callee): void {
    playScript(callee, this, { timers: this.#timers, clock: this.#options.node.core.clock });
  }

  /** SDP in a 180 or 183 is early media; without SDP both mean that the party rings (sofia_handle_sip_i_state). */
  onProvisional(withSdp: boolean): void {
    this.#clearFailure();
    if (withSdp && this.channel.setEarly()) this.#progressed('progress', 'pre_answer', 'media');
    if (!withSdp && this.channel.setRinging()) this.#progressed('ring', 'ring');
    this.channel.changed();
  }

  onAnswer(): void {
    this.#clearFailure();
    if (this.channel.setAnswered()) this.#progressed('answer', 'answer');
    this.channel.changed();
  }

  onRefuse(status: number, reason: string | undefined): void {
    if (this.channel.answered) return;
    const phrase = statusPhrase(status);
    this.channel.set('sip_hangup_disposition', 'recv_refuse');
    for (const channel of [this.channel, this.channel.partner]) {
      channel?.set('sip_invite_failure_status', String(status));
      channel?.set('sip_invite_failure_phrase', phrase);
      if (reason !== undefined) channel?.set('sip_reason', reason);
    }
    this.#terminate(status, phrase, causeOfReason(reason));
  }

  onRedirect(uri: string): void {
    if (this.channel.answered) return;
    const { node, invite } = this.#options;
    redirect(this.channel, uri, {
      ownDomain: (host) => node.registrations.hasDomain(host),
      resend: ({ user, host }) => {
        this.#timers.clear();
        this.#options.send(this, { ...invite, number: user, host });
      },
    });
  }

  onBye(): void {
    if (!this.channel.answered) return;
    this.channel.set('sip_hangup_disposition', 'recv_bye');
    this.#terminate(200, 'OK');
  }

  onRefer(to: string): void {
    if (this.channel.answered) blindRefer(this.channel, to);
  }

  // A called leg is answered when it runs a dialplan: nothing is left to send.
  ring(): void {}
  preAnswer(): void {}
  answer(): void {}

  respond(status: number): void {
    if (status >= 400) this.channel.hangup(causeOfStatus(status));
  }

  showCallee({ calleeIdName, calleeIdNumber }: CallerProfile): void {
    this.channel.profile.calleeIdName = calleeIdName;
    this.channel.profile.calleeIdNumber = calleeIdNumber;
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
    if (this.channel.answered) {
      this.channel.set('sip_hangup_disposition', 'send_bye');
      return;
    }
    this.channel.set('sip_hangup_disposition', 'send_cancel');
    this.channel.set('sip_invite_failure_status', '487');
    this.channel.set('sip_invite_failure_phrase', 'CANCEL');
  }
}
