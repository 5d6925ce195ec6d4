import { randomUUID } from 'node:crypto';
import type { CallRecord, ExecutedApplication, Progress } from '#libs/simulator/call-record.ts';
import type { CallScript, Invite } from '#libs/simulator/call-script.ts';
import { microseconds, Timers } from '#libs/simulator/clock.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { CallerLeg } from '#libs/simulator/sip/caller-leg.ts';
import { expandIn, type Node } from '#libs/simulator/switch/node.ts';
import { integer, isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { parseApplication } from './application-text.ts';

/** Runs one application on the call's leg. `data` has been expanded. */
export type ApplicationFunction = (thread: CallThread, data: string) => Promise<void> | void;

export type ApplicationTable = ReadonlyMap<string, ApplicationFunction>;

type Application = ExecutedApplication;

/** The context of every call; a transfer into it runs the script's dialplan again. */
const CONTEXT = 'default';

/** The thread of one call: runs the applications of its extension on the caller leg, and then reports its end. */
export class CallThread {
  readonly node: Node;
  readonly caller: CallerLeg;
  readonly timers: Timers;
  readonly #script: CallScript;
  readonly #table: ApplicationTable;
  readonly #invites: Invite[] = [];
  readonly #executed: ExecutedApplication[] = [];
  readonly #progress: Progress[] = [];
  /** The extension to run next: 'no route' if the dialplan has none (switch_core_standard_on_routing). */
  #next: readonly Application[] | 'no route' | undefined;

  constructor(node: Node, script: CallScript, table: ApplicationTable) {
    this.node = node;
    this.#script = script;
    this.#table = table;
    this.caller = new CallerLeg(node, script);
    this.timers = new Timers(node.core.clock);
    this.#next = extension(script.dialplan.map(parseApplication));
  }

  /** An `xferext` or a transfer waits until the running application has ended. */
  get transferred(): boolean {
    return this.#next !== undefined;
  }

  readonly onProgress = (progress: Progress): void => {
    this.#progress.push(progress);
  };

  /** Sends an INVITE: records it and starts the script of the party that it reaches. */
  readonly send = (leg: CalledLeg, invite: Invite): void => {
    this.#invites.push(invite);
    leg.play(this.#script.callee?.(invite) ?? {});
  };

  /** Gives the call a new extension (`xferext`). */
  transfer(applications: readonly Application[]): void {
    this.#next = extension(applications);
  }

  /** Ends the running application and routes the call again (switch_ivr_session_transfer). */
  readonly #transferTo = (destination: string, context: string | undefined): void => {
    const { channel } = this.caller;
    const { profile } = channel;
    channel.set('max_forwards', String(integer(channel.variables.get('max_forwards') ?? '71') - 1));
    profile.rdnis = profile.destinationNumber;
    profile.destinationNumber = destination;
    profile.context = context ?? profile.context;
    const applications = (
      profile.context === CONTEXT ? this.#script.dialplan : this.node.extension(destination, profile.context)
    )?.map(parseApplication);
    this.#next = applications === undefined ? 'no route' : extension(applications);
    const seconds = Math.floor(microseconds(this.node.core.clock) / 1_000_000);
    const source = `${seconds}:${randomUUID()}:bl_xfer:${destination}/${profile.context}/XML`;
    profile.transferSource = source;
    channel.set('transfer_history', source);
    channel.set('transfer_source', source);
    channel.transferring = true;
    channel.break();
  };

  async run(): Promise<CallRecord> {
    const { channel } = this.caller;
    const { cancelAt, byeAt } = this.#script;
    channel.transferTo = this.#transferTo;
    channel.fire('CHANNEL_CREATE');
    channel.setAll(Object.entries(this.#script.variables ?? {}));
    channel.state = 'CS_EXECUTE';
    if (cancelAt !== undefined) {
      this.timers.after(cancelAt, () => {
        if (!channel.answered) this.caller.hangUp();
      });
    }
    this.caller.onAnswered(() => {
      if (byeAt !== undefined) this.timers.after(byeAt, () => this.caller.hangUp());
    });
    await this.#runExtensions();
    this.timers.clear();
    channel.hangup('NORMAL_CLEARING');
    channel.report();
    if (!this.node.core.dead) this.onProgress({ leg: channel.uuid, action: 'hangup' });
    return this.#record();
  }

  /** Runs one application. False if the channel is down. */
  async execute({ name, data }: Application): Promise<boolean> {
    const { channel } = this.caller;
    if (!channel.up) return false;
    const application = this.#table.get(name.toLowerCase());
    if (application === undefined) {
      channel.hangup('DESTINATION_OUT_OF_ORDER');
      return false;
    }
    const literal = isTrue(channel.get('app_disable_expand_variables'));
    const executed = {
      name: name.toLowerCase(),
      data: literal ? data : expandIn(this.node, channel, data),
    };
    this.#executed.push(executed);
    channel.lastApplication = executed;
    channel.set('current_application_data', executed.data);
    channel.set('current_application', executed.name);
    const headers: [string, string][] = [
      ['Application', executed.name],
      ['Application-Data', executed.data],
      ['Application-UUID', randomUUID()],
    ];
    channel.fire('CHANNEL_EXECUTE', headers);
    await application(this, executed.data);
    channel.fire('CHANNEL_EXECUTE_COMPLETE', headers);
    return true;
  }

  async #runExtensions(): Promise<void> {
    const { channel } = this.caller;
    while (channel.up && this.#next !== undefined) {
      const applications = this.#next;
      this.#next = undefined;
      channel.transferring = false;
      if (applications === 'no route') {
        channel.hangup('NO_ROUTE_DESTINATION');
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
      applications: this.#executed,
      variables: Object.fromEntries(this.caller.channel.variables),
      progress: this.#progress,
    };
  }
}

/** FreeSWITCH leaves out an application whose data has a backslash before a quote. */
const extension = (applications: readonly Application[]): readonly Application[] =>
  applications.filter(({ data }) => !data.includes("\\'"));
