import type { Progress } from '#libs/simulator/call-record.ts';
import type { Callee, Invite } from '#libs/simulator/call-script.ts';
import { Timers } from '#libs/simulator/clock.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { type HookMoment, runHangupHooks, runHooks } from '#libs/simulator/switch/hooks.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { causeOfStatus, statusPhrase } from './sip-status.ts';

interface Step {
  readonly at: number;
  readonly run: () => void;
}

/** A called leg, and the party at its other end, which follows its script. */
export class CalledLeg {
  readonly channel: Channel;
  readonly invite: Invite;
  readonly #node: Node;
  readonly #timers: Timers;
  readonly #onProgress: (progress: Progress) => void;
  #changed: () => void = () => {};
  /** The called party has ended the dialog; FreeSWITCH sends neither CANCEL nor BYE. */
  #endedByParty = false;

  constructor(node: Node, channel: Channel, invite: Invite, onProgress: (progress: Progress) => void) {
    this.#node = node;
    this.channel = channel;
    this.invite = invite;
    this.#onProgress = onProgress;
    this.#timers = new Timers(node.core.clock);
    channel.onEndpointHangup((cause) => this.#endDialog(cause));
    channel.onHangup(() => {
      this.#timers.clear();
      queueMicrotask(() => channel.report());
      this.#changed();
    });
  }

  /** Calls back whenever the leg rings, has media, is answered or goes down. */
  onChange(callback: () => void): void {
    this.#changed = callback;
  }

  /** Starts the called party's script: its INVITE has arrived. */
  play(callee: Callee): void {
    const steps: Step[] = [];
    const step = (at: number | undefined, run: () => void): void => {
      if (at !== undefined) steps.push({ at, run });
    };
    const { refuse } = callee;
    step(callee.ringAt, () => this.#ring());
    step(callee.mediaAt, () => this.#earlyMedia());
    step(callee.answerAt, () => this.#answer());
    step(refuse?.at, () => this.#refuse(refuse?.status ?? 480));
    step(callee.hangsUpAt, () => this.#bye());
    steps.sort((a, b) => a.at - b.at);
    this.#runNext(steps, this.#node.core.clock.now());
  }

  /** One timer at a time, so that late timers do not change the order of the steps. */
  #runNext(steps: readonly Step[], start: number): void {
    const [next, ...rest] = steps;
    if (next === undefined) return;
    this.#timers.after(start + next.at - this.#node.core.clock.now(), () => {
      next.run();
      if (this.channel.up) this.#runNext(rest, start);
    });
  }

  #ring(): void {
    this.#clearFailure();
    if (this.channel.setRinging()) this.#progressed('ring', 'ring');
    this.#changed();
  }

  #earlyMedia(): void {
    this.#clearFailure();
    if (this.channel.setEarly()) this.#progressed('progress', 'pre_answer', 'media');
    this.#changed();
  }

  #answer(): void {
    this.#clearFailure();
    if (this.channel.setAnswered()) this.#progressed('answer', 'answer');
    this.#changed();
  }

  #progressed(action: 'ring' | 'progress' | 'answer', ...moments: HookMoment[]): void {
    this.#onProgress({ leg: this.channel.uuid, action });
    runHooks(this.#node, this.channel, ...moments);
  }

  /** Any response below 400 removes the failure of an earlier leg from the caller leg. */
  #clearFailure(): void {
    this.channel.partner?.set('sip_invite_failure_status', undefined);
    this.channel.partner?.set('sip_invite_failure_phrase', undefined);
  }

  #refuse(status: number): void {
    if (this.channel.answered) return;
    const phrase = statusPhrase(status);
    this.channel.set('sip_hangup_disposition', 'recv_refuse');
    for (const channel of [this.channel, this.channel.partner]) {
      channel?.set('sip_invite_failure_status', String(status));
      channel?.set('sip_invite_failure_phrase', phrase);
    }
    this.#terminate(status, phrase);
  }

  #bye(): void {
    if (!this.channel.answered) return;
    this.channel.set('sip_hangup_disposition', 'recv_bye');
    this.#terminate(200, 'OK');
  }

  #terminate(status: number, phrase: string): void {
    const cause = causeOfStatus(status);
    this.#endedByParty = true;
    this.channel.set('sip_term_status', String(status));
    this.channel.set('proto_specific_hangup_cause', `sip:${status}`);
    this.channel.partner?.set('sip_hangup_phrase', phrase);
    this.channel.set('sip_term_cause', String(causeNumber(cause)));
    this.channel.hangup(cause);
  }

  #endDialog(cause: string): void {
    runHangupHooks(this.#node, this.channel);
    if (cause === 'LOSE_RACE') this.channel.set('call_completed_elsewhere', 'true');
    if (this.#endedByParty) return;
    if (this.channel.answered) {
      this.channel.set('sip_hangup_disposition', 'send_bye');
      return;
    }
    this.channel.set('sip_hangup_disposition', 'send_cancel');
    this.channel.set('sip_invite_failure_status', '487');
    this.channel.set('sip_invite_failure_phrase', 'CANCEL');
  }
}
