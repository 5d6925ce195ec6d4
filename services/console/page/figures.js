import { language } from './state.js';

/** @type {(options: Intl.NumberFormatOptions) => (value: number) => string} */
const formatted = (options) => (value) => new Intl.NumberFormat(language.value, options).format(value);

export const whole = formatted({ maximumFractionDigits: 0 });
export const decimal = formatted({ maximumFractionDigits: 2 });
const percentage = formatted({ style: 'percent', maximumFractionDigits: 1 });

/** A share; a dash of nothing. @type {(part: number, all: number) => string} */
export const share = (part, all) => (all === 0 ? '–' : percentage(part / all));

/** Whole numbers of the axis of a chart; nothing between two of them. @type {(value: number) => string} */
export const count = (value) => (Number.isInteger(value) ? whole(value) : '');

/** Answer-seizure ratio: the answered share of the calls that have ended or are answered. @type {(one: { answered: number, failed: number }) => string} */
export const asr = ({ answered, failed }) => share(answered, answered + failed);

/** The address of the list of the calls that a number counts. @type {(filter: Record<string, string | number>) => string} */
export const callsAt = (filter) =>
  `#/calls?${new URLSearchParams(Object.entries(filter).map(([name, value]) => [name, String(value)]))}`;
