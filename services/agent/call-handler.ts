import { type Context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Bus } from '#libs/bus/connection.ts';
import { abandon, requestDecision } from '#libs/bus/decisions.ts';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow } from '#libs/bus/timeline-step.ts';
import { type CtiBridgeArguments, formatArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest, TriedLeg } from '#libs/contract/endpoint.ts';
import type { DecisionReply } from '#libs/contract/messages.ts';
import { type VariablePolicy, variablePolicy } from '#libs/contract/refused-variables.ts';
import type { Outcome } from '#libs/dialplan/applications.ts';
import { refusedVariable } from '#libs/dialplan/plan.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';
import { publicUrl } from '#libs/net/url.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { inSpan } from '#libs/telemetry/tracing.ts';
import type { CallTracker } from './call/call-tracker.ts';
import { header, nodeName } from './call/channel-data.ts';
import { type Entry, entryOf } from './call/entry.ts';
import { entryEvents } from './call/entry-event.ts';
import { originatedLegs } from './call/leg-event.ts';
import { tried } from './call/tried.ts';
import type { AgentConfig } from './config.ts';
import { parseCtiBridge, readCtiBridge } from './cti-bridge.ts';
import { decisionRequest, endpointRequest } from './endpoint-request.ts';
import type { TrackCall } from './live-call.ts';
import { countDecision } from './metrics.ts';
import { failure, isCallerGone, PlanRunner } from './plan-runner.ts';

type RequestEntry = Extract<Entry, { kind: 'request' }>;

/** How long the agent waits for a router beyond the endpoint's two timeouts. */
const ROUTER_MARGIN_MS = 250;

const CALLER_GONE = failure('caller_gone', 'the caller hung up');
const TOO_MANY_REQUESTS = failure(
  'too_many_requests',
  'MAX_REQUESTS_PER_CALL requests about this call have been made',
);
const OVERLOADED = failure('overloaded', 'the agent has too many calls in flight');

export interface CallHandlerOptions {
  readonly bus: Bus;
  readonly config: AgentConfig;
  readonly log: Log;
  /** Called for each call before its request is sent. The channel is tagged when the promise resolves. */
  readonly trackCall?: TrackCall;
  readonly timeline?: TimelineRecorder;
  /** The earlier legs of a call. Default: those in the channel data. */
  readonly tracker?: Pick<CallTracker, 'tried' | 'onEntry'>;
}

const NO_TRACKER: NonNullable<CallHandlerOptions['tracker']> = {
  tried: async (_, originated) => tried(originated, new Map()),
  onEntry: () => {},
};

/**
 * Handles each call of the `socket` application: requests a decision through the routers and carries it out, or
 * releases the call to its dialplan. All required data of a call is in the channel data.
 */
export class CallHandler {
  readonly #bus: Bus;
  readonly #config: AgentConfig;
  readonly #log: Log;
  readonly #trackCall: TrackCall;
  readonly #timeline: TimelineRecorder;
  readonly #tracker: NonNullable<CallHandlerOptions['tracker']>;
  readonly #mayBeSet: VariablePolicy;
  readonly #runner: PlanRunner;
  #deciding = 0;

  constructor(options: CallHandlerOptions) {
    const {
      bus,
      config,
      log,
      trackCall = async () => {},
      timeline = NO_TIMELINE,
      tracker = NO_TRACKER,
    } = options;
    this.#tracker = tracker;
    this.#bus = bus;
    this.#config = config;
    this.#log = log;
    this.#trackCall = trackCall;
    this.#timeline = timeline;
    this.#mayBeSet = variablePolicy(config.ALLOWED_VARIABLES);
    this.#runner = new PlanRunner(config);
  }

  /** Calls that wait for a decision. */
  get deciding(): number {
    return this.#deciding;
  }

