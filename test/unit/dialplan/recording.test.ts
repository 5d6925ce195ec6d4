import { describe, expect, it } from 'vitest';
import { dialApplications } from '#libs/dialplan/applications.ts';
import { parseRecording, type Recording, recordingOf, recordingVariables } from '#libs/dialplan/recording.ts';
import { dialOf } from '#test/support/dialplan/dial.ts';

const find = (name: string) => (name === 'lost' ? undefined : `ivr/${name}.wav`);
const file = (leg: number) => ({ path: `/rec/day/c-${leg}.wav`, name: `day/c-${leg}.wav` });
const recording = (more: Partial<Recording> = {}): Recording => ({
  channels: 2,
  start: 'answer',
  announcement: undefined,
  file,
  ...more,
});

describe('recordingOf', () => {
  const record = { channels: 1, start: 'early_media' } as const;
  it.each([
    ['nothing', {}, undefined],
    ['no announcement', { record }, { ...record, announcement: undefined, file }],
    [
      'an announcement',
      { record: { ...record, announce: 'a' } },
      { ...record, announcement: 'ivr/a.wav', file },
    ],
    ['no sound', { record: { ...record, announce: 'lost' } }, { ...record, announcement: undefined, file }],
  ])('%s', (_, plan, expected) => expect(recordingOf(plan, file, find)).toEqual(expected));
});

describe('recordingVariables', () => {
  it('sets none without a recording', () => expect(recordingVariables(undefined, 1, true)).toEqual({}));

  it('records a leg while it is connected, the caller on the left channel', () => {
    const expected = {
      dialhook_recording: '2/day/c-3.wav',
      RECORD_STEREO: 'true',
      RECORD_STEREO_SWAP: 'true',
      RECORD_BRIDGE_REQ: 'true',
      enable_file_write_buffering: '16000',
      execute_on_answer_dialhook_record: 'record_session /rec/day/c-3.wav',
      execute_on_post_bridge_dialhook_record: 'stop_record_session /rec/day/c-3.wav',
    };
    for (const isAlone of [true, false])
      expect(recordingVariables(recording(), 3, isAlone)).toEqual(expected);
  });

  it('announces once', () => {
    const [hook, done] = ['announce', 'announced'].map((name) => `execute_on_pre_bridge_dialhook_${name}`);
    const given = recording({ channels: 1, announcement: 'a.wav' });
    expect(recordingVariables(given, 1, true)).toEqual({
      dialhook_recording: '1/day/c-1.wav',
      RECORD_BRIDGE_REQ: 'true',
      enable_file_write_buffering: '16000',
      execute_on_answer_dialhook_record: 'record_session /rec/day/c-1.wav',
      execute_on_answer_dialhook_announce: 'sched_broadcast +1 a.wav both',
      execute_on_post_bridge_dialhook_announce: 'sched_cancel',
      execute_on_post_bridge_dialhook_record: 'stop_record_session /rec/day/c-1.wav',
    });
    expect(recordingVariables(given, 1, false)).toMatchObject({
      [String(hook)]: 'sched_broadcast +1 a.wav both',
      [String(done)]: `multiunset ${hook} ${done}`,
    });
  });

  it('records from the early media when FreeSWITCH connects the leg, or else from the answer', () => {
    const answered = 'execute_on_answer_dialhook_record';
    const connected = 'execute_on_pre_bridge_dialhook_record';
    expect(recordingVariables(recording({ start: 'early_media' }), 1, true)).toMatchObject({
      [answered]: 'record_session /rec/day/c-1.wav',
      [connected]: 'record_session /rec/day/c-1.wav',
      execute_on_answer_dialhook_recorded: `multiunset ${connected} ${connected}ed`,
      [`${connected}ed`]: `multiunset ${answered} ${connected} ${connected}ed`,
    });
  });
});

describe('dialApplications', () => {
  const leg = (number: string) => ({ endpoint: `sofia/gateway/gw/${number}`, variables: {}, timeout: 5 });
  const groups = [
    { variables: {}, legs: [leg('1')] },
    { variables: {}, legs: [leg('2'), leg('3')] },
  ];
  const texts = (more: object) =>
    dialApplications(dialOf(groups, more)).map(({ name, data }) => `${name} ${data}`);

  it('gives each leg a file of its own, and starts after the cancelling of the ring time', () => {
    const all = texts({ recording: recording() }).join('\n');
    const files = [...all.matchAll(/=record_session (\S+?)[;\]]/g)].map(([, path]) => path);
    expect(files).toEqual(['/rec/day/c-1.wav', '/rec/day/c-2.wav', '/rec/day/c-3.wav']);
    expect(all.indexOf('execute_on_answer=sched_cancel')).toBeLessThan(
      all.indexOf('execute_on_answer_dialhook_record'),
    );
  });

  it('sets nothing without a recording', () => {
    expect(texts({}).join('\n')).not.toMatch(/record|enable_file/i);
  });
});

describe('parseRecording', () => {
  it.each([
    ['1/a/b.wav', { channels: 1, name: 'a/b.wav' }],
    ['2/2/b.wav', { channels: 2, name: '2/b.wav' }],
    ['', undefined],
    ['3/a.wav', undefined],
    ['2/', undefined],
  ])('%j', (text, expected) => expect(parseRecording(text)).toEqual(expected));
});
