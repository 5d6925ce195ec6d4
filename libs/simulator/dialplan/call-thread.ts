import { randomUUID } from 'node:crypto';
import type { ExecutedApplication, Progress } from '#libs/simulator/call-record.ts';
import type { Invite } from '#libs/simulator/call-script.ts';
import { Timers } from '#libs/simulator/clock.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import type { Leg } from '#libs/simulator/sip/leg.ts';
import type { OnMessage } from '#libs/simulator/sip/message.ts';
import { expandIn, type Node } from '#libs/simulator/switch/node.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import type { Application, Task } from './task.ts';

/** Runs one application on a leg. `data` has been expanded. */
export type ApplicationFunction = (thread: CallThread, data: string) => Promise<void> | void;

export type ApplicationTable = ReadonlyMap<string, ApplicationFunction>;

/** The part of its call that a thread uses. */
export interface ThreadCall {
  readonly node: Node;
  readonly table: ApplicationTable;
  readonly executed: ExecutedApplication[];
  /** Sends an INVITE: records it and starts the script of the party that it reaches. */
  readonly send: (leg: CalledLeg, invite: Invite) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onMessage: OnMessage | undefined;
  addCalledLeg(leg: CalledLeg): void;
}

/** The thread of one leg: runs the applications of its extension, and then reports the leg's end. */
export class CallThread {
  readonly call: ThreadCall;
  readonly node: Node;
  readonly leg: Leg;
  readonly timers: Timers;
  /** Waits until the running application has ended: an `xferext`, a transfer or a bridge by uuid. */
  next: Task | undefined;

  constructor(call: ThreadCall, leg: Leg, task: Task) {
    this.call = call;
    this.node = call.node;
    this.leg = leg;
    this.next = task;
    this.timers = new Timers(call.node.core.clock);
  }

  get transferred(): boolean {
    return this.next !== undefined;
  }

  async run(): Promise<void> {
    const { channel } = this.leg;
    while (channel.up && this.next !== undefined) {
      const task = this.next;
      this.next = undefined;
      channel.transferring = false;
      await this.#runTask(task);
    }
    this.timers.clear();
    channel.hangup('NORMAL_CLEARING');
    channel.report();
  }

  /** Runs one application. False if the channel is down. */
  async execute({ name, data }: Application): Promise<boolean> {
    const { channel } = this.leg;
    if (!channel.up) return false;
    const application = this.call.table.get(name.toLowerCase());
    if (application === undefined) {
      channel.hangup('DESTINATION_OUT_OF_ORDER');
      return false;
    }
    const literal = isTrue(channel.get('app_disable_expand_variables'));
    const executed = {
      name: name.toLowerCase(),
      data: literal ? data : expandIn(this.node, channel, data),
    };
    this.call.executed.push(executed);
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

  async #runTask(task: Task): Promise<void> {
    const { channel } = this.leg;
    if (task === 'no route') {
      channel.hangup('NO_ROUTE_DESTINATION');
      return;
    }
    if (typeof task === 'function') {
      await task();
      return;
    }
    channel.state = 'CS_EXECUTE';
    for (const application of task) {
      if (this.transferred || !(await this.execute(application))) break;
    }
  }
}
