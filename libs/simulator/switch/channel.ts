import { microseconds } from '#libs/simulator/clock.ts';
import { type CallerProfile, profileField, profileHeaders } from './caller-profile.ts';
import { cdrVariables, type LastApplication } from './cdr-variables.ts';
import type { Core } from './core.ts';
import { ORIGINS } from './event-origins.ts';
import { causeQ850 } from './hangup-cause.ts';
import { type Value, Variables } from './variables.ts';

export type ChannelState =
  | 'CS_INIT'
  | 'CS_EXECUTE'
  | 'CS_EXCHANGE_MEDIA'
  | 'CS_CONSUME_MEDIA'
  | 'CS_REPORTING';

const STATE_NUMBERS: Readonly<Record<ChannelState, string>> = {
  CS_INIT: '2',
  CS_EXECUTE: '4',
  CS_EXCHANGE_MEDIA: '5',
  CS_CONSUME_MEDIA: '7',
  CS_REPORTING: '11',
};

const CODEC_HEADERS: [string, Value][] = ['Read', 'Write'].flatMap((direction): [string, Value][] => [
  [`Channel-${direction}-Codec-Name`, 'PCMU'],
  [`Channel-${direction}-Codec-Rate`, '8000'],
  [`Channel-${direction}-Codec-Bit-Rate`, '64000'],
]);

/** One leg of a call as the core of FreeSWITCH sees it: state, times, variables, and the events they make. */
export class Channel {
  readonly core: Core;
  readonly profile: CallerProfile;
  readonly variables = new Variables();
  /** The other leg's profile as this one's events show it. */
  other: { readonly type: 'originator' | 'originatee'; readonly profile: CallerProfile } | undefined;
  state: ChannelState = 'CS_INIT';
  callState: 'DOWN' | 'RINGING' | 'EARLY' | 'ACTIVE' | 'HANGUP' = 'DOWN';
  ringing = false;
  early = false;
  answered = false;
  hasCodec = false;
  bridgeRole: 'originator' | 'originatee' | undefined;
  lastApplication: LastApplication | undefined;
  #cause: string | undefined;
  readonly #onHangup = new Set<() => void>();
  readonly #onBreak = new Set<() => void>();
  /** A new extension waits for what runs now to be cut short (CF_TRANSFER). */
  transferring = false;
  /** Gives the channel to another extension; only a channel with a thread of its own has one. */
  transferTo: ((destination: string, context: string | undefined) => void) | undefined;
  /** The endpoint's part of ending a channel: what it tells the other side of the network. */
  #endpointHangup: (cause: string) => void = () => {};

  constructor(core: Core, profile: CallerProfile) {
    this.core = core;
    this.profile = profile;
    core.channels.set(profile.uuid, this);
  }

  get uuid(): string {
    return this.profile.uuid;
  }

  get up(): boolean {
    return this.#cause === undefined;
  }

  /** undefined while the channel is up. */
  get cause(): string | undefined {
    return this.#cause;
  }

  get(name: string): string | undefined {
    return this.variables.get(name) ?? profileField(this.profile, name) ?? this.core.globals.get(name);
  }

  set(name: string, value: Value | undefined): void {
    this.variables.set(name, value);
  }

  setAll(values: Iterable<readonly [string, Value]>): void {
    for (const [name, value] of values) this.variables.set(name, value);
  }

  /** The channel at the other end, while it is up. */
  get partner(): Channel | undefined {
    const uuid = this.variables.get('signal_bond') ?? this.variables.get('originate_signal_bond');
    const partner = uuid === undefined ? undefined : this.core.channels.get(uuid);
    return partner?.up ? partner : undefined;
  }

  /** Calls back when the channel goes down; the function it returns takes the call back. */
  onHangup(callback: () => void): () => void {
    this.#onHangup.add(callback);
    return () => this.#onHangup.delete(callback);
  }

  /** Whether what runs may go on. */
  get ready(): boolean {
    return this.up && !this.transferring;
  }

  /** Calls back when what runs is to end: the channel goes down or is transferred. */
  onBreak(callback: () => void): () => void {
    this.#onBreak.add(callback);
    return () => this.#onBreak.delete(callback);
  }

