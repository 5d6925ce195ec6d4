import { describe, expect, it } from 'vitest';
import type { Collect } from '#libs/contract/collect.ts';
import { collectionApplications } from '#libs/dialplan/applications.ts';
import { readDigitsApplications } from '#libs/dialplan/collect.ts';
import { NO_REPORTING } from '#libs/dialplan/reporting.ts';

const DECIDED = { result: 'decided' } as const;
const lines = (applications: readonly { name: string; data: string }[]) =>
  applications.map(({ name, data }) => `${name} ${data}`.trim());
/** The settings in a `multiset`. */
const settingsOf = (line = '') =>
  Object.fromEntries(
    line
      .replace(/^multiset \^\^;/, '')
      .split(';')
      .map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );

describe('collectionApplications', () => {
  const collect = (given: Partial<Collect>, undo = '') =>
    lines(
      collectionApplications({
        applications: readDigitsApplications(
          { min: 1, max: 4, timeout: 5, terminators: '#', answer: true, ...given },
          (name) => (name === 'enter' ? 'ivr/enter.wav' : undefined),
          '10.0.0.5:8084',
        ),
        ...{ outcome: DECIDED, attempt: 2, settings: {}, reporting: NO_REPORTING, undo },
      }),
    );

  it.each<[Partial<Collect>, string, string]>([
    [{}, 'answer', 'read 1 4 silence dialhook_digits 5000 # 5000'],
    [
      { play: 'enter', min: 3, answer: false },
      'pre_answer',
      'read 3 4 file_string://ivr/enter.wav!silence_stream://10 dialhook_digits 5000 # 5000',
    ],
    [{ play: 'other', terminators: '' }, 'answer', 'read 1 4 silence dialhook_digits 5000 - 5000'],
  ])('%j', (given, answer, read) => {
    const [settings, ...rest] = collect(given);
    expect(settingsOf(settings)).toMatchObject({
      ...{ dialhook_entry: 'digits', dialhook_digits: '', dialhook_attempt: '2' },
      ...{ read_result: '', read_terminator_used: '', last_bridge_proto_specific_hangup_cause: '' },
    });
    expect(rest).toEqual([answer, 'flush_dtmf', read, 'socket 10.0.0.5:8084', 'hangup ${dialhook_cause}']);
  });

  it('undoes an earlier decision, and is undone', () => {
    const [first, settings] = collect({}, 'multiset ^^|a=');
    expect(first).toBe('multiset ^^|a=');
    expect(settings).toContain(
      'execute_on_blind_transfer_dialhook=multiset ^^|dialhook_entry=|dialhook_digits=',
    );
  });
});
