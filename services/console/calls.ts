import type { CallFilter, CallList, CallQuery, CallSummary } from '#libs/contract/console.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { matcher } from './call-filter.ts';
import { addStep, beginRecord, type CallRecord } from './call-record.ts';

/** The newest `limit` records before `cursor` that match, and the cursor of the next page. */
function pageOf(
  records: Iterable<CallRecord>,
  { cursor = Number.POSITIVE_INFINITY, limit, ...filter }: CallFilter & Pick<CallQuery, 'cursor' | 'limit'>,
): Pick<CallList, 'calls' | 'next'> {
  const matches = matcher(filter);
  const found: CallRecord[] = [];
  for (const record of records) {
    if (record.order >= cursor || !matches(record)) continue;
    found.push(record);
    if (found.length > limit) break;
  }
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return { calls: page.map(({ summary }) => summary), ...(last === undefined ? {} : { next: last.order }) };
}

interface CallsOptions {
  /** A call has changed. */
  readonly onChange?: (record: CallRecord) => void;
  /** A call that was not known to have ended is dropped. */
  readonly onDropLive?: (record: CallRecord) => void;
}

/**
 * Summaries of the last `max` calls, updated step by step from the timeline. The oldest ended call is dropped first, and
 * the oldest call of all when more than half have not ended: the end of a call without notifications is never known.
 */
export class Calls {
  /** In the order of their first steps. */
  readonly #records = new Map<string, CallRecord>();
  readonly #max: number;
  readonly #options: CallsOptions;
  #live = 0;
  /** Start of the newest call that was dropped, epoch ms. */
  #droppedUntil = Number.NEGATIVE_INFINITY;

  constructor(max: number, options: CallsOptions = {}) {
    this.#max = max;
    this.#options = options;
  }

  /** Applies one step with stream sequence `order`. @returns the updated summary; undefined when the call is not kept. */
  add(step: TimelineStep, order: number): CallSummary | undefined {
    const record = this.#records.get(step.uuid) ?? this.#begin(step, order);
    if (record === undefined) return undefined;
    const wasLive = record.ended === '';
    addStep(record, step);
    if (wasLive && record.ended !== '') this.#live--;
    this.#options.onChange?.(record);
    return record.summary;
  }

  get size(): number {
    return this.#records.size;
  }

  clear(): void {
    this.#records.clear();
    this.#live = 0;
    this.#droppedUntil = Number.NEGATIVE_INFINITY;
  }

  get(uuid: string): CallSummary | undefined {
    return this.#records.get(uuid)?.summary;
  }

  /** Whether no call that started since then was dropped. */
  hasAll(since?: string): boolean {
    return (since === undefined ? 0 : Date.parse(since)) > this.#droppedUntil;
  }

  /**
   * Newest first. Once calls have been dropped, without those whose beginning is not known: they may be the later steps of
   * a dropped call, which do not show when it came in.
   */
  records(): CallRecord[] {
    const all = [...this.#records.values()].reverse();
    return this.hasAll() ? all : all.filter(({ entered }) => entered);
  }

  /** Live calls by node. */
  live(): ReadonlyMap<string, number> {
    const live = new Map<string, number>();
    for (const { summary, ended } of this.#records.values())
      if (ended === '') live.set(summary.node, 1 + (live.get(summary.node) ?? 0));
    return live;
  }

  /** One page of these records, newest first, or of those in memory. */
  search(
    { scope: _, ...query }: CallQuery,
    records: Iterable<CallRecord> = this.records(),
  ): Omit<CallList, 'complete'> {
    return { ...pageOf(records, query), live: this.#live, kept: this.#records.size };
  }

  #begin(step: TimelineStep, order: number): CallRecord | undefined {
    // A late attempt of a call that was dropped: adding it would show an old call as new.
    if (step.step === 'attempted') return undefined;
    const record = beginRecord(step, order);
    this.#records.set(step.uuid, record);
    this.#live++;
    if (this.#records.size > this.#max) this.#drop();
    return record;
  }

  #drop(): void {
    const oldest = this.#live > this.#max / 2 ? undefined : this.#oldestEnded();
    const [record] = oldest === undefined ? this.#records.values() : [oldest];
    if (record === undefined) return;
    this.#records.delete(record.summary.uuid);
    this.#droppedUntil = Math.max(this.#droppedUntil, Date.parse(record.summary.started));
    if (record.ended !== '') return;
    this.#live--;
    this.#options.onDropLive?.(record);
  }

  #oldestEnded(): CallRecord | undefined {
    for (const record of this.#records.values()) if (record.ended !== '') return record;
    return undefined;
  }
}
