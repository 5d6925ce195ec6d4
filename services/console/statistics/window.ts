import { BUCKET_MS, HOUR_MS, OVERVIEW_MS, type OverviewQuery } from '#libs/contract/overview.ts';

/** Points of a series at most. */
const MAX_POINTS = 120;

/** A window of whole buckets, in numbers of buckets. */
export interface Window {
  readonly first: number;
  readonly end: number;
  /** Buckets for each point of a series. */
  readonly step: number;
}

/** @throws {RangeError} when the window is empty or longer than a day. */
export function windowOf({ hours, since, until }: OverviewQuery, now: number): Window {
  const end = Math.ceil((until === undefined ? now : Date.parse(until)) / BUCKET_MS);
  const begin = since === undefined ? end * BUCKET_MS - hours * HOUR_MS : Date.parse(since);
  const first = Math.floor(begin / BUCKET_MS);
  if (first >= end) throw new RangeError('since: must be earlier than until');
  if (end - first > OVERVIEW_MS / BUCKET_MS + 1) throw new RangeError('since: a window has at most 24 hours');
  return { first, end, step: Math.ceil((end - first) / MAX_POINTS) };
}
