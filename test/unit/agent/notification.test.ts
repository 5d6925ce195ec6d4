import { describe, expect, it } from 'vitest';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { EVENTS, type LegEventSettings } from '#services/agent/call/leg-event.ts';
import { notificationsOf, replay } from '#test/support/agent/replay.ts';
import { RECORDINGS, recordedEvents, recordedSip } from '#test/support/esl/recordings.ts';

const URL = 'http://127.0.0.1:9000/binding?number=0555&callerid=13800138000';
const SETTINGS = { nodeName: undefined, defaultUrl: URL };

const readEvent = (event: FreeSwitchEvent, settings: LegEventSettings) => replay([event], settings)[0];
const read = (event: FreeSwitchEvent, settings: LegEventSettings = SETTINGS) =>
  notificationsOf([event], settings)[0];
const readAll = (name: string) => notificationsOf(recordedEvents(name), SETTINGS);

interface Expected {
  /** Action and number of the called legs' notifications, in order. */
  readonly legs: readonly string[];
  readonly cause: string;
  readonly q850: number;
  readonly sip_status?: number;
  readonly hangup_by: string;
  /** duration, ring, billable */
  readonly ms: readonly [number, number, number];
  /** Number and cause of each leg. */
  readonly tried: readonly string[];
}

const NORMAL = { cause: 'NORMAL_CLEARING', q850: 16 };
const CALLS: Readonly<Record<string, Expected>> = {
  'agent-dies': {
    legs: ['ring fallback', 'answer fallback'],
    ...{ ...NORMAL, sip_status: 200, hangup_by: 'caller', ms: [960, 20, 920], tried: ['fallback NONE'] },
  },
  answered: {
    legs: ['ring 123456', 'progress 123456', 'answer 123456'],
    ...{ ...NORMAL, sip_status: 200, hangup_by: 'caller', ms: [1600, 0, 940], tried: ['123456 NONE'] },
  },
  busy: {
    legs: [],
    ...{ cause: 'USER_BUSY', q850: 17, sip_status: 486, hangup_by: 'callee', ms: [0, 0, 0] },
    tried: ['123456 USER_BUSY'],
  },
  'callee-hangs-up': {
    legs: ['ring 123456', 'answer 123456'],
    ...{ ...NORMAL, hangup_by: 'callee', ms: [840, 0, 600], tried: ['123456 NONE'] },
  },
  'caller-gives-up-ringing': {
    legs: ['ring 123456'],
    ...{ cause: 'ORIGINATOR_CANCEL', q850: 16, sip_status: 487, hangup_by: 'caller', ms: [40, 0, 0] },
    tried: ['123456 ORIGINATOR_CANCEL'],
  },
  'caller-gives-up-waiting': {
    legs: [],
    ...{
      cause: 'ORIGINATOR_CANCEL',
      q850: 16,
      sip_status: 487,
      hangup_by: 'caller',
      ms: [920, 0, 0],
      tried: [],
    },
  },
  'gateway-unknown': {
    legs: [],
    ...{ cause: 'INVALID_GATEWAY', q850: 16, hangup_by: 'freeswitch', ms: [0, 0, 0], tried: [] },
  },
  'hangup-cause-17': {
    legs: [],
    ...{ cause: 'USER_BUSY', q850: 17, hangup_by: 'freeswitch', ms: [0, 0, 0], tried: [] },
  },
  'no-answer': {
    legs: ['ring 123456'],
    ...{ ...NORMAL, hangup_by: 'freeswitch', ms: [1460, 0, 0], tried: ['123456 NO_ANSWER'] },
  },
  'no-decision-exit': {
    legs: ['ring fallback', 'answer fallback'],
    ...{ ...NORMAL, sip_status: 200, hangup_by: 'caller', ms: [960, 0, 920], tried: ['fallback NONE'] },
  },
  'respond-503': {
    legs: [],
    ...{ cause: 'NORMAL_TEMPORARY_FAILURE', q850: 41, hangup_by: 'freeswitch', ms: [20, 0, 0], tried: [] },
  },
  'sequential-failover': {
    legs: ['ring 222', 'answer 222'],
    ...{ ...NORMAL, sip_status: 200, hangup_by: 'caller', ms: [940, 0, 920] },
    tried: ['111 USER_BUSY', '222 NONE'],
  },
  simultaneous: {
    legs: ['ring 111', 'ring 222', 'answer 222'],
    ...{ ...NORMAL, sip_status: 200, hangup_by: 'caller', ms: [940, 0, 920] },
    tried: ['111 LOSE_RACE', '222 NONE'],
  },
};

