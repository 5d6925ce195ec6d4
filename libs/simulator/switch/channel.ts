import { type Clock, microseconds } from '#libs/simulator/clock.ts';
import type { Header } from '#libs/simulator/sip/message.ts';
import { type CallerProfile, profileField, profileHeaders } from './caller-profile.ts';
import { DtmfQueue } from './dtmf-queue.ts';
import { durationVariables } from './duration-variables.ts';
import { causeQ850 } from './hangup-cause.ts';
import { unflatten, type Value, Variables } from './variables.ts';

export type ChannelState =
  | 'CS_INIT'
  | 'CS_EXECUTE'
  | 'CS_EXCHANGE_MEDIA'
  | 'CS_SOFT_EXECUTE'
  | 'CS_CONSUME_MEDIA'
  | 'CS_REPORTING';

export type Direction = 'sendrecv' | 'sendonly' | 'inactive';

/** The party at the other end of a channel: what it sends in its dialog, and what FreeSWITCH shows it. */
export interface Party {
  /** CANCEL before the answer, BYE after it. */
  bye(): void;
  /** REFER with these values of Refer-To and Referred-By. */
  refer(referTo: string, referredBy: string | undefined): void;
  update(headers: readonly Header[]): void;
  reinvite(headers: readonly Header[], direction: Direction): void;
  info(headers: readonly Header[]): void;
  /** Types DTMF digits (RFC 4733). */
  dtmf(digits: string): void;
  /** FreeSWITCH shows the party another name and number (SWITCH_MESSAGE_INDICATE_DISPLAY in mod_sofia.c). */
  show(name: string, number: string): void;
  /** The same party of the channel that `sofia recover` has brought back: gets an INVITE in its dialog. */
  recover(channel: Channel): Party;
}

/** The part of its FreeSWITCH that a channel uses. */
export interface ChannelHost {
  readonly clock: Clock;
  readonly globals: ReadonlyMap<string, string>;
  readonly channels: Map<string, Channel>;
  fire(name: string, headers: () => (readonly [string, Value])[]): void;
}

/** One leg of a call as the core of FreeSWITCH sees it: state, times, variables, and the events they cause. */
export class Channel {
  readonly host: ChannelHost;
  readonly profile: CallerProfile;
  readonly variables = new Variables();
  /** Digits of its party that no application has taken. */
  readonly dtmf = new DtmfQueue();
  /** The other leg's profile, as this leg's events show it. */
  other: { readonly type: 'originator' | 'originatee'; readonly profile: CallerProfile } | undefined;
  state: ChannelState = 'CS_INIT';
  ringing = false;
  early = false;
  answered = false;
  bridgeRole: 'originator' | 'originatee' | undefined;
  lastApplication: { readonly name: string; readonly data: string } | undefined;
  /** CF_TRANSFER: a new extension waits until the running application has ended. */
  transferring = false;
  /** Ends the running application or bridge, and routes the channel to another extension. */
  transferTo: ((destination: string, context: string | undefined) => void) | undefined;
  /** Ends the running application or bridge, and runs `task` in the channel's thread. */
  interrupt: ((task: () => Promise<void>) => void) | undefined;
  /** undefined without a party: its leg has not been set up. */
  party: Party | undefined;
  /** Sends the answer to the caller; only a caller leg has it. */
  answerCaller: (() => void) | undefined;
  /** CF_DIALPLAN: a called leg that has entered the dialplan. */
  dialplan = false;
  /** The channel has a thread, which reports its end; otherwise its leg does. */
  threaded = false;
  #cause: string | undefined;
  readonly #onHangup = new Set<() => void>();
  readonly #onBreak = new Set<() => void>();
  readonly #onChange = new Set<() => void>();
  #endpointHangup: (cause: string) => void = () => {};

