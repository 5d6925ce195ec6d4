import type { CallRecord, ExecutedApplication, Progress } from '#libs/simulator/call-record.ts';
import type { CallScript, Invite } from '#libs/simulator/call-script.ts';
import { Timers } from '#libs/simulator/clock.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { CallerLeg } from '#libs/simulator/sip/caller-leg.ts';
import { playCaller } from '#libs/simulator/sip/calling-party.ts';
import type { Leg } from '#libs/simulator/sip/leg.ts';
import type { OnMessage } from '#libs/simulator/sip/message.ts';
import { runHooks } from '#libs/simulator/switch/hooks.ts';
import type { Node } from '#libs/simulator/switch/node.ts';
import { blindTransfer } from './blind-transfer.ts';
import { type ApplicationTable, CallThread, type ThreadCall } from './call-thread.ts';
import { extensionOf, type Task } from './task.ts';

/** The context of every call; a transfer into it runs the script's dialplan. */
const CONTEXT = 'default';

/** One simulated call: its script, the threads of its legs, and a record of their actions. */
export class Call implements ThreadCall {
  readonly node: Node;
  readonly script: CallScript;
  readonly table: ApplicationTable;
  readonly caller: CallerLeg;
  readonly onMessage: OnMessage | undefined;
  readonly invites: Invite[] = [];
  readonly executed: ExecutedApplication[] = [];
  readonly progress: Progress[] = [];
  readonly calledLegs: CalledLeg[] = [];
  /** A caller leg has a thread from the start, a called leg from its first transfer. */
  readonly #threads = new Map<Leg, CallThread>();
  readonly #running = new Set<Promise<void>>();

  constructor(node: Node, script: CallScript, table: ApplicationTable) {
    this.node = node;
    this.onMessage = script.onMessage;
    this.script = script;
    this.table = table;
    this.caller = new CallerLeg(node, script);
    this.#attach(this.caller);
  }

  /** Runs the dialplan on the caller leg; resolves when every thread of the call has ended. */
  async run(): Promise<CallRecord> {
    const { channel } = this.caller;
    const timers = new Timers(this.node.core.clock);
    channel.onHangup(() => timers.clear());
    playCaller(this.script, this.caller, timers);
    channel.fire('CHANNEL_CREATE');
    channel.setAll(Object.entries(this.script.variables ?? {}));
    this.#start(this.caller, this.#extension(channel.profile.destinationNumber, CONTEXT));
    while (this.#running.size > 0) await Promise.all(this.#running);
    return this.#record();
  }

  /** Sends an INVITE: records it and starts the script of the party that it reaches. */
  readonly send = (leg: CalledLeg, invite: Invite): void => {
    this.invites.push(invite);
    leg.play(this.script.callee?.(invite) ?? {});
  };

  readonly onProgress = (progress: Progress): void => {
    this.progress.push(progress);
  };

  addCalledLeg(leg: CalledLeg): void {
    this.calledLegs.push(leg);
    this.#attach(leg);
  }

  #extension(destination: string, context: string): Task {
    const { dialplan } = this.script;
    const own = typeof dialplan === 'function' ? dialplan(destination) : dialplan;
    const applications = context === CONTEXT ? own : this.node.extension(destination, context);
    return applications === undefined ? 'no route' : extensionOf(applications);
  }

  #attach(leg: Leg): void {
    const { channel } = leg;
    const interrupt = (task: Task): void => {
      const thread = this.#threads.get(leg);
      if (thread !== undefined) thread.next = task;
      channel.transferring = true;
      channel.break();
      if (thread === undefined) this.#start(leg, task);
    };
    channel.interrupt = interrupt;
    channel.transferTo = (destination, context) => {
      runHooks(this.node, channel, 'blind_transfer');
      blindTransfer(channel, destination, context);
      interrupt(this.#extension(destination, channel.profile.context));
    };
  }

  #start(leg: Leg, task: Task): void {
    const thread = new CallThread(this, leg, task);
    this.#threads.set(leg, thread);
    leg.channel.threaded = true;
    const running = thread.run().finally(() => {
      this.#running.delete(running);
      if (leg === this.caller && !this.node.core.dead)
        this.onProgress({ leg: leg.channel.uuid, action: 'hangup' });
    });
    this.#running.add(running);
  }

  #record(): CallRecord {
    const { channel, status, reason } = this.caller;
    return {
      uuid: channel.uuid,
      invites: this.invites,
      status,
      reason,
      cause: channel.cause ?? 'NORMAL_CLEARING',
      applications: this.executed,
      variables: Object.fromEntries(channel.variables),
      progress: this.progress,
    };
  }
}