it('knows every recording', () => expect(RECORDINGS).toEqual(Object.keys(CALLS).toSorted()));

describe.each(Object.entries(CALLS))('%s', (name, expected) => {
  const all = readAll(name);
  const hangup = all.find((one) => one.action === 'hangup');

  it('lists the called legs in order, and the hangup last', () => {
    const actions = all.map((one) =>
      'called_number' in one ? `${one.action} ${one.called_number}` : one.action,
    );
    expect(actions).toEqual([...expected.legs, 'hangup']);
  });

  it('reads how the call ended', () => {
    const { cause, q850, sip_status, hangup_by, ms, tried } = expected;
    const [duration_ms, ring_ms, billable_ms] = ms;
    expect(hangup).toMatchObject({ cause, q850, hangup_by, duration_ms, ring_ms, billable_ms });
    expect(hangup?.sip_status).toBe(sip_status);
    expect(hangup?.tried.map((leg) => `${leg.number} ${leg.cause}`)).toEqual(tried);
    expect(hangup).not.toHaveProperty('result');
  });

  it('contains the call, the leg and the caller in every notification', () => {
    const uuid = String(recordedEvents(name)[0]?.['variable_dialhook_call']);
    for (const one of all) {
      expect(one).toMatchObject({
        uuid,
        node: 'vm',
        caller_id_number: '13800138000',
        caller_id_name: "张三 O'Brien 100%",
        destination_number: '0555',
      });
      if (one.action === 'hangup') expect(one.leg).toBe(uuid);
      else expect(one.leg).not.toBe(uuid);
    }
    const legs = new Set(all.filter((one) => one.action !== 'hangup').map((one) => one.leg));
    expect(hangup?.tried.map(({ leg }) => leg)).toEqual(expect.arrayContaining([...legs]));
  });

  it('agrees with the SIP messages of the caller', () => {
    const sip = recordedSip(name);
    const reason = /Reason: .*text="(\w+)"/.exec(sip)?.[1];
    if (reason !== undefined) expect(hangup?.cause).toBe(reason);
    expect(all.some((one) => one.action === 'answer')).toBe(
      sip.includes('ACK') && sip.includes(' 200 OK\nACK'),
    );
    expect(hangup?.hangup_by === 'caller').toBe(/^(?:CANCEL|BYE sip:0555@)/m.test(sip));
  });

  it('uses the timestamps of FreeSWITCH', () => {
    const times = all.map((one) => one.time);
    expect(times).toEqual(times.toSorted());
    expect(times.at(-1)).toMatch(/^2026-11-23T18:2\d:\d\d\.\d{3}Z$/);
  });
});

describe('ring_ms of the hangup', () => {
  const events = recordedEvents('answered');
  const started = replay(events, SETTINGS).at(-1)?.callStart ?? 0;
  const at = (ms: number) => (ms === 0 ? '0' : String((started + ms) * 1000));
  const isCallerLeg = (event: FreeSwitchEvent) => event['Unique-ID'] === event['variable_dialhook_call'];
  /** The hangup when the legs have these times of 180 and of early media, in ms from the start; 0: none. */
  const hangupWith = (caller: [ring: number, media: number], called: [ring: number, media: number]) =>
    notificationsOf(
      events.map((event) => {
        const [ring, media] = isCallerLeg(event) ? caller : called;
        return {
          ...event,
          'Caller-Channel-Progress-Time': at(ring),
          'Caller-Channel-Progress-Media-Time': at(media),
        };
      }),
      SETTINGS,
    ).find(({ action }) => action === 'hangup');

  it.each<[string, called: [number, number], expected: number]>([
    ['ends at the first 180 or 183 of the called leg', [300, 100], 100],
    ['ends at its 180', [200, 0], 200],
    ['is 0 when no called leg rings', [0, 0], 0],
  ])('%s, whatever FreeSWITCH sent to the caller', (_, called, expected) => {
    expect(hangupWith([0, 40], called)).toMatchObject({ ring_ms: expected });
    expect(hangupWith([0, 0], called)).toMatchObject({ ring_ms: expected });
  });
});

