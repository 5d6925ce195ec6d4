import type { Application, CallRecord, CallRequest, Invite, Progress } from '#libs/simulator/call-record.ts';
import { microseconds, Timers } from '#libs/simulator/clock.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { CallerLeg } from '#libs/simulator/sip/caller-leg.ts';
import { expandIn, type Node } from '#libs/simulator/switch/node.ts';
import { integer, isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { parseApplication } from './application-text.ts';
import { APPLICATIONS } from './applications.ts';

/** The thread of one call: runs the applications of its extension on the caller's channel, and then reports. */
export class CallThread {
  readonly node: Node;
  readonly caller: CallerLeg;
  readonly timers: Timers;
  readonly #request: CallRequest;
  readonly #invites: Invite[] = [];
  readonly #applications: Application[] = [];
  readonly #progress: Progress[] = [];
  /** The extension to run next; none at all when no extension matches (switch_core_standard_on_routing). */
  #next: readonly Application[] | 'no route' | undefined;

  constructor(node: Node, request: CallRequest) {
    this.node = node;
    this.#request = request;
    this.caller = new CallerLeg(node, request);
    this.timers = new Timers(node.core.clock);
    this.#next = extension(request.dialplan.map(parseApplication));
  }

  /** An `xferext` or a transfer waits for the application that runs now to end. */
  get transferred(): boolean {
    return this.#next !== undefined;
  }

  readonly told = (progress: Progress): void => {
    this.#progress.push(progress);
  };

  /** The INVITE of a leg is out: its party begins to play. */
  invited(leg: CalledLeg): void {
    this.#invites.push(leg.invite);
    leg.play(this.#request.callee?.(leg.invite) ?? {});
  }

  /** Gives the call a new extension. */
  transfer(applications: readonly Application[]): void {
    this.#next = extension(applications);
  }

  /** switch_ivr_session_transfer: what runs ends, and the dialplan is asked anew. */
  readonly #blindTransfer = (destination: string, context: string | undefined): void => {
    const { channel } = this.caller;
    const { profile } = channel;
    const { core, extension: find } = this.node;
    channel.set('max_forwards', String(integer(channel.variables.get('max_forwards') ?? '71') - 1));
    profile.rdnis = profile.destinationNumber;
    profile.destinationNumber = destination;
    profile.context = context ?? profile.context;
    const applications = find(destination, profile.context)?.map(parseApplication);
    this.#next = applications === undefined ? 'no route' : extension(applications);
    const seconds = Math.floor(microseconds(core.clock) / 1_000_000);
    const source = `${seconds}:${core.random.uuid()}:bl_xfer:${destination}/${profile.context}/XML`;
    profile.transferSource = source;
    channel.set('transfer_history', source);
    channel.set('transfer_source', source);
    channel.transferring = true;
    channel.break();
  };

  async run(): Promise<CallRecord> {
    const { channel } = this.caller;
    const { cancelAt, byeAt } = this.#request;
    channel.transferTo = this.#blindTransfer;
    channel.fire('CHANNEL_CREATE');
    channel.setAll(Object.entries(this.#request.variables ?? {}));
    channel.state = 'CS_EXECUTE';
    channel.callState = 'RINGING';
    if (cancelAt !== undefined) {
      this.timers.after(cancelAt, () => {
        if (!channel.answered) this.caller.hangUp();
      });
    }
    this.caller.onAnswered(() => {
      if (byeAt !== undefined) this.timers.after(byeAt, () => this.caller.hangUp());
    });
    await this.#executeExtensions();
    this.timers.clear();
    channel.hangup('NORMAL_CLEARING');
    channel.report();
    if (!this.node.core.dead) this.told({ leg: channel.uuid, action: 'hangup' });
    return this.#record();
  }

  /** Runs one application. False when the thread has nothing more to run. */
  async execute({ name, data }: Application): Promise<boolean> {
    const { channel } = this.caller;
    if (!channel.up) return false;
    const application = APPLICATIONS.get(name.toLowerCase());
    if (application === undefined) {
      channel.hangup('DESTINATION_OUT_OF_ORDER');
      return false;
    }
    const literal = isTrue(channel.get('app_disable_expand_variables'));
    const expanded = literal ? data : expandIn(this.node, channel, data);
    const ran = { name: name.toLowerCase(), data: expanded };
    this.#applications.push(ran);
    channel.lastApplication = ran;
    channel.set('current_application_data', expanded);
    channel.set('current_application', ran.name);
    const headers: [string, string][] = [
      ['Application', ran.name],
      ['Application-Data', expanded],
      ['Application-UUID', this.node.core.random.uuid()],
    ];
    channel.fire('CHANNEL_EXECUTE', [], headers);
    await application(this, expanded);
    channel.fire('CHANNEL_EXECUTE_COMPLETE', [], [...headers, ['Application-Response', '_none_']]);
    return true;
  }

  async #executeExtensions(): Promise<void> {
    while (this.caller.channel.up && this.#next !== undefined) {
      const applications = this.#next;
      this.#next = undefined;
      this.caller.channel.transferring = false;
      if (applications === 'no route') {
        this.caller.channel.hangup('NO_ROUTE_DESTINATION');
        break;
      }
      for (const application of applications) {
        if (this.#next !== undefined || !(await this.execute(application))) break;
      }
    }
  }

  #record(): CallRecord {
    return {
      uuid: this.caller.channel.uuid,
      invites: this.#invites,
      status: this.caller.status,
      reason: this.caller.reason,
      cause: this.caller.channel.cause ?? 'NORMAL_CLEARING',
      applications: this.#applications,
      variables: Object.fromEntries(this.caller.channel.variables),
      progress: this.#progress,
    };
  }
}

/** An application whose data holds a backslash before a quote never becomes part of an extension. */
const extension = (applications: readonly Application[]): readonly Application[] =>
  applications.filter(({ data }) => !data.includes("\\'"));
