import { SpanKind } from '@opentelemetry/api';
import type { Collect } from '#libs/contract/collect.ts';
import type { DialPlan, Plan } from '#libs/contract/plan.ts';
import type { Failure } from '#libs/contract/results.ts';
import { acceptanceOf } from '#libs/dialplan/acceptance.ts';
import {
  CAUSE_VARIABLE,
  CLEAR_LAST_FAILURE,
  CLEAR_LAST_STATUS,
  CLEAR_LAST_STATUS_APPLICATION,
  REDIRECT_PREFIX_VARIABLE,
  REDIRECT_VARIABLE,
} from '#libs/dialplan/after-failure.ts';
import {
  ATTEMPT_VARIABLE,
  announcementOf,
  collectionApplications,
  dialApplications,
  hangupApplications,
} from '#libs/dialplan/applications.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { readDigitsApplications } from '#libs/dialplan/collect.ts';
import { durationLimitOf } from '#libs/dialplan/duration.ts';
import { type Outcome, outcomeVariables } from '#libs/dialplan/outcome.ts';
import { BRIDGE_EXPORTS, type CallerFacts } from '#libs/dialplan/presentation.ts';
import { type Recording, recordingOf } from '#libs/dialplan/recording.ts';
import { type ReportingSettings, reportingSettings } from '#libs/dialplan/reporting.ts';
import { skippedSettings } from '#libs/dialplan/skipped.ts';
import { UNDO_VARIABLE } from '#libs/dialplan/undo.ts';
import { ClosedError } from '#libs/esl/event-socket.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { currentContext, inSpan } from '#libs/telemetry/tracing.ts';
import { type ChannelData, eventTime, legId, nodeName, variable } from './call/channel-data.ts';
import {
  attemptOf,
  hasOddStatus,
  isTagged,
  reportedTransfers,
  type SocketEntry,
  targetFailure,
} from './call/entry.ts';
import { callerFacts } from './call/identity.ts';
import { originatedLegs, skippedTargets } from './call/leg-event.ts';
import type { AgentConfig } from './config.ts';
import { failurePolicy, socketHosts } from './failure-policy.ts';
import type { Admitted, LimitedCall } from './limits/wanted-places.ts';
import { lookUpUsers } from './registrations.ts';

export const failure = (result: Failure, error: string): Outcome => ({ result, error });

/** Variables set on the called legs, besides those of TAG_CALL and of the plan. */
export type Exported = { readonly cti_bridge?: string };

/** Whether an error means that the caller hung up: writing to a closed connection can fail before `gone` is aborted. */
export const isCallerGone = (call: OutboundCall, error: Error): boolean =>
  call.gone.aborted || error instanceof ClosedError;

/** Called when a decision names a sound that is not in the setting. */
export type UnknownSound = (data: ChannelData, setting: 'SOUNDS' | 'RINGBACKS', name: string) => void;

/** Adds the targets that this decision does not dial to those of earlier decisions about the call. */
function skippedOf(data: ChannelData, { skipped }: Admitted) {
  if (skipped.length === 0) return {};
  const after = originatedLegs(data).length;
  return skippedSettings(
    isTagged(data) ? skippedTargets(data) : [],
    skipped.map((one) => ({ after, ...one })),
  );
}

/** The span of the last step: from writing the applications until FreeSWITCH has accepted them. */
const executeSpan = (work: () => Promise<void>): Promise<void> =>
  inSpan('execute', { parent: currentContext(), kind: SpanKind.CLIENT }, work);

/** Decides which targets of a decision are dialled, and in which order. */
export type Admit = (
  call: LimitedCall,
  groups: readonly DialableGroup[],
  plan: Pick<DialPlan, 'limit'>,
) => Promise<Admitted>;

const admitAll: Admit = async (_, groups) => ({ groups, skipped: [] });

/** Carries out a plan on a call, or releases the call to its dialplan. */
export class PlanRunner {
  readonly #config: AgentConfig;
  readonly #onUnknownSound: UnknownSound;
  readonly #admitted: Admit;

  constructor(config: AgentConfig, onUnknownSound: UnknownSound = () => {}, admit: Admit = admitAll) {
    this.#config = config;
    this.#onUnknownSound = onUnknownSound;
    this.#admitted = admit;
  }

