import { originOf } from '#libs/net/url.ts';
import { UsageError } from './command.ts';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Parses a date, a date with time (UTC without an offset) or an age such as `90m`. @returns epoch ms. @throws {UsageError} */
export function readTime(text: string, now: number): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  if (ago) return now - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS];
  const date = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?$/.test(text)
    ? Date.parse(/T.*(?:Z|[+-]\d\d:?\d\d)$|^[^T]*$/.test(text) ? text : `${text}Z`)
    : Number.NaN;
  if (Number.isNaN(date))
    throw new UsageError(
      `"${text}" is not a time: use 2026-01-31, 2026-01-31T12:00:00Z, or an age such as 90m, 36h, 5d`,
    );
  return date;
}

/** The origin (scheme, host and port) of a URL. @throws {UsageError} */
export function readEndpoint(text: string): string {
  const origin = originOf(text);
  if (!/^https?:/.test(origin))
    throw new UsageError(`"${text}" is not an endpoint URL: use http://HOST[:PORT] or https://HOST[:PORT]`);
  return origin;
}

export function readCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`"${text}" is not a whole number of at least 1`);
  return count;
}

export const time = (ms: number): string => new Date(ms).toISOString();