  break(): void {
    for (const callback of [...this.#onBreak]) callback();
    this.#onBreak.clear();
  }

  onEndpointHangup(callback: (cause: string) => void): void {
    this.#endpointHangup = callback;
  }

  /** False when it rang already. */
  markRinging(): boolean {
    if (this.ringing || this.answered) return false;
    this.ringing = true;
    if (this.profile.times.progress === 0) this.#stampBoth('progress');
    this.fire('CHANNEL_PROGRESS');
    this.callState = 'RINGING';
    return true;
  }

  /** False when there was media already. */
  markEarly(): boolean {
    if (this.early || this.answered) return false;
    this.early = true;
    this.set('endpoint_disposition', 'EARLY MEDIA');
    this.#stampBoth('progressMedia');
    this.fire('CHANNEL_PROGRESS_MEDIA');
    this.callState = 'EARLY';
    return true;
  }

  markAnswered(): boolean {
    if (!this.up || this.answered) return false;
    this.profile.times.answered = microseconds(this.core.clock);
    this.answered = true;
    this.hasCodec = true;
    this.fire('CHANNEL_ANSWER');
    this.set('endpoint_disposition', 'ANSWER');
    this.callState = 'ACTIVE';
    return true;
  }

  /** The first cause counts. */
  hangup(cause: string): void {
    if (!this.up) return;
    this.#cause = cause;
    const partner = this.partner;
    partner?.set('last_bridge_hangup_cause', cause);
    const protocolCause = this.variables.get('proto_specific_hangup_cause');
    if (protocolCause !== undefined) partner?.set('last_bridge_proto_specific_hangup_cause', protocolCause);
    if (this.bridgeRole !== undefined) this.set('last_bridge_role', this.bridgeRole);
    this.fire('CHANNEL_HANGUP');
    this.break();
    for (const callback of [...this.#onHangup]) callback();
    this.#onHangup.clear();
  }

  /** What the channel's thread does last: the variables for the records, HANGUP_COMPLETE, and it is gone. */
  report(): void {
    const cause = this.#cause ?? 'NORMAL_CLEARING';
    this.profile.times.hangup = microseconds(this.core.clock);
    this.set('hangup_cause', cause);
    this.set('hangup_cause_q850', String(causeQ850(cause)));
    this.setAll(cdrVariables(this.profile, this.lastApplication));
    this.callState = 'HANGUP';
    this.#endpointHangup(cause);
    this.state = 'CS_REPORTING';
    this.fire('CHANNEL_HANGUP_COMPLETE', [['Hangup-Cause', cause]]);
    this.fire('CHANNEL_DESTROY');
    this.core.channels.delete(this.uuid);
  }

  fire(name: keyof typeof ORIGINS, first: [string, Value][] = [], last: [string, Value][] = []): void {
    this.core.fire(name, ORIGINS[name], () => [...first, ...this.headers(), ...last]);
  }

  /** switch_channel_event_set_data: the state, the profiles, and all variables. */
  headers(): (readonly [string, Value])[] {
    const headers: (readonly [string, Value])[] = [
      ['Channel-State', this.state],
      ['Channel-Call-State', this.callState],
      ['Channel-State-Number', STATE_NUMBERS[this.state]],
      ['Channel-Name', this.profile.channelName],
      ['Unique-ID', this.uuid],
      ['Call-Direction', this.profile.direction],
      ['Presence-Call-Direction', this.profile.direction],
      ['Channel-HIT-Dialplan', String(this.profile.direction === 'inbound')],
      ['Channel-Call-UUID', this.variables.get('call_uuid') ?? this.uuid],
      ['Answer-State', this.#answerState()],
    ];
    if (this.#cause !== undefined) headers.push(['Hangup-Cause', this.#cause]);
    if (this.hasCodec) headers.push(...CODEC_HEADERS);
    headers.push(...profileHeaders(this.profile, 'Caller'));
    if (this.other !== undefined) {
      headers.push(['Other-Type', this.other.type], ...profileHeaders(this.other.profile, 'Other-Leg'));
    }
    for (const [name, value] of this.variables) headers.push([`variable_${name}`, value]);
    return headers;
  }

  #answerState(): string {
    if (!this.up) return 'hangup';
    if (this.answered) return 'answered';
    return this.early ? 'early' : 'ringing';
  }

  /** A called leg's progress is also its caller's, and is copied into the caller's profile that it carries. */
  #stampBoth(time: 'progress' | 'progressMedia'): void {
    const now = microseconds(this.core.clock);
    this.profile.times[time] = now;
    if (this.other?.type !== 'originator') return;
    this.other.profile.times[time] = now;
    const caller = this.core.channels.get(this.other.profile.uuid);
    if (caller !== undefined && (time === 'progressMedia' || caller.profile.times.progress === 0)) {
      caller.profile.times[time] = now;
    }
  }
}
