import { type Context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Bus } from '#libs/bus/connection.ts';
import { abandon, askRouters } from '#libs/bus/decisions.ts';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow } from '#libs/bus/timeline-step.ts';
import { formatArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Plan } from '#libs/contract/plan.ts';
import { type VariablePolicy, variablePolicy } from '#libs/contract/refused-variables.ts';
import type { Failure } from '#libs/contract/results.ts';
import {
  dialApplications,
  hangupApplications,
  type Outcome,
  outcomeVariables,
} from '#libs/dialplan/applications.ts';
import { refusedVariable } from '#libs/dialplan/plan.ts';
import { ClosedError } from '#libs/esl/event-socket.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';
import { publicUrl } from '#libs/http/wire-request.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { currentContext, inSpan } from '#libs/telemetry/tracing.ts';
import { nodeName } from './call/channel-data.ts';
import { callerNameInOneLine } from './caller-name.ts';
import type { AgentConfig } from './config.ts';
import { parseCtiBridge, readCtiBridge } from './cti-bridge.ts';
import { decisionRequest, endpointRequest } from './endpoint-request.ts';
import { failurePolicy } from './failure-policy.ts';
import type { TrackCall } from './live-call.ts';
import { decided } from './metrics.ts';
import { lookUpUsers } from './registrations.ts';

/** The router lets more variables pass than this agent does. */
const refusedWords = (name: string): string =>
  `variables: ${name} is not among this agent's ALLOWED_VARIABLES`;

/** What a router may take on top of the endpoint's two timeouts before the agent stops waiting for it. */
const ROUTER_MARGIN_MS = 250;

const failure = (result: Failure, error: string): Outcome => ({ result, error });

const GONE = failure('caller_gone', 'the caller gave up');
const TOO_MANY = failure('overloaded', 'the agent has too many calls in hand');

/** What the called legs are given beside what the mark gives them. */
type Exported = { readonly cti_bridge?: string };

/** Takes one call from `socket` to where it goes, or back to its dialplan. */
export class CallHandler {
  readonly #bus: Bus;
  readonly #config: AgentConfig;
  readonly #log: Log;
  readonly #trackCall: TrackCall;
  readonly #timeline: TimelineRecorder;
  readonly #variablePolicy: VariablePolicy;
  #inHand = 0;

  /** `trackCall` is called for each call before anybody is asked about it; the call is marked when it is done. */
  constructor(
    bus: Bus,
    config: AgentConfig,
    log: Log,
    trackCall: TrackCall = async () => {},
    timeline: TimelineRecorder = NO_TIMELINE,
  ) {
    this.#bus = bus;
    this.#config = config;
    this.#log = log;
    this.#trackCall = trackCall;
    this.#timeline = timeline;
    this.#variablePolicy = variablePolicy(config.ALLOWED_VARIABLES);
  }

  /** Calls waiting for a decision. */
  get deciding(): number {
    return this.#inHand;
  }