  /** Resolves when the call is released. @throws {RangeError} when the channel data holds no timestamp. */
  async handle(call: OutboundCall): Promise<void> {
    const started = performance.now();
    const { NODE_NAME, REQUEST_VARIABLES } = this.#config;
    const entry = entryOf(call.data);
    if (entry.kind !== 'request') return this.#runner.resume(call, entry);
    const node = nodeName(call.data, NODE_NAME);
    const request = endpointRequest(call.data, node, REQUEST_VARIABLES, entry, await this.#tried(call));
    const attributes = { 'dialhook.call': request.uuid, 'dialhook.node': request.node };
    const parent = callContext(request.uuid);
    const seen: { url?: string } = {};
    this.#deciding++;
    const outcome = await inSpan(
      'decide',
      { parent, kind: SpanKind.INTERNAL, attributes },
      async (span, context) => {
        const ended = await this.#decide(call, request, entry, context, seen).catch((error: Error) =>
          this.#onError(call, request, error),
        );
        span.setAttribute('dialhook.result', ended.result);
        if (ended.result !== 'decided')
          span.setStatus({ code: SpanStatusCode.ERROR, message: this.#spanMessage(ended) });
        return ended;
      },
    ).finally(() => this.#deciding--);
    this.#report(call, request, outcome, performance.now() - started, seen.url);
  }

  /** `seen.url` is set as soon as the endpoint is known, for the metrics. */
  async #decide(
    call: OutboundCall,
    request: EndpointRequest,
    entry: RequestEntry,
    context: Context,
    seen: { url?: string },
  ): Promise<Outcome> {
    const text = await readCtiBridge(call);
    const parsed = parseCtiBridge(text, this.#config.DEFAULT_ENDPOINT_URL);
    const endpointField = parsed.ok ? { endpoint: publicUrl(parsed.endpoint.url) } : {};
    this.#timeline.add({ step: 'received', ...happensNow(request), ...endpointField, request });
    if (!parsed.ok) return this.#runner.runDefault(call, failure('invalid_arguments', parsed.error));
    const { endpoint } = parsed;
    seen.url = endpoint.url;
    // TAG_CALL exports cti_bridge as it stands. Another value is needed when FreeSWITCH would expand that one.
    const canonical = formatArguments(endpoint);
    const exported = canonical === text ? {} : { cti_bridge: canonical };
    const { event, left } = entryEvents(call.data, entry, endpoint, this.#config);
    this.#tracker.onEntry(event, entry.reason, left);
    const tracked = this.#trackCall(call.data, request, endpoint).then(() => call.tag());
    if (request.attempt > this.#config.MAX_REQUESTS_PER_CALL)
      return this.#runner.runDefault(call, TOO_MANY_REQUESTS, exported);
    if (this.#deciding > this.#config.MAX_CALLS_DECIDING)
      return this.#runner.runDefault(call, OVERLOADED, exported);

    const reply = await this.#request(call, request, endpoint, context);
    if (reply === undefined) return CALLER_GONE;
    if (reply.result !== 'decided')
      return this.#runner.runDefault(call, failure(reply.result, reply.error), exported);
    // The router may allow more variables than this agent.
    const refused = refusedVariable(reply.plan, this.#mayBeSet);
    if (refused !== undefined) {
      const error = `variables: ${refused} is not among this agent's ALLOWED_VARIABLES`;
      return this.#runner.runDefault(call, failure('invalid_decision', error), exported);
    }
    // An endpoint that does not want the hangup gets no synthesized one either.
    if ('groups' in reply.plan && reply.plan.notify?.includes('hangup') === false)
      void tracked.then(() => this.#trackCall(call.data, request, { ...endpoint, notify: false }));
    const done = await this.#runner.run(call, reply.plan, { result: 'decided' }, exported);
    return done.result === 'decided' ? done : this.#runner.runDefault(call, done, exported);
  }

  async #tried({ data }: OutboundCall): Promise<TriedLeg[]> {
    const originated = originatedLegs(data);
    return originated.length === 0 ? [] : this.#tracker.tried(header(data, 'Unique-ID'), originated);
  }

  /** Requests a decision from the routers; undefined when the caller hangs up first. */
  async #request(
    call: OutboundCall,
    request: EndpointRequest,
    endpoint: CtiBridgeArguments,
    context: Context,
  ): Promise<DecisionReply | undefined> {
    const timeoutMs = endpoint.connectTimeoutMs + endpoint.responseTimeoutMs + ROUTER_MARGIN_MS;
    const message = decisionRequest(request, endpoint, this.#config.FALLBACK_ENDPOINT_URL);
    const reply = await Promise.race([
      requestDecision(this.#bus, message, timeoutMs, context),
      aborted(call.gone),
    ]);
    if (reply === undefined || reply.result === 'router_timeout') abandon(this.#bus, request.uuid);
    return reply;
  }

  /** An error between the agent and FreeSWITCH, in most cases because the caller hung up. */
  async #onError(call: OutboundCall, { uuid, node }: EndpointRequest, error: Error): Promise<Outcome> {
    if (isCallerGone(call, error)) return CALLER_GONE;
    this.#log.error('call.failed', { ...aboutCall(uuid, node), err: error });
    return this.#runner.continueDialplan(call, failure('internal_error', error.message));
  }

  #report(
    call: OutboundCall,
    request: EndpointRequest,
    outcome: Outcome,
    tookMs: number,
    url: string | undefined,
  ): void {
    const { uuid, node, caller_id_number, destination_number } = request;
    const ms = Math.round(tookMs);
    const { applications = [], time = new Date() } = call.released ?? {};
    const when = { ...happensNow(request), time: time.toISOString() };
    this.#timeline.add({ step: 'decided', ...when, ...outcome, ms, applications: [...applications] });
    countDecision(outcome.result, node, url, tookMs);
    const line = {
      ...aboutCall(uuid, node),
      ...outcome,
      ms,
      from: caller_id_number,
      to: destination_number,
    };
    if (outcome.result === 'decided') this.#log.info('call.decided', line);
    else this.#log.warn('call.not_decided', line);
  }

  /** The error may hold phone numbers, so a trace gets it only when they are not masked. */
  #spanMessage({ result, error = '' }: Outcome): string {
    return this.#config.LOG_NUMBERS === 'masked' ? result : error;
  }
}

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
