import type { Row } from './checker.ts';

const COLUMNS: readonly (readonly [title: string, value: (row: Row) => string | number])[] = [
  ['fault', ({ fault }) => fault],
  ['calls', ({ calls }) => calls],
  ['decided', ({ decided }) => decided],
  ['dialplan continued', ({ dialplan_continued }) => dialplan_continued],
  ['cancelled', ({ cancelled, crashed }) => (crashed > 0 ? `${cancelled}+${crashed}` : cancelled)],
  ['longest socket', ({ longest_socket_ms }) => `${longest_socket_ms} ms`],
  ['own lag', ({ own_lag_ms }) => `${own_lag_ms} ms`],
  ['expected', ({ expected }) => expected],
  ['delivered', ({ delivered }) => delivered],
  ['repeated', ({ repeated }) => repeated],
  ['out of order', ({ out_of_order }) => out_of_order],
  ['lost', ({ lost }) => lost],
  ['longest delay', ({ longest_delay_ms }) => `${(longest_delay_ms / 1000).toFixed(1)} s`],
  ['not observable', ({ unobserved }) => unobserved],
  [
    'recovered after',
    ({ recovered_after_ms }) =>
      recovered_after_ms === null ? 'never' : `${(recovered_after_ms / 1000).toFixed(1)} s`,
  ],
  ['ok', ({ ok, broken }) => (ok ? 'ok' : `BROKEN: ${broken.join('; ')}`)],
];

const LAST = COLUMNS.length - 1;
const FAULT_WIDTH = 24;

const cell = (text: string | number, title: string, column: number): string => {
  if (column === LAST) return String(text);
  return column === 0 ? String(text).padEnd(FAULT_WIDTH) : String(text).padStart(Math.max(7, title.length));
};

export const tableHead = (): string => COLUMNS.map(([title], i) => cell(title, title, i)).join('  ');

export const tableLine = (row: Row): string =>
  COLUMNS.map(([title, value], i) => cell(value(row), title, i)).join('  ');