  async handle(call: OutboundCall): Promise<void> {
    const started = performance.now();
    const { NODE_NAME, REQUEST_VARIABLES } = this.#config;
    const request = endpointRequest(call.data, nodeName(call.data, NODE_NAME), REQUEST_VARIABLES);
    const { node } = request;
    const about = aboutCall(request.uuid, node);
    const attributes = { 'dialhook.call': request.uuid, 'dialhook.node': node };
    const parent = callContext(request.uuid);

    const measured: { url?: string } = {};
    this.#inHand++;
    const outcome = await inSpan(
      'decide',
      { parent, kind: SpanKind.INTERNAL, attributes },
      async (span, context) => {
        const ended = await this.#decide(call, request, context, measured).catch((error: Error) =>
          this.#fault(call, error, about),
        );
        span.setAttribute('dialhook.result', ended.result);
        if (ended.result !== 'decided')
          span.setStatus({ code: SpanStatusCode.ERROR, message: this.#shown(ended) });
        return ended;
      },
    ).finally(() => this.#inHand--);

    const tookMs = performance.now() - started;
    const ms = Math.round(tookMs);
    const { applications = [], time = new Date() } = call.told ?? {};
    const when = { ...happensNow(request), time: time.toISOString() };
    this.#timeline.add({ step: 'decided', ...when, ...outcome, ms, applications: [...applications] });
    decided(outcome.result, node, measured.url, tookMs);
    const line = {
      ...about,
      ...outcome,
      ms,
      from: request.caller_id_number,
      to: request.destination_number,
    };
    if (outcome.result === 'decided') this.#log.info('call.decided', line);
    else this.#log.warn('call.not_decided', line);
  }

  /** Why there is no decision, for traces: the words of an error may hold numbers. */
  #shown({ result, error = '' }: Outcome): string {
    return this.#config.LOG_NUMBERS === 'masked' ? result : error;
  }

  async #decide(
    call: OutboundCall,
    request: EndpointRequest,
    context: Context,
    measured: { url?: string },
  ): Promise<Outcome> {
    const text = await readCtiBridge(call);
    const parsed = parseCtiBridge(text, this.#config.DEFAULT_ENDPOINT_URL);
    const asked = parsed.ok ? { endpoint: publicUrl(parsed.endpoint.url) } : {};
    this.#timeline.add({ step: 'received', ...happensNow(request), ...asked, request });
    if (!parsed.ok) return this.#undecided(call, failure('invalid_arguments', parsed.error));
    const { endpoint } = parsed;
    const canonical = formatArguments(endpoint);
    // The called legs get the text as it stands, by the mark on the call.
    const exported = canonical === text ? {} : { cti_bridge: canonical };
    measured.url = endpoint.url;
    void this.#trackCall(call.data, request, endpoint).then(() => call.tag());
    if (this.#inHand > this.#config.MAX_CALLS_DECIDING) return this.#undecided(call, TOO_MANY, exported);

    const timeoutMs = endpoint.connectTimeoutMs + endpoint.responseTimeoutMs + ROUTER_MARGIN_MS;
    const question = decisionRequest(request, endpoint, this.#config.FALLBACK_ENDPOINT_URL);
    const reply = await Promise.race([
      askRouters(this.#bus, question, timeoutMs, context),
      aborted(call.gone),
    ]);
    if (reply === 'gone') {
      abandon(this.#bus, request.uuid);
      return GONE;
    }
    if (reply.result === 'router_timeout') abandon(this.#bus, request.uuid);
    if (reply.result !== 'decided')
      return this.#undecided(call, failure(reply.result, reply.error), exported);
    const refused = refusedVariable(reply.plan, this.#variablePolicy);
    if (refused !== undefined)
      return this.#undecided(call, failure('invalid_decision', refusedWords(refused)), exported);
    const done = await this.#carryOut(call, reply.plan, { result: 'decided' }, exported);
    return done.result === 'decided' ? done : this.#undecided(call, done, exported);
  }

  /** Does what a plan says. `user_not_registered` when none of its targets can be dialled: nothing is done then. */
  async #carryOut(
    call: OutboundCall,
    plan: Plan,
    outcome: Outcome,
    exported: Exported = {},
  ): Promise<Outcome> {
    if ('hangup' in plan) {
      await executing(() => call.runAndRelease(hangupApplications(plan.hangup, outcome)));
      return outcome;
    }
    const { groups, missing } = await lookUpUsers(call, plan, this.#config.SIP_DOMAIN);
    const words = missing.length > 0 ? `not registered: ${missing.join(', ')}` : outcome.error;
    if (groups.length === 0) return failure('user_not_registered', words ?? '');
    const done = words === undefined ? outcome : { ...outcome, error: words };
    const policy = failurePolicy(call.data, plan, this.#config);
    const variables = { ...exported, ...callerNameInOneLine(call.data), ...plan.variables };
    await executing(() => call.runAndRelease(dialApplications(groups, variables, done, policy)));
    return done;
  }

  /** What goes wrong between here and FreeSWITCH: as a rule the caller has gone. */
  async #fault(call: OutboundCall, error: Error, about: object): Promise<Outcome> {
    if (isGone(call, error)) return GONE;
    this.#log.error('call.failed', { ...about, err: error });
    return this.#fallThrough(call, failure('internal_error', error.message));
  }

  /** Without a decision: the operator's default decision, if there is one, or else the dialplan. */
  async #undecided(call: OutboundCall, outcome: Outcome, exported: Exported = {}): Promise<Outcome> {
    const { DEFAULT_DECISION: plan } = this.#config;
    if (plan === undefined) return this.#fallThrough(call, outcome, exported);
    const error = `${outcome.result}: ${outcome.error ?? ''}`;
    const done = await this.#carryOut(call, plan, { result: 'defaulted', error }, exported);
    return done.result === 'defaulted' ? done : this.#fallThrough(call, outcome, exported);
  }

  /** The dialplan goes on; the endpoint still hears what becomes of the call. */
  async #fallThrough(call: OutboundCall, outcome: Outcome, exported: Exported = {}): Promise<Outcome> {
    await executing(() => call.setAndRelease(outcomeVariables(outcome), exported)).catch((fault: Error) =>
      isGone(call, fault) ? undefined : Promise.reject(fault),
    );
    return outcome;
  }
}

/** FreeSWITCH is told what to do, until it has accepted that. */
const executing = (work: () => Promise<void>): Promise<void> =>
  inSpan('execute', { parent: currentContext(), kind: SpanKind.CLIENT }, work);

/** A connection that its other end has closed takes nothing more, a moment before it is known to be closed. */
const isGone = (call: OutboundCall, error: Error): boolean =>
  call.gone.aborted || error instanceof ClosedError;

const aborted = (signal: AbortSignal): Promise<'gone'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('gone');
    else signal.addEventListener('abort', () => resolve('gone'), { once: true });
  });
