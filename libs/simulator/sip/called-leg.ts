import type { Callee, Invite, Progress } from '#libs/simulator/call-record.ts';
import { Timers } from '#libs/simulator/clock.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { causeNumber } from '#libs/simulator/switch/hangup-cause.ts';
import { type Node, runHangupHooks, runHooks } from '#libs/simulator/switch/node.ts';
import {
  answeredMediaVariables,
  dialogVariables,
  earlyMediaVariables,
  type OutboundCall,
  RTP_STATISTICS,
} from './leg-variables.ts';
import { causeOfStatus, statusPhrase } from './sip-status.ts';

interface Step {
  readonly at: number;
  readonly take: () => void;
}

/** One called channel, and the party at the other end that plays its script. */
export class CalledLeg {
  readonly channel: Channel;
  readonly invite: Invite;
  readonly #node: Node;
  readonly #call: OutboundCall;
  readonly #timers: Timers;
  readonly #told: (progress: Progress) => void;
  #changed: () => void = () => {};
  #ended = false;
  #inDialog = false;

  constructor(
    node: Node,
    leg: {
      readonly channel: Channel;
      readonly invite: Invite;
      readonly call: OutboundCall;
      readonly told: (progress: Progress) => void;
    },
  ) {
    this.#node = node;
    this.channel = leg.channel;
    this.invite = leg.invite;
    this.#call = leg.call;
    this.#told = leg.told;
    this.#timers = new Timers(node.core.clock);
    this.channel.onEndpointHangup((cause) => this.#endDialog(cause));
    this.channel.onHangup(() => {
      this.#timers.clear();
      queueMicrotask(() => this.channel.report());
      this.#changed();
    });
  }

  /** Calls back whenever the leg rings, has media, is answered or goes down. */
  onChange(callback: () => void): void {
    this.#changed = callback;
  }

  /** The INVITE has arrived: the called party begins its script. */
  play(callee: Callee): void {
    const steps: Step[] = [];
    const step = (at: number | undefined, take: () => void): void => {
      if (at !== undefined) steps.push({ at, take });
    };
    step(callee.ringAt, () => this.#ringing());
    step(callee.mediaAt, () => this.#media());
    step(callee.answerAt, () => this.#answer());
    const { refuse } = callee;
    step(refuse?.at, () => this.#refuse(refuse?.status ?? 480));
    step(callee.hangsUpAt, () => this.#bye());
    steps.sort((a, b) => a.at - b.at);
    this.#takeNext(steps, this.#node.core.clock.now());
  }

  /** One timer at a time, so that the steps stay in order however late the timers are. */
  #takeNext(steps: readonly Step[], start: number): void {
    const [next, ...rest] = steps;
    if (next === undefined) return;
    this.#timers.after(start + next.at - this.#node.core.clock.now(), () => {
      next.take();
      if (this.channel.up) this.#takeNext(rest, start);
    });
  }

  #ringing(): void {
    this.#response();
    if (this.channel.markRinging()) this.#tell('ring', 'ring');
    this.#changed();
  }

  #media(): void {
    this.#response();
    this.channel.setAll(earlyMediaVariables());
    if (this.channel.markEarly()) this.#tell('progress', 'pre_answer');
    this.#changed();
  }

  #answer(): void {
    this.#response();
    this.channel.setAll(answeredMediaVariables(this.invite.host, this.#node.core.random));
    if (this.channel.markAnswered()) this.#tell('answer', 'answer');
    this.#changed();
  }

  #tell(action: 'ring' | 'progress' | 'answer', moment: 'ring' | 'pre_answer' | 'answer'): void {
    this.#told({ leg: this.channel.uuid, action });
    runHooks(this.#node, this.channel, moment, ...(moment === 'pre_answer' ? ['media' as const] : []));
  }

  #response(): void {
    if (!this.#inDialog) {
      this.#inDialog = true;
      this.channel.setAll(
        dialogVariables(this.#call, this.channel.profile.callerIdName, this.#node.core.random),
      );
    }
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
    this.#terminated(status, phrase);
  }

  #bye(): void {
    if (!this.channel.answered) return;
    this.channel.set('sip_hangup_disposition', 'recv_bye');
    this.#terminated(200, 'OK');
  }

  #terminated(status: number, phrase: string): void {
    const cause = causeOfStatus(status);
    this.#ended = true;
    this.channel.set('sip_term_status', String(status));
    this.channel.set('proto_specific_hangup_cause', `sip:${status}`);
    this.channel.partner?.set('sip_hangup_phrase', phrase);
    this.channel.set('sip_term_cause', String(causeNumber(cause)));
    this.channel.hangup(cause);
  }

  #endDialog(cause: string): void {
    runHangupHooks(this.#node, this.channel);
    if (cause === 'LOSE_RACE') this.channel.set('call_completed_elsewhere', 'true');
    if (!this.#ended && this.channel.answered) this.channel.set('sip_hangup_disposition', 'send_bye');
    if (!this.#ended && !this.channel.answered) {
      this.channel.set('sip_hangup_disposition', 'send_cancel');
      this.channel.set('sip_invite_failure_status', '487');
      this.channel.set('sip_invite_failure_phrase', 'CANCEL');
    }
    if (this.channel.answered) this.channel.setAll(RTP_STATISTICS);
  }
}
