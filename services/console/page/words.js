import { language } from './state.js';
import { en } from './words.en.js';
import { zh } from './words.zh.js';

const dictionaries = { en, zh };

/**
 * Text of the page in the chosen language; {NAME} is replaced by a value.
 * @param {string} key
 * @param {Readonly<Record<string, unknown>>} [values]
 */
export function t(key, values = {}) {
  const words = /** @type {Record<string, string>} */ (dictionaries[language.value])[key] ?? key;
  return words.replaceAll(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

/** @type {(ms: number | undefined) => string} */
export function span(ms) {
  if (ms === undefined) return '';
  if (ms < 9.95) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
}

/** Time since the start of a call. @type {(ms: number) => string} */
export const offset = (ms) => `+${ms < 10_000 ? `${Math.round(ms)} ms` : span(ms)}`;

const two = (/** @type {number} */ n) => String(n).padStart(2, '0');

/** @type {(iso: string, withMs?: boolean) => string} */
export function clock(iso, withMs = false) {
  const at = new Date(iso);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const ms = withMs ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : '';
  const sameDay = at.toDateString() === new Date().toDateString();
  return sameDay ? time + ms : `${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}${ms}`;
}
