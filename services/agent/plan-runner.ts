import { SpanKind } from '@opentelemetry/api';
import type { Plan } from '#libs/contract/plan.ts';
import type { Failure } from '#libs/contract/results.ts';
import {
  ATTEMPT_VARIABLE,
  CAUSE_VARIABLE,
  dialApplications,
  FORGET_STATUS,
  hangupApplications,
  NOTIFY_VARIABLE,
  notifySetting,
  type Outcome,
  outcomeVariables,
  UNDO_VARIABLE,
} from '#libs/dialplan/applications.ts';
import type { Settings } from '#libs/dialplan/settings.ts';
import { ClosedError } from '#libs/esl/event-socket.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';
import { currentContext, inSpan } from '#libs/telemetry/tracing.ts';
import { type ChannelData, variable } from './call/channel-data.ts';
import { attemptOf, type Entry, isRedirect, reportedTransfers, targetFailure } from './call/entry.ts';
import { callerFacts } from './call/identity.ts';
import type { AgentConfig } from './config.ts';
import { failurePolicy } from './failure-policy.ts';
import { lookUpUsers } from './registrations.ts';

export const failure = (result: Failure, error: string): Outcome => ({ result, error });

/** Variables set on the called legs, besides those of TAG_CALL and of the plan. */
export type Exported = { readonly cti_bridge?: string };

/** Whether an error means that the caller hung up: writing to a closed connection can fail before `gone` is aborted. */
export const isCallerGone = (call: OutboundCall, error: Error): boolean =>
  call.gone.aborted || error instanceof ClosedError;

/** Sets NOTIFY_VARIABLE, or clears that of an earlier decision. */
function notifySettings(data: ChannelData, actions: readonly string[] | undefined): Settings {
  const setting = notifySetting(actions);
  return setting === '' && variable(data, NOTIFY_VARIABLE) === '' ? {} : { [NOTIFY_VARIABLE]: setting };
}

/** The span of the last step: from writing the applications until FreeSWITCH has accepted them. */
const executeSpan = (work: () => Promise<void>): Promise<void> =>
  inSpan('execute', { parent: currentContext(), kind: SpanKind.CLIENT }, work);

/** Carries out a plan on a call, or releases the call to its dialplan. */
export class PlanRunner {
  readonly #config: AgentConfig;

  constructor(config: AgentConfig) {
    this.#config = config;
  }

  /**
   * Carries out the plan and resolves with `outcome`; its `error` names users without a registered device. Resolves
   * with `user_not_registered`, and leaves the call as it is, when none of the targets can be dialled.
   */
  async run(call: OutboundCall, plan: Plan, outcome: Outcome, exported: Exported = {}): Promise<Outcome> {
    if ('hangup' in plan) {
      await executeSpan(() =>
        call.runAndRelease(hangupApplications(plan.hangup, outcome, attemptOf(call.data))),
      );
      return outcome;
    }
    const { groups, missing } = await lookUpUsers(call, plan, this.#config.SIP_DOMAIN);
    const error = missing.length > 0 ? `not registered: ${missing.join(', ')}` : outcome.error;
    if (groups.length === 0) return failure('user_not_registered', error ?? '');
    const done = error === undefined ? outcome : { ...outcome, error };
    const dial = {
      groups,
      plan,
      caller: callerFacts(call.data),
      exported,
      outcome: done,
      attempt: attemptOf(call.data),
      settings: { ...reportedTransfers(call.data), ...notifySettings(call.data, plan.notify) },
      undo: variable(call.data, UNDO_VARIABLE),
      policy: failurePolicy(call.data, plan, this.#config),
    };
    await executeSpan(() => call.runAndRelease(dialApplications(dial)));
    return done;
  }

  /** After a failed target, without a request: hangs the caller up, or releases it to the next application of FreeSWITCH. */
  async resume(call: OutboundCall, entry: Exclude<Entry, { kind: 'request' }>): Promise<void> {
    const work = () =>
      entry.kind === 'hangup'
        ? call.runAndRelease([
            ...(isRedirect(targetFailure(call.data)) ? [FORGET_STATUS] : []),
            { name: 'hangup', data: entry.cause },
          ])
        : call.setAndRelease({}, {});
    await work().catch((error: Error) => {
      if (!isCallerGone(call, error)) throw error;
    });
  }

  /** Without a decision: carries out DEFAULT_DECISION if it is set and can be dialled; otherwise the dialplan continues. */
  async runDefault(call: OutboundCall, outcome: Outcome, exported: Exported = {}): Promise<Outcome> {
    const { DEFAULT_DECISION: plan } = this.#config;
    if (plan === undefined) return this.continueDialplan(call, outcome, exported);
    const error = `${outcome.result}: ${outcome.error ?? ''}`;
    const done = await this.run(call, plan, { result: 'defaulted', error }, exported);
    return done.result === 'defaulted' ? done : this.continueDialplan(call, outcome, exported);
  }

  /** Releases the call with `dialhook_result` set. `exported` lets notifications of it still find their endpoint. */
  async continueDialplan(call: OutboundCall, outcome: Outcome, exported: Exported = {}): Promise<Outcome> {
    const last = targetFailure(call.data);
    const variables = {
      ...outcomeVariables(outcome),
      [ATTEMPT_VARIABLE]: String(attemptOf(call.data)),
      ...reportedTransfers(call.data),
      ...(last.cause === '' ? {} : { [CAUSE_VARIABLE]: last.cause }),
      ...(isRedirect(last) ? { last_bridge_proto_specific_hangup_cause: '' } : {}),
    };
    await executeSpan(() => call.setAndRelease(variables, exported)).catch((error: Error) => {
      if (!isCallerGone(call, error)) throw error;
    });
    return outcome;
  }
}