  #sound(
    { data }: OutboundCall,
    name: string,
    setting: 'SOUNDS' | 'RINGBACKS' = 'SOUNDS',
  ): string | undefined {
    const path = this.#config[setting]?.get(name);
    if (path === undefined) this.#onUnknownSound(data, setting, name);
    return path;
  }

  /**
   * Carries out the plan and resolves with `outcome`; its `error` names users without a registered device. Resolves
   * with `user_not_registered`, and leaves the call as it is, when none of the targets can be dialled.
   */
  async run(call: OutboundCall, plan: Plan, outcome: Outcome, exported: Exported = {}): Promise<Outcome> {
    // The tag of a new call unsets the variables of the call that the channel has left.
    const read = (name: string) => (isTagged(call.data) ? variable(call.data, name) : '');
    const reporting = reportingSettings(plan, read);
    if ('hangup' in plan) {
      const announcement = announcementOf(plan, (name) => this.#sound(call, name));
      const attempt = attemptOf(call.data);
      const applications = hangupApplications(
        plan.hangup,
        outcome,
        attempt,
        reporting.settings,
        announcement,
      );
      await executeSpan(() => call.runAndRelease(applications));
      return outcome;
    }
    if ('collect' in plan) return this.#collect(call, plan.collect, outcome, reporting);
    const { groups, missing } = await lookUpUsers(call, plan, this.#config.SIP_DOMAIN);
    const error = missing.length > 0 ? `not registered: ${missing.join(', ')}` : outcome.error;
    if (groups.length === 0) return failure('user_not_registered', error ?? '');
    const done = error === undefined ? outcome : { ...outcome, error };
    const admitted = await this.#admit(call, groups, plan);
    const caller = callerFacts(call.data);
    const dial = {
      groups: admitted.groups,
      plan,
      caller,
      exported,
      outcome: done,
      attempt: attemptOf(call.data),
      settings: { ...reportedTransfers(call.data), ...skippedOf(call.data, admitted) },
      reporting,
      ringback: plan.ringback === undefined ? undefined : this.#sound(call, plan.ringback, 'RINGBACKS'),
      duration: durationLimitOf(plan, (name) => this.#sound(call, name)),
      recording: this.#recording(call, plan, caller),
      acceptance: acceptanceOf(plan, (name) => this.#sound(call, name)),
      undo: variable(call.data, UNDO_VARIABLE),
      bridgeExports: variable(call.data, BRIDGE_EXPORTS),
      policy: failurePolicy(call.data, plan, this.#config),
    };
    await executeSpan(() => call.runAndRelease(dialApplications(dial)));
    return done;
  }

  #recording(call: OutboundCall, plan: DialPlan, caller: CallerFacts): Recording | undefined {
    const { RECORDINGS: nameOf, NODE_NAME } = this.#config;
    if (nameOf === undefined || plan.record === undefined) return undefined;
    const { data } = call;
    const recorded = { uuid: legId(data), node: nodeName(data, NODE_NAME), caller, at: eventTime(data) };
    return recordingOf(
      plan,
      (leg) => nameOf(recorded, leg),
      (name) => this.#sound(call, name),
    );
  }

  #admit(call: OutboundCall, groups: readonly DialableGroup[], plan: DialPlan): Promise<Admitted> {
    const { data } = call;
    const node = nodeName(data, this.#config.NODE_NAME);
    return this.#admitted({ uuid: legId(data), node, attempt: attemptOf(data) }, groups, plan);
  }

  /** Collects digits. Leaves the call as it is when no request can follow. */
  async #collect(
    call: OutboundCall,
    collect: Collect,
    outcome: Outcome,
    reporting: ReportingSettings,
  ): Promise<Outcome> {
    const attempt = attemptOf(call.data);
    const { MAX_REQUESTS_PER_CALL: max } = this.#config;
    if (attempt >= max)
      return failure(
        'too_many_requests',
        `collect: needs another request, and ${max} about this call have been made (MAX_REQUESTS_PER_CALL)`,
      );
    const socket = socketHosts(call.data);
    if (socket === undefined)
      return failure(
        'invalid_decision',
        'collect: needs a socket action in the dialplan with HOST:PORT only',
      );
    const applications = collectionApplications({
      applications: readDigitsApplications(collect, (name) => this.#sound(call, name), socket),
      outcome,
      attempt,
      settings: reportedTransfers(call.data),
      reporting,
      undo: variable(call.data, UNDO_VARIABLE),
    });
    await executeSpan(() => call.runAndRelease(applications));
    return outcome;
  }

  /** Releases the caller to the `bridge` that dials where the last target redirected to. */
  async followRedirect(call: OutboundCall, endpoint: string): Promise<void> {
    const prefix = Buffer.from(variable(call.data, REDIRECT_PREFIX_VARIABLE), 'base64url').toString('utf8');
    await this.#ignoringGoneCaller(call, () =>
      call.setAndRelease({ ...CLEAR_LAST_FAILURE, [REDIRECT_VARIABLE]: `${prefix}${endpoint}` }, {}),
    );
  }

  /** Before a request: an operator who hangs up while the endpoint decides must not answer the caller with 3xx. */
  async forgetRedirect(call: OutboundCall): Promise<void> {
    if (!hasOddStatus(targetFailure(call.data))) return;
    await this.#ignoringGoneCaller(call, async () => {
      await call.execute(CLEAR_LAST_STATUS_APPLICATION.name, CLEAR_LAST_STATUS_APPLICATION.data);
    });
  }

  async #ignoringGoneCaller(call: OutboundCall, work: () => Promise<void>): Promise<void> {
    await work().catch((error: Error) => {
      if (!isCallerGone(call, error)) throw error;
    });
  }

  /** After a failed target, without a request: hangs the caller up, or releases it to the next application of FreeSWITCH. */
  async resume(
    call: OutboundCall,
    entry: Extract<SocketEntry, { kind: 'continue' | 'hangup' }>,
  ): Promise<void> {
    const work = () =>
      entry.kind === 'hangup'
        ? call.runAndRelease([
            ...(hasOddStatus(targetFailure(call.data)) ? [CLEAR_LAST_STATUS_APPLICATION] : []),
            { name: 'hangup', data: entry.cause },
          ])
        : call.setAndRelease({}, {});
    await this.#ignoringGoneCaller(call, work);
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
      ...(hasOddStatus(last) ? CLEAR_LAST_STATUS : {}),
    };
    await executeSpan(() => call.setAndRelease(variables, exported)).catch((error: Error) => {
      if (!isCallerGone(call, error)) throw error;
    });
    return outcome;
  }
}
