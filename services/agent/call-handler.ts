import { type Context, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow } from '#libs/bus/timeline-step.ts';
import { type CtiBridgeArguments, formatArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { DecisionReply } from '#libs/contract/messages.ts';
import { type VariablePolicy, variablePolicy } from '#libs/contract/refused-variables.ts';
import type { RequestFacts } from '#libs/decision/request-facts.ts';
import type { Outcome } from '#libs/dialplan/outcome.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import { publicUrl } from '#libs/net/url.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { inSpan } from '#libs/telemetry/tracing.ts';
import { type EarlierEvents, NO_EARLIER_EVENTS } from './call/call-tracker.ts';
import { type ChannelData, legId, nodeName } from './call/channel-data.ts';
import { isTagged } from './call/entry.ts';
import { entryEvents } from './call/entry-event.ts';
import { exactCaller, exactUuid } from './call/exact-data.ts';
import type { AgentConfig } from './config.ts';
import { parseCtiBridge, readCtiBridge } from './cti-bridge.ts';
import type { DecisionSource } from './decision-source.ts';
import { decisionRequest, endpointRequest } from './endpoint-request.ts';
import { Entries, type RequestEntry } from './entries.ts';
import { type LiveCallParts, LiveCallRecord, type TrackCall } from './live-call.ts';
import { countDecision, countUnknownSound } from './metrics.ts';
import { refusalOf } from './plan-refusal.ts';
import { type Admit, failure, isCallerGone, PlanRunner } from './plan-runner.ts';

/** How long the agent waits for a router beyond the endpoint's two timeouts. */
const ROUTER_MARGIN_MS = 250;

const CALLER_GONE = failure('caller_gone', 'the caller hung up');

export interface CallHandlerOptions {
  readonly decisions: DecisionSource;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly aside: SetAside;
  /** Called for each call before its request is sent. The channel is tagged when the promise resolves. */
  readonly trackCall?: TrackCall;
  readonly timeline?: TimelineRecorder;
  /** Default: the earlier legs of a call are those in its channel data. */
  readonly tracker?: EarlierEvents;
  /** Default: every target is dialled, in order. */
  readonly admit?: Admit | undefined;
  /** Called when a caller has hung up before its call was placed. */
  readonly onCallerGone?: (uuid: string) => void;
  /** Called when a caller has hung up and its channel may not be tagged. Its live call is stored. */
  readonly onUntaggedHangup?: () => void;
}

/** What becomes known while a call is decided. */
interface Seen {
  /** Of the endpoint and the request, for the metrics and the log line. */
  url?: string;
  facts?: RequestFacts;
  /** Resolves when NATS has stored the live call. */
  stored?: Promise<void>;
}

/**
 * Handles each call of the `socket` application: requests a decision and carries it out, or
 * releases the call to its dialplan. All required data of a call is in the channel data.
 */
export class CallHandler {
  readonly #decisions: DecisionSource;
  readonly #config: AgentConfig;
  readonly #log: Log;
  readonly #aside: SetAside;
  readonly #liveCalls: LiveCallParts;
  readonly #timeline: TimelineRecorder;
  readonly #tracker: EarlierEvents;
  readonly #mayBeSet: VariablePolicy;
  readonly #runner: PlanRunner;
  readonly #entries: Entries;
  readonly #onUntaggedHangup: () => void;
  readonly #onCallerGone: (uuid: string) => void;
  #deciding = 0;

  constructor(options: CallHandlerOptions) {
    const {
      decisions,
      config,
      log,
      aside,
      trackCall = async () => {},
      timeline = NO_TIMELINE,
      tracker = NO_EARLIER_EVENTS,
      onUntaggedHangup = () => {},
      admit,
      onCallerGone = () => {},
    } = options;
    this.#onCallerGone = onCallerGone;
    this.#onUntaggedHangup = onUntaggedHangup;
    this.#tracker = tracker;
    this.#decisions = decisions;
    this.#config = config;
    this.#log = log;
    this.#aside = aside;
    this.#liveCalls = { track: trackCall, log, aside };
    this.#timeline = timeline;
    this.#mayBeSet = variablePolicy(config.ALLOWED_VARIABLES);
    this.#runner = new PlanRunner(
      config,
      (data, setting, sound) => this.#onUnknownSound(data, setting, sound),
      admit,
    );
    this.#entries = new Entries({ config, log, tracker, runner: this.#runner });
  }

  /** Calls that wait for a decision. */
  get deciding(): number {
    return this.#deciding;
  }

  /** Resolves when the call is released. A call whose channel data cannot be used continues in the dialplan. */
  async handle(call: OutboundCall): Promise<void> {
    try {
      await this.#handle(call);
    } catch (error) {
      if (isCallerGone(call, error as Error)) return;
      this.#aside.add('call', error, { call: legId(call.data) });
      await this.#runner.continueDialplan(call, failure('internal_error', (error as Error).message));
    }
  }

  async #handle(call: OutboundCall): Promise<void> {
    const started = performance.now();
    const { NODE_NAME, REQUEST_VARIABLES } = this.#config;
    call.correct(await exactUuid(call));
    const entry = await this.#entries.requestOf(call);
    if (entry === undefined) return;
    call.correct(await exactCaller(call));
    const node = nodeName(call.data, NODE_NAME);
    const request = endpointRequest(
      call.data,
      node,
      REQUEST_VARIABLES,
      entry,
      await this.#entries.tried(call),
    );
    const attributes = { 'dialhook.call': request.uuid, 'dialhook.node': request.node };
    const parent = callContext(request.uuid);
    const seen: Seen = {};
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
    if (outcome.result === 'caller_gone') {
      this.#onCallerGone(request.uuid);
      // A channel that hangs up does not execute a tag that was sent: its hangup event is not published then.
      const { stored } = seen;
      if (stored !== undefined && !isTagged(call.data))
        inBackground(this.#log, 'hangup of an untagged channel', stored.then(this.#onUntaggedHangup));
    }
    this.#report(call, request, outcome, performance.now() - started, seen);
  }

  async #decide(
    call: OutboundCall,
    request: EndpointRequest,
    entry: RequestEntry,
    context: Context,
    seen: Seen,
  ): Promise<Outcome> {
    const { text, isExact } = await readCtiBridge(call);
    const parsed = parseCtiBridge(text, this.#config.DEFAULT_ENDPOINT_URL);
    const endpointField = parsed.ok
      ? {
          endpoint: publicUrl(parsed.endpoint.url),
          ...(parsed.endpoint.notify ? {} : { notify: false as const }),
        }
      : {};
    this.#timeline.add({ step: 'received', ...happensNow(request), ...endpointField, request });
    if (!parsed.ok) return this.#runner.runDefault(call, failure('invalid_arguments', parsed.error));
    const { endpoint } = parsed;
    seen.url = endpoint.url;
    // TAG_CALL exports cti_bridge as it stands. Another value is needed when FreeSWITCH would expand that one.
    const canonical = formatArguments(endpoint);
    // The events of the caller leg must name the endpoint that gets the request.
    if (!isExact) await call.execute('set', `cti_bridge=${canonical}`);
    const exported = canonical === text ? {} : { cti_bridge: canonical };
    await this.#runner.forgetRedirect(call);
    const { event, left } = entryEvents(call.data, entry, endpoint, this.#config);
    this.#tracker.onEntry(event, entry.reason, left);
    const url = event.subscriber?.url ?? endpoint.url;
    const record = new LiveCallRecord(this.#liveCalls, call.data, request, endpoint, url);
    seen.stored = record.stored;
    inBackground(
      this.#log,
      'tag of a channel',
      record.stored.then(() => call.tag()),
    );
    if (request.attempt > this.#config.MAX_REQUESTS_PER_CALL)
      // Without DEFAULT_DECISION, which may have led the call here.
      return this.#runner.continueDialplan(call, tooManyRequests(this.#config), exported);
    if (this.#deciding > this.#config.MAX_CALLS_DECIDING)
      return this.#runner.runDefault(call, overloaded(this.#config), exported);

    const reply = await this.#request(call, request, endpoint, context, seen);
    if (reply === undefined) return CALLER_GONE;
    if (reply.result !== 'decided')
      return this.#runner.runDefault(call, failure(reply.result, reply.error), exported);
    const refusal = refusalOf(reply.plan, this.#mayBeSet, this.#config);
    if (refusal !== undefined)
      return this.#runner.runDefault(call, failure('invalid_decision', refusal), exported);
    record.decide(reply.plan);
    const done = await this.#runner.run(call, reply.plan, { result: 'decided' }, exported);
    return done.result === 'decided' ? done : this.#runner.runDefault(call, done, exported);
  }

  /** Requests a decision; undefined when the caller hangs up first. */
  async #request(
    call: OutboundCall,
    request: EndpointRequest,
    endpoint: CtiBridgeArguments,
    context: Context,
    seen: Seen,
  ): Promise<DecisionReply | undefined> {
    const timeoutMs = endpoint.connectTimeoutMs + endpoint.responseTimeoutMs + ROUTER_MARGIN_MS;
    const message = decisionRequest(request, endpoint, this.#config.FALLBACK_ENDPOINT_URL);
    const reply = await Promise.race([
      this.#decisions.request(message, timeoutMs, context, (facts) => {
        seen.facts = facts;
      }),
      aborted(call.gone),
    ]);
    if (reply === undefined || reply.result === 'router_timeout') this.#decisions.abandon(request.uuid);
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
    { url, facts }: Seen,
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
      ...facts,
      from: caller_id_number,
      to: destination_number,
    };
    if (outcome.result === 'decided') this.#log.info('call.decided', line);
    else this.#log.warn('call.not_decided', line);
  }

  #onUnknownSound(data: ChannelData, setting: string, sound: string): void {
    const node = nodeName(data, this.#config.NODE_NAME);
    this.#log.warn('sound.unknown', { ...aboutCall(legId(data), node), setting, sound });
    countUnknownSound(node);
  }

  /** The error may hold phone numbers, so a trace gets it only when they are not masked. */
  #spanMessage({ result, error = '' }: Outcome): string {
    return this.#config.LOG_NUMBERS === 'masked' ? result : error;
  }
}

const tooManyRequests = ({ MAX_REQUESTS_PER_CALL: max }: AgentConfig): Outcome =>
  failure('too_many_requests', `${max} requests about this call have been made (MAX_REQUESTS_PER_CALL)`);

const overloaded = ({ MAX_CALLS_DECIDING: max }: AgentConfig): Outcome =>
  failure('overloaded', `the agent already has ${max} calls that wait for a decision (MAX_CALLS_DECIDING)`);

const aborted = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
