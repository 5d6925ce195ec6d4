import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { legRecording } from '#services/agent/call/recording.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { refusalOf } from '#services/agent/plan-refusal.ts';
import type { RecordedCall } from '#services/agent/recordings.ts';

const CALL: RecordedCall = {
  uuid: 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd',
  node: 'fs1',
  caller: { number: '1001', dialled: '95588' },
  at: Date.parse('2026-11-23T22:56:34.798Z'),
};

const nameOf = (template: string) => {
  const { RECORDINGS: name } = readAgentConfig({ RECORDINGS: template });
  if (name === undefined) throw new Error('RECORDINGS is not set');
  return name;
};

describe('RECORDINGS', () => {
  const id = `${CALL.uuid}-20261123T225634798Z-2`;
  it.each([
    ['/rec/{id}.wav', `/rec/${id}.wav`, `${id}.wav`],
    ['/{id}.mp3', `/${id}.mp3`, `${id}.mp3`],
    ['/rec/x-{date}/{hour}/{id}.wav', `/rec/x-20261123/22/${id}.wav`, `x-20261123/22/${id}.wav`],
    [
      '/rec/{node}/{call}/{caller}-{destination}-{id}.wav',
      `/rec/fs1/${CALL.uuid}/1001-95588-${id}.wav`,
      `fs1/${CALL.uuid}/1001-95588-${id}.wav`,
    ],
  ])('%s', (template, path, name) => expect(nameOf(template)(CALL, 2)).toEqual({ path, name }));

  const PATH = 'RECORDINGS must be an absolute path';
  it.each([
    ['rec/{id}.wav', PATH],
    ['/rec/{id}', PATH],
    ['/rec/a b/{id}.wav', PATH],
    ['/rec/${id}.wav', PATH],
    ["/rec/'{id}'.wav", PATH],
    ['/rec/a,b/{id}.wav', PATH],
    ['/rec/a:b/{id}.wav', PATH],
    ['/rec/a;b/{id}.wav', PATH],
    ['/rec/{id}.wav\n', PATH],
    ['/rec/%2e/{id}.wav', PATH],
    ['/rec/../{id}.wav', 'RECORDINGS must not contain an empty part, . or ..'],
    ['/rec//{id}.wav', 'RECORDINGS must not contain an empty part, . or ..'],
    ['/rec/{call}.wav', 'RECORDINGS must contain {id} in the name of the file'],
    ['/rec/{id}/x.wav', 'RECORDINGS must contain {id} in the name of the file'],
    ['/rec/{uuid}-{id}.wav', 'RECORDINGS may contain the placeholders {id}, {call}, {node}, {date}, {hour}'],
    ['/rec/{constructor}-{id}.wav', '{constructor} is not one'],
    ['/rec/{id}{call}.wav', 'RECORDINGS must have parts of at most 255 characters'],
  ])('refuses %j', (template, words) =>
    expect(() => readAgentConfig({ RECORDINGS: template })).toThrow(words),
  );

  it('stays inside its folder, whatever the caller and the node are called', () => {
    const name = nameOf('/rec/{node}/{caller}/{destination}/{id}.wav');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
        for (const one of [text, `../${text}`, `..`, `${text}$\{x},;'"\n`]) {
          const { path } = name({ ...CALL, node: one, caller: { number: one, dialled: other } }, 1);
          expect(path).toMatch(/^\/rec(?:\/(?!\.\.?\/)[0-9A-Za-z_.+-]{1,255}){4}$/);
        }
      }),
    );
  });

  it('gives a later call with the same uuid another file', () => {
    const name = nameOf('/rec/{id}.wav');
    expect(name({ ...CALL, at: CALL.at + 1 }, 1).path).not.toBe(name(CALL, 1).path);
  });

  it('is needed for a decision with record', () => {
    const plan = {
      groups: [{ variables: {}, legs: [{ endpoint: 'sofia/gateway/gw/1', variables: {} }] }],
      variables: {},
      on_fail: 'hangup',
      on_redirect: 'fail',
      pass_headers: false,
      record: { channels: 2, start: 'answer' },
    } as const;
    const refusal = (env: NodeJS.ProcessEnv) =>
      refusalOf({ ...plan, groups: [...plan.groups] } as never, () => true, readAgentConfig(env));
    expect(refusal({})).toMatch(/^record: needs the agent's setting RECORDINGS/);
    expect(refusal({ RECORDINGS: '/rec/{id}.wav' })).toBeUndefined();
    const DEFAULT_DECISION = '{"record":{},"dial":{"type":"gateway","gateway":"gw","number":"1"}}';
    expect(() => readAgentConfig({ DEFAULT_DECISION })).toThrow('RECORDINGS must be set');
    expect(readAgentConfig({ DEFAULT_DECISION, RECORDINGS: '/rec/{id}.wav' })).toMatchObject({
      DEFAULT_DECISION: { record: { channels: 2 } },
    });
  });
});

describe('the recording of a leg', () => {
  const data = (variables: object, bridged = '1796064740733000') => ({
    'Caller-Channel-Bridged-Time': bridged,
    ...Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [`variable_${name}`, String(value)]),
    ),
  });
  const NAMED = { dialhook_recording: '2/d/a.wav' };
  const CLOSED = { ...NAMED, record_ms: 1000, record_samples: 8000 };
  const whole = { name: 'd/a.wav', channels: 2, complete: true, duration_ms: 1000 };
  const part = { name: 'd/a.wav', channels: 2, complete: false };
  it.each([
    ['that is not recorded', { record_ms: 1000 }, undefined],
    ['that is complete', CLOSED, { ...whole, size: 32_044 }],
    [
      'in one channel',
      { ...CLOSED, dialhook_recording: '1/d/a.wav' },
      { ...whole, channels: 1, size: 16_044 },
    ],
    ['in another format', { ...CLOSED, dialhook_recording: '2/d/a.mp3' }, { ...whole, name: 'd/a.mp3' }],
    ['with a stereo codec', { ...CLOSED, rtp_use_codec_channels: 2 }, whole],
    ['whose file was not opened', NAMED, part],
    ['whose file was not written', { ...CLOSED, record_completion_cause: 'uri-failure' }, part],
    ['whose empty file was removed', { ...CLOSED, RECORD_DISCARDED: 'true' }, part],
    ['that sofia recover has brought back', { ...CLOSED, recovered: 'true' }, part],
    ['with a length that is no number', { ...NAMED, record_ms: '-1' }, part],
  ])('%s', (_, variables, expected) => expect(legRecording(data(variables))).toEqual(expected));

  it('is none of a leg that was not connected', () => {
    expect(legRecording(data(NAMED, '0'))).toBeUndefined();
    expect(legRecording(data({ ...NAMED, record_ms: 0, RECORD_DISCARDED: 'true' }, '0'))).toBeUndefined();
    expect(legRecording(data({ ...NAMED, record_completion_cause: 'uri-failure' }, '0'))).toBeUndefined();
  });
});
