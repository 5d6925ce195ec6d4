import { signal } from '@preact/signals';
import { language } from './state.js';

/** Hours before now, or a fixed window. @typedef {{ hours: number } | { since: string, until: string }} Span */

const BUCKET_S = 10;

/** The window of the overview. */
export const chosen = signal(/** @type {Span} */ ({ hours: 1 }));

/** @type {(span: Span) => string} */
export function overviewPath(span) {
  if ('since' in span) return `/api/overview?${new URLSearchParams(span)}`;
  return span.hours === 1 ? '/api/overview' : `/api/overview?hours=${span.hours}`;
}

const iso = (/** @type {number} */ seconds) => new Date(seconds * 1000).toISOString();

/** Zooms to a window of at least a minute. @type {(from: number, to: number) => void} */
export function zoomTo(from, to) {
  const since = Math.floor(from / BUCKET_S) * BUCKET_S;
  const until = Math.max(Math.ceil(to / BUCKET_S) * BUCKET_S, since + 60);
  chosen.value = { since: iso(since), until: iso(until) };
}

/** @type {(seconds: number) => string} */
export const hourAndMinute = (seconds) =>
  new Intl.DateTimeFormat(language.value, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(
    seconds * 1000,
  );

/** @type {(seconds: number) => string} */
export const timeOfDay = (seconds) =>
  new Intl.DateTimeFormat(language.value, { timeStyle: 'medium', hourCycle: 'h23' }).format(seconds * 1000);
