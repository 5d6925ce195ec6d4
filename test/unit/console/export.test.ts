import { describe, expect, it } from 'vitest';
import { CallSummary } from '#libs/contract/console.ts';
import { summaryOf } from '#services/console/call-record.ts';
import { CSV_HEADER, csvLine, fileOf } from '#services/console/export.ts';
import { answeredCall, caller } from '#test/support/console/steps.ts';

const call = (given: Partial<CallSummary> = {}): CallSummary => {
  const summary = summaryOf(answeredCall(caller()));
  if (summary === undefined) throw new Error('no call');
  return { ...summary, ...given };
};
const text = async (calls: readonly CallSummary[], format: 'csv' | 'json'): Promise<string> =>
  (await fileOf(calls, format).toArray()).join('');
/** The cell of a line without quoted commas. */
const cellOf = (line: string, name: string) => line.split(',')[CSV_HEADER.slice(1).split(',').indexOf(name)];

describe('the export of calls', () => {
  it('has a column for every property of a call', () => {
    const names = new Set(CSV_HEADER.slice(1).split(','));
    const { notifications, ...properties } = CallSummary.shape;
    for (const name of Object.keys(properties)) expect(names, name).toContain(name);
    for (const name of Object.keys(notifications.shape)) expect(names).toContain(`notifications_${name}`);
  });

  it('is CSV with a header, or a JSON list', async () => {
    const [one, two] = [call(), call({ gateways: ['a', 'b'] })];
    expect(JSON.parse(await text([one, two], 'json'))).toEqual([one, two]);
    expect(JSON.parse(await text([], 'json'))).toEqual([]);
    const lines = (await text([one, two], 'csv')).split('\r\n');
    expect(lines).toEqual([CSV_HEADER, csvLine(one), csvLine(two), '']);
    expect(cellOf(csvLine(two), 'gateways')).toBe('a b');
    expect(cellOf(csvLine(one), 'billable_ms')).toBe('7100');
    expect(cellOf(csvLine(one), 'notifications_delivered')).toBe('3');
  });

  it.each([
    ['plain', 'plain'],
    ['a"b', '"a""b"'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['=1+1', "'=1+1"],
    ['@SUM(1)', "'@SUM(1)"],
    ['+cmd', "'+cmd"],
    ['-2+3', "'-2+3"],
    ['\t=1', "'\t=1"],
    ['+86 13800138000', '+86 13800138000'],
  ])('writes %j so that a spreadsheet reads it as text', (given, written) => {
    expect(csvLine(call({ from_name: given }))).toContain(`,${written},`);
  });
});
