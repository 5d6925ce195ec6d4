import type { Bus } from '#libs/bus/connection.ts';
import { scanTimeline } from '#libs/bus/timeline-scan.ts';
import type { CallFilter } from '#libs/contract/console.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { matcher } from './call-filter.ts';
import { addStep, beginRecord, type CallRecord } from './call-record.ts';

/** Calls that one search keeps, about 2 kB each; older ones are dropped first. */
const MAX_RECORDS = 100_000;
/** Searches that wait for the one that runs. */
const MAX_WAITING = 4;
const DEADLINE_MS = 120_000;
/** Steps are stored some milliseconds after their time, and clocks differ. */
const MARGIN_MS = 60_000;

/** Too many searches wait. */
export class SearchBusy extends Error {
  override readonly name = 'SearchBusy';
}

export interface Found {
  /** Newest first. */
  readonly records: readonly CallRecord[];
  /** Whether no call was left out because there are too many. */
  readonly complete: boolean;
}

/** Searches every call that the timeline stream has. It is read for each search, one search after the other. */
export class TimelineSearch {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #maxRecords: number;
  readonly #ended = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(bus: Bus, log: Log, maxRecords: number = MAX_RECORDS) {
    this.#bus = bus;
    this.#log = log;
    this.#maxRecords = maxRecords;
  }

  /** @throws {SearchBusy} */
  async find(filter: CallFilter): Promise<Found> {
    if (this.#waiting > MAX_WAITING)
      throw new SearchBusy('too many searches of the timeline: try again later');
    this.#waiting++;
    const before = this.#last;
    const found = before.then(() => this.#scan(filter));
    this.#last = found.catch(() => {});
    try {
      return await found;
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    this.#ended.abort(new Error('the console stops'));
  }

  async #scan(filter: CallFilter): Promise<Found> {
    const from = filter.since === undefined ? undefined : new Date(Date.parse(filter.since) - MARGIN_MS);
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(DEADLINE_MS)]);
    const calls = new LruMap<string, CallRecord>(this.#maxRecords);
    const canMatch = beginningMatcher(filter);
    let began = 0;
    for await (const [step, order] of scanTimeline(this.#bus, this.#log, { from, signal })) {
      let record = calls.peek(step.uuid);
      if (record === undefined) {
        if (!canMatch(step)) continue;
        record = beginRecord(step, order);
        began++;
        calls.set(step.uuid, record);
      }
      addStep(record, step);
    }
    const complete = began <= this.#maxRecords;
    const matches = matcher(filter);
    const records = [...calls].map(([, record]) => record).reverse();
    return {
      // The later steps of a call that came in before `from`, or was dropped meanwhile, do not show when it came in.
      records: records.filter(
        (record) => (record.entered || (from === undefined && complete)) && matches(record),
      ),
      complete,
    };
  }
}

/** @returns whether the call of its first step can match. Most calls are left out here. */
function beginningMatcher({ node, until, uuid }: CallFilter): (step: TimelineStep) => boolean {
  const prefix = uuid?.toLowerCase() ?? '';
  const end = until === undefined ? Number.POSITIVE_INFINITY : Date.parse(until) + MARGIN_MS;
  return (step) =>
    step.step !== 'attempted' &&
    (node === undefined || step.node === node) &&
    step.uuid.toLowerCase().startsWith(prefix) &&
    Date.parse(step.time) < end;
}