describe('one event', () => {
  const events = recordedEvents('answered');
  const of = (name: string, direction: string) => {
    const event = events.find((one) => one['Event-Name'] === name && one['Call-Direction'] === direction);
    if (!event) throw new Error(`no ${name}`);
    return event;
  };
  const ring = of('CHANNEL_PROGRESS', 'outbound');
  const end = of('CHANNEL_HANGUP_COMPLETE', 'inbound');
  const without = (event: FreeSwitchEvent, ...names: string[]) =>
    Object.fromEntries(Object.entries(event).filter(([name]) => !names.includes(name)));

  it.each([
    ['the ringing of the caller', of('CHANNEL_PROGRESS', 'inbound')],
    ['the early media of the caller', of('CHANNEL_PROGRESS_MEDIA', 'inbound')],
    ['the answer of the caller', of('CHANNEL_ANSWER', 'inbound')],
    ['the end of a called leg', of('CHANNEL_HANGUP_COMPLETE', 'outbound')],
    ['an event of another kind', of('CHANNEL_BRIDGE', 'inbound')],
    ['a channel that is not tagged', without(ring, 'variable_dialhook_call')],
    ['an event without a channel', without(ring, 'Unique-ID')],
    ['a cti_bridge that is wrong', { ...ring, variable_cti_bridge: 'crm/binding' }],
    ['nothing at all', {}],
  ])('ignores %s', (_, event) => expect(readEvent(event, SETTINGS)).toBeUndefined());

  it('needs an endpoint from the channel or the configuration', () => {
    const none = { nodeName: undefined, defaultUrl: undefined };
    expect(readEvent(ring, none)).toBeUndefined();
    expect(readEvent({ ...end, variable_cti_bridge: 'http://a/ 1 2 0' }, none)).toMatchObject({
      endpoint: { url: 'http://a/', notify: false },
      wanted: false,
    });
    expect(readEvent({ ...ring, variable_cti_bridge: 'http://a/ 1 2 0' }, none)).toBeUndefined();
    expect(readEvent(end, { nodeName: undefined, defaultUrl: 'http://default/' })?.endpoint.url).toBe(URL);
  });

  it('uses the configured node name, or else that of FreeSWITCH', () => {
    expect(read(ring, { nodeName: 'edge-1', defaultUrl: URL })?.node).toBe('edge-1');
    expect(read(without(ring, 'FreeSWITCH-Switchname'))?.node).toBe('vm');
  });

  it('reads when the channel was created', () => {
    expect(readEvent(end, SETTINGS)?.callStart).toBe(1_795_458_426_595);
  });

  it('contains dialhook_result when it is a known result', () => {
    expect(read({ ...end, variable_dialhook_result: 'http_status' })).toMatchObject({
      result: 'http_status',
    });
    expect(read({ ...end, variable_dialhook_result: 'mine' })).not.toHaveProperty('result');
  });

  it('lists a single leg in the same format as several', () => {
    const legs = { variable_originated_legs: 'a;x;1', variable_originate_causes: 'a;NO_ANSWER' };
    expect(read({ ...end, ...legs })).toMatchObject({
      tried: [{ leg: 'a', number: '1', cause: 'NO_ANSWER' }],
    });
    const two = { variable_originated_legs: ['a;x;1', 'b;y;2'], variable_originate_causes: ['b;NONE'] };
    expect(read({ ...end, ...two })).toMatchObject({
      tried: [
        { leg: 'a', number: '1', cause: '' },
        { leg: 'b', number: '2', cause: 'NONE' },
      ],
    });
  });

  it.each([
    [{ variable_sip_hangup_disposition: 'recv_bye' }, 'caller'],
    [{ variable_sip_hangup_disposition: 'recv_cancel' }, 'caller'],
    [
      {
        variable_sip_hangup_disposition: 'recv_bye',
        variable_last_bridge_proto_specific_hangup_cause: 'sip:200',
      },
      'caller',
    ],
    [
      {
        variable_sip_hangup_disposition: 'send_bye',
        variable_last_bridge_proto_specific_hangup_cause: 'sip:200',
      },
      'callee',
    ],
    [
      {
        variable_sip_hangup_disposition: 'send_refuse',
        variable_last_bridge_proto_specific_hangup_cause: 'sip:486',
      },
      'callee',
    ],
    [{ variable_sip_hangup_disposition: 'send_bye' }, 'freeswitch'],
    [{ variable_sip_hangup_disposition: 'send_refuse' }, 'freeswitch'],
    [{ variable_sip_hangup_disposition: '' }, 'freeswitch'],
  ])('%j was hung up by the %s', (variables, by) => {
    const plain = without(end, 'variable_last_bridge_proto_specific_hangup_cause');
    expect(read({ ...plain, ...variables })).toMatchObject({ hangup_by: by });
  });

  it('subscribes to the events that it reads', () => {
    expect(EVENTS).toEqual([
      'CHANNEL_PROGRESS',
      'CHANNEL_PROGRESS_MEDIA',
      'CHANNEL_ANSWER',
      'CHANNEL_HANGUP_COMPLETE',
    ]);
  });
});