  constructor(host: ChannelHost, profile: CallerProfile) {
    this.host = host;
    this.profile = profile;
    host.channels.set(profile.uuid, this);
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

  /** A variable, else a field of the caller profile, else a global variable. */
  get(name: string): string | undefined {
    return this.variables.get(name) ?? profileField(this.profile, name) ?? this.host.globals.get(name);
  }

  set(name: string, value: Value | undefined): void {
    this.variables.set(name, value);
  }

  setAll(values: Iterable<readonly [string, Value]>): void {
    for (const [name, value] of values) this.variables.set(name, value);
  }

  /** The other leg, while it is up. */
  get partner(): Channel | undefined {
    const uuid = this.variables.get('signal_bond') ?? this.variables.get('originate_signal_bond');
    const partner = uuid === undefined ? undefined : this.host.channels.get(uuid);
    return partner?.up ? partner : undefined;
  }

  /** Calls back when the channel goes down. Returns a function that removes the callback. */
  onHangup(callback: () => void): () => void {
    this.#onHangup.add(callback);
    return () => this.#onHangup.delete(callback);
  }

  /** Whether the running application may continue. */
  get ready(): boolean {
    return this.up && !this.transferring;
  }

  /** Calls back when the running application must end: the channel goes down or is transferred. */
  onBreak(callback: () => void): () => void {
    this.#onBreak.add(callback);
    return () => this.#onBreak.delete(callback);
  }

  break(): void {
    for (const callback of [...this.#onBreak]) callback();
    this.#onBreak.clear();
  }

  /** Calls back when the channel rings, has media, is answered or goes down. Returns a function that removes the callback. */
  onChange(callback: () => void): () => void {
    this.#onChange.add(callback);
    return () => this.#onChange.delete(callback);
  }

  /** Runs the onChange callbacks. */
  changed(): void {
    for (const callback of [...this.#onChange]) callback();
  }

  /** Sets the endpoint module's part of a hangup, which runs just before CHANNEL_HANGUP_COMPLETE. */
  onEndpointHangup(callback: (cause: string) => void): void {
    this.#endpointHangup = callback;
  }

  /** False if the channel was ringing or answered already. */
  setRinging(): boolean {
    if (this.ringing || this.answered) return false;
    this.ringing = true;
    if (this.profile.times.progress === 0) this.#stampBoth('progress');
    this.fire('CHANNEL_PROGRESS');
    return true;
  }

  /** False if the channel had media already. */
  setEarly(): boolean {
    if (this.early || this.answered) return false;
    this.early = true;
    this.set('endpoint_disposition', 'EARLY MEDIA');
    this.#stampBoth('progressMedia');
    this.fire('CHANNEL_PROGRESS_MEDIA');
    return true;
  }

  /** False if the channel is down or was answered already. */
  setAnswered(): boolean {
    if (!this.up || this.answered) return false;
    this.profile.times.answered = microseconds(this.host.clock);
    this.answered = true;
    this.fire('CHANNEL_ANSWER');
    this.set('endpoint_disposition', 'ANSWER');
    return true;
  }

  /** Only the first cause counts. */
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
    this.changed();
  }

  /** The last step of the channel's thread: sets the final variables, fires CHANNEL_HANGUP_COMPLETE and frees the channel. */
  report(): void {
    const cause = this.#cause ?? 'NORMAL_CLEARING';
    this.profile.times.hangup = microseconds(this.host.clock);
    this.set('hangup_cause', cause);
    this.set('hangup_cause_q850', String(causeQ850(cause)));
    this.setAll(durationVariables(this.profile.times));
    if (this.lastApplication !== undefined) {
      this.set('last_app', this.lastApplication.name);
      this.set('last_arg', this.lastApplication.data);
    }
    this.#endpointHangup(cause);
    this.state = 'CS_REPORTING';
    this.fire('CHANNEL_HANGUP_COMPLETE');
    this.fire('CHANNEL_DESTROY');
    this.host.channels.delete(this.uuid);
  }

  fire(name: string, more: [string, Value][] = []): void {
    this.host.fire(name, () => [...this.headers(), ...more]);
  }

  /** The state, the profiles and all variables (switch_channel_event_set_data). */
  headers(): (readonly [string, Value])[] {
    const headers: (readonly [string, Value])[] = [
      ['Channel-State', this.state],
      ['Channel-Name', this.profile.channelName],
      ['Unique-ID', unflatten(this.uuid)],
      ['Call-Direction', this.profile.direction],
      ['Channel-Call-UUID', this.variables.get('call_uuid') ?? this.uuid],
      ['Answer-State', this.#answerState()],
    ];
    if (this.#cause !== undefined) headers.push(['Hangup-Cause', this.#cause]);
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

  /** Progress of a called leg also stamps its caller leg, and the caller's profile that the called leg carries. */
  #stampBoth(time: 'progress' | 'progressMedia'): void {
    const now = microseconds(this.host.clock);
    this.profile.times[time] = now;
    if (this.other?.type !== 'originator') return;
    this.other.profile.times[time] = now;
    const caller = this.host.channels.get(this.other.profile.uuid);
    if (caller !== undefined && (time === 'progressMedia' || caller.profile.times.progress === 0)) {
      caller.profile.times[time] = now;
    }
  }
}
