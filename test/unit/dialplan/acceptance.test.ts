import { describe, expect, it } from 'vitest';
import { acceptanceOf, acceptanceVariables } from '#libs/dialplan/acceptance.ts';
import { dialApplications } from '#libs/dialplan/applications.ts';
import { dialOf, POLICY } from '#test/support/dialplan/dial.ts';

const find = (name: string) => (name === 'lost' ? undefined : `ivr/${name}.wav`);
const CONFIRM = { play: 'press-1', key: '1', timeout: 10 };

describe('acceptanceOf', () => {
  it.each([
    ['nothing', {}, undefined],
    [
      'confirm',
      { confirm: CONFIRM },
      { key: '1', path: 'file_string://ivr/press-1.wav!silence_stream://10', timeout: 10 },
    ],
    [
      'confirm without its sound',
      { confirm: { ...CONFIRM, play: 'lost' } },
      { key: '1', path: undefined, timeout: 10 },
    ],
    ['whisper', { whisper: { play: 'shop' } }, { key: undefined, path: 'ivr/shop.wav', timeout: 60 }],
    ['whisper without its sound', { whisper: { play: 'lost' } }, undefined],
    [
      'both',
      { confirm: CONFIRM, whisper: { play: 'shop' } },
      { key: '1', path: 'file_string://ivr/shop.wav!ivr/press-1.wav!silence_stream://10', timeout: 10 },
    ],
  ])('%s', (_, plan, acceptance) => expect(acceptanceOf(plan, find)).toEqual(acceptance));
});

describe('acceptanceVariables', () => {
  it('runs its hooks once', () => {
    const variables = acceptanceVariables(acceptanceOf({ whisper: { play: 'shop' } }, find), ['more']);
    expect(variables).toEqual({
      dialhook_accept: 'true',
      group_confirm_key: 'exec',
      group_confirm_file: 'playback ivr/shop.wav',
      group_confirm_timeout: '60',
      group_confirm_early_ok: 'false',
      execute_on_pre_bridge_dialhook_accepted: 'event Event-Name=CUSTOM,Event-Subclass=dialhook::accepted',
      execute_on_pre_bridge_dialhook_done:
        'multiunset execute_on_pre_bridge_dialhook_accepted execute_on_pre_bridge_dialhook_done more',
    });
  });

  it('moves the limit of a call to the acceptance, and adds its time to that of the group', () => {
    const group = { variables: {}, legs: [{ endpoint: 'sofia/gateway/gw/1', variables: {} }] };
    const acceptance = acceptanceOf({ confirm: CONFIRM }, find);
    const applications = dialApplications(
      dialOf([group], { acceptance, duration: { seconds: 60 }, policy: { ...POLICY, accepts: true } }),
    );
    const { data = '' } = applications.find(({ name }) => name === 'bridge') ?? {};
    expect(data).toContain('execute_on_pre_bridge_dialhook_limit=sched_hangup +60 ALLOTTED_TIMEOUT bleg');
    expect(data).toContain('ignore_early_media=true;originate_timeout=72;');
    expect(data).toContain('execute_on_originate=sched_hangup +61 NO_ANSWER');
    expect(applications[0]?.data).toContain('continue_on_fail=REQUESTED_CHAN_UNAVAIL,NORMAL_CLEARING');
  });
});
