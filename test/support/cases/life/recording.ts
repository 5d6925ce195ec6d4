import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type Notified, refuses, talksFor, tried } from './harness.ts';
import { heardDuring, NO_MEDIA } from './media.ts';
import {
  actions,
  BASE,
  connected,
  expectLength,
  filesOf,
  NO_FILE,
  recordings,
  talk,
  wavOf,
} from './recorded-call.ts';

export const RECORDING: readonly LifeCase[] = [
  ...(['callee', 'caller'] as const).map(
    (by): LifeCase => ({
      name: `record: the ${by} hangs up; recording comes before leg_end and hangup`,
      async run(life) {
        const call = await connected(life, { ...BASE, dial: gw('777') });
        const called = await call.callee('777');
        await talk(call, '777', 1000);
        (by === 'caller' ? call.caller : called).bye();
        const { notice } = await call.finish();
        expect(actions(call)).toEqual(['ring', 'answer', 'recording', 'leg_end', 'hangup']);
        const [recording] = recordings(call);
        const name = `95588/\\d{8}/13900001111-${call.uuid}-\\d{8}T\\d{9}Z-1.wav`;
        expect(recording).toMatchObject({
          ...{ called_number: '777', channels: 2, complete: true },
          leg: (notice['tried'] as Notified[])[0]?.['leg'],
          name: expect.stringMatching(new RegExp(`^${name}$`)),
        });
        expectLength(recording, notice['billable_ms']);
        expect(recording?.['size']).toBeGreaterThan(44 + Number(recording?.['duration_ms']) * 31);
      },
    }),
  ),
  {
    name: 'record: the file has the caller on the left channel, the called party on the right one',
    onlyFreeSwitch: NO_FILE,
    async run(life) {
      const call = await connected(life, { ...BASE, dial: gw('777') });
      const called = await call.callee('777');
      await called.speak?.(400);
      await call.caller.speak?.(1000);
      call.caller.bye();
      await call.finish();
      const [recording = {}] = recordings(call);
      const wav = await wavOf(life, recording);
      expect([wav.channels, wav.rate, wav.bytes]).toEqual([2, 8000, recording['size']]);
      expect(Math.abs(wav.headerMs - Number(recording['duration_ms']))).toBeLessThan(1);
      expect(wav.headerMs).toBe(wav.ms);
      expect(wav.loudMs(0)).toBeGreaterThan(700);
      expect(wav.loudMs(0)).toBeLessThan(1200);
      expect(wav.loudMs(1)).toBeGreaterThan(200);
      expect(wav.loudMs(1)).toBeLessThan(600);
    },
  },
  {
    name: 'record: one channel has both parties',
    onlyFreeSwitch: NO_FILE,
    async run(life) {
      const call = await connected(life, { ...BASE, record: { channels: 1 }, dial: gw('777') });
      const called = await call.callee('777');
      await called.speak?.(400);
      await call.caller.speak?.(400);
      call.caller.bye();
      await call.finish();
      const [recording = {}] = recordings(call);
      const wav = await wavOf(life, recording);
      expect([recording['channels'], wav.channels, wav.bytes]).toEqual([1, 1, recording['size']]);
      expect(wav.loudMs(0)).toBeGreaterThan(500);
    },
  },
  {
    name: 'record: an endpoint that does not list recording gets none, and the call is recorded',
    onlyFreeSwitch: NO_FILE,
    async run(life) {
      const call = await connected(life, { record: {}, dial: gw('777') });
      await call.caller.speak?.(300);
      call.caller.bye();
      await call.finish();
      expect(actions(call)).toEqual(['ring', 'answer', 'hangup']);
      expect(await filesOf(life, call)).toHaveLength(1);
    },
  },
  {
    name: 'record: both parties hear the announcement, and it is in the recording',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const call = life.call({ ...BASE, record: { announce: 'beep' }, dial: gw('777') }, { '777': answers });
      const heard = await heardDuring(life, async () => {
        await call.talking;
        await sleep(3000);
        call.caller.bye();
        await call.finish();
      });
      for (const side of ['caller', 'called'] as const)
        expect([side, heard[side] > 350 && heard[side] < 700]).toEqual([side, true]);
      const wav = await wavOf(life, recordings(call)[0] ?? {});
      expect(wav.loudMs(0) + wav.loudMs(1)).toBeGreaterThan(350);
    },
  },
  {
    name: 'record: an announcement that the operator has not listed, or whose file is missing, leaves the call as it is',
    async run(life) {
      for (const announce of ['nowhere', 'lost']) {
        const call = await connected(life, { ...BASE, record: { announce }, dial: gw('777') });
        await Promise.all([talksFor(2500, call), talk(call, '777', 2500)]);
        call.caller.bye();
        const { notice } = await call.finish();
        expectLength(recordings(call)[0], notice['billable_ms']);
      }
    },
  },
  {
    name: 'record: the target that answers is recorded, and the one that failed before has no recording',
    async run(life) {
      const call = await connected(
        life,
        { ...BASE, dial: [gw('777'), gw2('778')] },
        { '777': refuses(486), '778': answers },
      );
      await talk(call, '778', 1000);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(recordings(call)).toMatchObject([{ called_number: '778', complete: true }]);
      expect(String(recordings(call)[0]?.['name'])).toMatch(/-2\.wav$/);
      expectLength(recordings(call)[0], notice['billable_ms']);
    },
  },
  {
    name: 'record: of targets that ring at once the one that answers is recorded',
    async run(life) {
      const call = await connected(
        life,
        { ...BASE, strategy: 'simultaneous', dial: [gw('777'), gw2('778')] },
        { '777': { ringAt: 20 }, '778': answers },
      );
      await talk(call, '778', 1000);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(recordings(call)).toMatchObject([{ called_number: '778' }]);
      expectLength(recordings(call)[0], notice['billable_ms']);
    },
  },
  {
    name: 'record: with confirm it starts when the party has accepted the call',
    async run(life) {
      const call = life.call(
        { ...BASE, confirm: { play: 'beep', timeout: 1 }, dial: [gw('777'), gw2('778')] },
        { '777': answers, '778': answers },
      );
      const called = await call.callee('778');
      await sleep(500);
      await called.dtmf('1');
      await call.talking;
      await talk(call, '778', 1000);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(tried(notice)).toEqual([
        ['777', 'ALLOTTED_TIMEOUT'],
        ['778', 'NONE'],
      ]);
      expect(recordings(call)).toMatchObject([{ called_number: '778' }]);
      expectLength(recordings(call)[0], notice['billable_ms']);
    },
  },
  {
    name: 'record: max_duration ends the recording with the call',
    async run(life) {
      const call = await connected(life, { ...BASE, max_duration: 3, dial: gw('777') });
      const talking = talk(call, '777', 2500);
      const { notice } = await call.finish();
      await talking;
      expect(notice).toMatchObject({ cause: 'ALLOTTED_TIMEOUT' });
      expect(actions(call)).toEqual(['ring', 'answer', 'recording', 'leg_end', 'hangup']);
      expectLength(recordings(call)[0], notice['billable_ms']);
    },
  },
  {
    name: 'record: a file that cannot be written leaves the call as it is and is reported as not complete',
    onlyFreeSwitch: NO_FILE,
    async run(life) {
      await writeFile(join(life.recordings, '95599'), 'not a folder');
      const call = await connected(
        life,
        { ...BASE, dial: gw('777') },
        { '777': answers },
        { destination: '95599' },
      );
      await talksFor(700, call);
      call.caller.bye();
      await call.finish();
      expect(actions(call)).toEqual(['ring', 'answer', 'recording', 'leg_end', 'hangup']);
      const [recording] = recordings(call);
      expect(recording).toMatchObject({ complete: false, channels: 2 });
      expect(recording).not.toHaveProperty('duration_ms');
      expect(recording).not.toHaveProperty('size');
    },
  },
  {
    name: 'record: numbers that the caller chose stay inside the folder of the operator',
    onlyFreeSwitch: NO_FILE,
    async run(life) {
      const call = await connected(
        life,
        { ...BASE, dial: gw('777') },
        { '777': answers },
        { caller: { number: "..%2F..%2F$'a,b;c", name: '${system(x)}' } },
      );
      await call.caller.speak?.(300);
      call.caller.bye();
      await call.finish();
      const files = await filesOf(life, call);
      expect(files).toEqual([recordings(call)[0]?.['name']]);
      expect(files[0]).toMatch(/^95588\/\d{8}\/[0-9A-Za-z_+]+-/);
    },
  },
  {
    name: 'record: a decision with media is refused',
    async run(life) {
      const { result, error } = await life
        .call({ record: {}, media: 'bypass', dial: gw('777') }, { '777': answers })
        .finish();
      expect(result).toBe('invalid_decision');
      expect(error).toMatch(/^record: cannot be combined with media/);
    },
  },
];
