import type { Bus } from '#libs/bus/connection.ts';
import { ControlError, requestControl } from '#libs/bus/control.ts';
import { readTimeline } from '#libs/bus/timeline-reader.ts';
import { callIdFrom } from '#libs/contract/call-id.ts';
import type {
  CallDetail,
  CallFilter,
  CallList,
  CallQuery,
  DeadLetter,
  ExportQuery,
  Session,
} from '#libs/contract/console.ts';
import { ControlRequest } from '#libs/contract/control.ts';
import type { Overview, OverviewQuery } from '#libs/contract/overview.ts';
import { problem } from '#libs/contract/problem.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { matcher } from './call-filter.ts';
import type { Calls } from './calls.ts';
import type { DeadLetterStore } from './dead-letters.ts';
import { detailOf } from './detail.ts';
import type { EndpointStore } from './endpoints.ts';
import type { Instances } from './instances.ts';
import type { Overviews } from './statistics/overviews.ts';
import { type Found, SearchBusy, type TimelineSearch } from './timeline-search.ts';

/** An error response of the API: its HTTP status and its text. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const messageOf = (error: unknown): string => (error as Error).message;

interface Parts {
  readonly calls: Calls;
  /** Whether `calls` has read the timeline to its end. */
  readonly caughtUp: () => boolean;
  readonly overviews: Overviews;
  readonly timeline: TimelineSearch;
  readonly instances: Instances;
  readonly deadLetters: DeadLetterStore;
  readonly endpoints: EndpointStore;
  readonly bus: Bus;
  readonly traceUrl: string | undefined;
  readonly log: Log;
}

/** The state and the operations that the routes use. */
export class ConsoleContext {
  readonly calls: Calls;
  readonly #caughtUp: () => boolean;
  readonly #overviews: Overviews;
  readonly #timeline: TimelineSearch;
  readonly instances: Instances;
  readonly deadLetters: DeadLetterStore;
  readonly endpoints: EndpointStore;
  readonly #bus: Bus;
  readonly #traceUrl: string | undefined;
  readonly #log: Log;

  constructor(parts: Parts) {
    this.calls = parts.calls;
    this.#caughtUp = parts.caughtUp;
    this.#overviews = parts.overviews;
    this.#timeline = parts.timeline;
    this.instances = parts.instances;
    this.deadLetters = parts.deadLetters;
    this.endpoints = parts.endpoints;
    this.#bus = parts.bus;
    this.#traceUrl = parts.traceUrl;
    this.#log = parts.log;
  }

  async search(query: CallQuery): Promise<CallList> {
    if (query.scope === 'memory') return { ...this.calls.search(query), complete: this.#hasAll(query) };
    const { records, complete } = await this.#find(query);
    const { scope, cursor, limit } = query;
    return { ...this.calls.search({ scope, cursor, limit }, records), complete };
  }

  /** All calls that match, newest first. */
  async all({ scope, format: _, ...filter }: ExportQuery): Promise<Pick<CallList, 'calls' | 'complete'>> {
    const { records, complete } =
      scope === 'memory'
        ? { records: this.calls.records().filter(matcher(filter)), complete: this.#hasAll(filter) }
        : await this.#find(filter);
    return { calls: records.map(({ summary }) => summary), complete };
  }

  /** Whether the memory has every call of the timeline that started since then. */
  #hasAll({ since }: CallFilter): boolean {
    return this.calls.hasAll(since) && this.#caughtUp();
  }

  #find(filter: CallFilter): Promise<Found> {
    return this.#timeline.find(filter).catch((error: unknown) => {
      if (error instanceof SearchBusy) throw new ApiError(503, error.message);
      throw new ApiError(503, `the timeline cannot be read: ${messageOf(error)}`);
    });
  }

  overview(query: OverviewQuery): Overview {
    try {
      return this.#overviews.of(query);
    } catch (error) {
      if (error instanceof RangeError) throw new ApiError(400, error.message);
      throw error;
    }
  }

  /** Reads the stream, which keeps more calls than the console has in memory. */
  async detail(uuid: string): Promise<CallDetail> {
    const steps = await readTimeline(this.#bus, callIdFrom(uuid), this.#log).catch((error: unknown) => {
      throw new ApiError(503, `the timeline cannot be read: ${messageOf(error)}`);
    });
    const detail = detailOf(steps, this.#traceUrl);
    if (detail === undefined) throw new ApiError(404, 'call not found');
    return detail;
  }

  async deadLetter(id: string): Promise<DeadLetter> {
    const found = await this.deadLetters.find(id);
    if (found === undefined) throw new ApiError(404, 'dead letter not found');
    return found;
  }

  /** Sends a control request to an agent of the call's node and writes an audit line with the outcome. */
  async control(session: Session, wanted: ControlRequest): Promise<{ ok: true }> {
    const { do: what, uuid, ...rest } = wanted;
    const node = this.calls.get(uuid)?.node ?? (await this.detail(uuid)).call.node;
    const details = { call: uuid, node, ...('destination' in rest ? { to: rest.destination } : {}) };
    try {
      const request = ControlRequest.safeParse(wanted);
      if (!request.success) throw new ApiError(400, problem(request.error));
      const reply = await requestControl(this.#bus, node, request.data);
      if (!reply.ok) throw new ApiError(409, reply.error);
    } catch (error) {
      this.audit(session, what, { ...details, result: messageOf(error) });
      if (error instanceof ControlError) throw new ApiError(error.outcomeUnknown ? 504 : 503, error.message);
      throw error;
    }
    this.audit(session, what, { ...details, result: 'ok' });
    return { ok: true };
  }

  audit({ name, role }: Session, what: string, details: Readonly<Record<string, unknown>>): void {
    this.#log.info('call.control', { audit: true, who: name, role, what, ...details });
  }
}
