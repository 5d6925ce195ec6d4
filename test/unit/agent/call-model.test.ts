import { describe, expect, it } from 'vitest';
import { ACTIONS, type Notification } from '#libs/contract/endpoint.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { entryEvents } from '#services/agent/call/entry-event.ts';
import { entryEvent, type LegEvent, legEvent } from '#services/agent/call/leg-event.ts';
import { unionMs } from '#services/agent/call/talk-time.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { replay, trackedCalls } from '#test/support/agent/replay.ts';
import { recordedStory } from '#test/support/call-events/fixtures.ts';
import { linesOf } from '#test/support/call-events/lines.ts';
import { STORIES } from '#test/support/call-events/stories.ts';

const SETTINGS = { nodeName: 'fs1', defaultUrl: undefined };
const isNamed = (event: FreeSwitchEvent, name: string) => event['Event-Name'] === name;
const isCallers = (event: FreeSwitchEvent) => event['Unique-ID'] === event['variable_dialhook_call'];
const isEnd = (event: FreeSwitchEvent) => isNamed(event, 'CHANNEL_HANGUP_COMPLETE');

const published = (events: readonly FreeSwitchEvent[]): Notification[] =>
  replay(events, SETTINGS).map(({ notification }) => notification);
const hangupOf = (events: readonly FreeSwitchEvent[], dialled = '95588') => {
  const found = published(events).find(
    (one) => one.action === 'hangup' && one.destination_number === dialled,
  );
  if (found?.action !== 'hangup' || found.recovered) throw new Error('no hangup');
  return found;
};

/** What only the entry into `socket` shows is in test/support/cases/life/stories.ts, and below. */
const SHOWN_BY_ENTRY =
  /^(?:leg_end 1 BLIND_TRANSFER|transfer blind by caller to 97777|transfer blind by other)/;

describe('the events of a story on a real FreeSWITCH', () => {
  it.each(STORIES)('$name', ({ name, expect: expected }) => {
    const lines = linesOf(published(recordedStory(name)));
    for (const [dialled, all] of Object.entries(expected)) {
      const wanted = all.filter((line) => !SHOWN_BY_ENTRY.test(line));
      const given = lines[dialled]?.filter((line) => !SHOWN_BY_ENTRY.test(line));
      expect(given?.toSorted()).toEqual(wanted.toSorted());
    }
  });

  it.each(STORIES)('$name: the order in which two legs end makes no difference', ({ name }) => {
    const events = recordedStory(name);
    const lines = (all: readonly FreeSwitchEvent[]) =>
      Object.values(linesOf(published(all))).map((one) => one.toSorted());
    for (const [index, event] of events.entries()) {
      const before = events[index - 1];
      if (before === undefined || !isEnd(before) || !isEnd(event)) continue;
      const swapped = events.toSpliced(index - 1, 2, event, before);
      expect(lines(swapped)).toEqual(lines(events));
    }
  });
});

describe('an agent that was restarted during the call', () => {
  it.each(STORIES)('$name: publishes the hangup', ({ name, expect: expected }) => {
    const end = recordedStory(name).findLast((event) => isEnd(event) && isCallers(event));
    const all = published(end === undefined ? [] : [end]);
    expect(all.filter(({ action }) => action === 'hangup')).toHaveLength(1);
    expect(Object.keys(expected)).toContain(all[0]?.destination_number);
  });

  it('counts talk time from the bridge, and knows that a leg was connected', () => {
    const end = recordedStory('the called party answers').filter((event) => isEnd(event) && isCallers(event));
    const hangup = hangupOf(end);
    expect(hangup.tried.map(({ cause }) => cause)).toEqual(['NONE']);
    expect(hangup.billable_ms).toBeGreaterThan(0);
    expect(hangup.billable_ms).toBeLessThanOrEqual(hangup.duration_ms);
  });

  it('learns of a pickup when the call ends', () => {
    const story = recordedStory('another phone picks the ringing call up');
    const all = published(story.filter((event) => isEnd(event) && isCallers(event)));
    expect(all.map(({ action }) => action)).toEqual(['answer', 'transfer', 'hangup']);
    expect(all[0]).toMatchObject({ called_number: '4242', caller_id_number: '13900001111' });
    const [, , hangup] = all;
    expect(hangup?.action === 'hangup' && !hangup.recovered && hangup.billable_ms).toBeGreaterThan(0);
  });

  it('learns of a transfer by the caller when the called party hangs up', () => {
    const story = recordedStory('the caller transfers the called party with a consultation call');
    const ends = story.filter((event) => isEnd(event) && !isCallers(event));
    const transfers = published(ends).filter(({ action }) => action === 'transfer');
    expect(transfers.map((one) => one.action === 'transfer' && `${one.kind} by ${one.by}`)).toEqual([
      'attended by caller',
      'attended by caller',
    ]);
  });
});

describe('a consultation by att_xfer', () => {
  it.each([
    ['the called party transfers the caller with att_xfer', 'attended'],
    ['the party that att_xfer calls is busy', undefined],
  ])('%s: no blind transfer, and the talk counts until the end', (name, kind) => {
    const all = published(recordedStory(name));
    expect(all.find(({ action }) => action === 'transfer')).toEqual(
      kind && expect.objectContaining({ kind, by: 'callee' }),
    );
    const { billable_ms, duration_ms } = hangupOf(recordedStory(name));
    const answer = all.find(({ action }) => action === 'answer');
    const end = all.find(({ action }) => action === 'hangup');
    const talkedMs = Date.parse(end?.time ?? '') - Date.parse(answer?.time ?? '');
    // Of the transfer FreeSWITCH takes a moment to connect the caller.
    expect(billable_ms).toBeGreaterThan(talkedMs - 150);
    expect(billable_ms).toBeLessThanOrEqual(duration_ms);
  });
});

describe('talk time', () => {
  it.each([
    [[], 0],
    [[[10, 20]], 10],
    [
      [
        [10, 20],
        [30, 40],
      ],
      20,
    ],
    [
      [
        [30, 40],
        [10, 35],
      ],
      30,
    ],
    [
      [
        [10, 40],
        [20, 30],
      ],
      30,
    ],
    [[[20, 10]], 0],
  ] as const)('of %j is %i', (intervals, ms) => expect(unionMs(intervals)).toBe(ms));

  it('is 0 when the dialplan answered and no called party did', () => {
    const hangup = hangupOf(recordedStory('the dialplan has answered and the called party is busy'), 'menu');
    expect(hangup.duration_ms).toBeGreaterThan(2_000);
    expect(hangup.billable_ms).toBe(0);
  });

  it('leaves out what the dialplan played before the called party answered', () => {
    const hangup = hangupOf(recordedStory('the dialplan has answered before the called party does'), 'menu');
    expect(hangup.billable_ms).toBeGreaterThan(0);
    expect(hangup.billable_ms).toBeLessThan(hangup.duration_ms - 1_900);
  });

  it.each([
    'the called party transfers the caller to Dialhook',
    'the called party transfers the caller with a consultation call',
  ])('includes every party: %s', (name) => {
    const hangup = hangupOf(recordedStory(name));
    const [first] = hangup.tried;
    expect(hangup.billable_ms).toBeGreaterThan((first?.talk_ms ?? 0) + 200);
  });
});

describe('the hangup', () => {
  const story = recordedStory('the called party declines');
  const callers = story.filter((event) => isEnd(event) && isCallers(event));
  const called = story.filter((event) => !isCallers(event));
  const feed = (events: readonly FreeSwitchEvent[], { tracker }: ReturnType<typeof trackedCalls>) => {
    for (const data of events) tracker.onEvent(legEvent(data, SETTINGS) as LegEvent);
  };
  const actions = ({ published: all }: ReturnType<typeof trackedCalls>) =>
    all.map(({ notification }) => notification.action);

  it('waits for the end of the called legs', () => {
    const calls = trackedCalls();
    feed(callers, calls);
    expect(actions(calls)).toEqual([]);
    expect(calls.timers.size).toBe(1);
    feed(called, calls);
    expect(actions(calls)).toEqual(['leg_end', 'hangup']);
    expect(calls.timers.size).toBe(0);
    expect(calls.tracker.size).toBe(0);
  });

  it.each([
    ['that was dialled', {}],
    ['that has to accept the call', { variable_dialhook_accept: 'true', 'Caller-Channel-Bridged-Time': '0' }],
  ])('comes without progress after the end of the caller: a called leg %s', (_, accepts) => {
    const cancelled = recordedStory('the caller cancels during early media');
    const late = cancelled.filter((event) => !isCallers(event));
    const calls = trackedCalls();
    feed(cancelled.filter(isCallers), calls);
    feed(
      late.map((event) => ({ ...event, ...accepts })),
      calls,
    );
    expect(late.map((event) => event['Event-Name'])).toContain('CHANNEL_PROGRESS_MEDIA');
    expect(actions(calls)).toEqual(['leg_end', 'hangup']);
  });

  it('does not wait longer than its timer', () => {
    const calls = trackedCalls();
    feed(callers, calls);
    calls.expire();
    expect(actions(calls)).toEqual(['hangup']);
    calls.expire();
    feed(called, calls);
    expect(actions(calls)).toEqual(['hangup', 'leg_end']);
  });

  it.each([
    ['the called party refused', 'sip:603', {}, 'callee'],
    ['no INVITE could be sent', 'sip:503', { variable_sip_hangup_disposition: '' }, 'freeswitch'],
    ['an earlier target refused', 'sip:503', {}, 'freeswitch'],
  ])('%s, %s: says by whom', (_, status, changed, by) => {
    const caller = callers.map((event) => ({
      ...event,
      variable_last_bridge_proto_specific_hangup_cause: status,
    }));
    const hangup = hangupOf([...caller, ...called.map((event) => ({ ...event, ...changed }))]);
    expect(hangup.hangup_by).toBe(by);
    expect(hangup.tried[0]?.sip_status).toBe('variable_sip_hangup_disposition' in changed ? undefined : 603);
  });

  it('does not wait for a party that talks on after a transfer', () => {
    const calls = trackedCalls();
    const transfer = recordedStory('the caller transfers the called party to an extension of the dialplan');
    feed(transfer.slice(0, transfer.findIndex((event) => isEnd(event) && isCallers(event)) + 1), calls);
    expect(actions(calls)).toEqual(['ring', 'answer', 'hangup']);
    expect(calls.timers.size).toBe(0);
  });
});

describe('a called party that the caller transfers to Dialhook', () => {
  const story = recordedStory('the caller transfers the called party to Dialhook');
  const answer = story.find((event) => isNamed(event, 'CHANNEL_ANSWER')) as FreeSwitchEvent;
  const end = story.find((event) => isEnd(event) && isCallers(event)) as FreeSwitchEvent;
  const answered = legEvent(answer, SETTINGS) as LegEvent;
  const uuid = String(answer['Unique-ID']);
  /** The channel data with which the called leg enters. */
  const data = {
    ...answer,
    'Caller-Destination-Number': '97777',
    'Event-Date-Timestamp': String(end['Event-Date-Timestamp']),
  };
  const left = entryEvent(data, SETTINGS.nodeName, answered.subscriber);
  const event: LegEvent = { ...left, call: uuid };

  it('reports to the exact URL, which the channel data do not hold', () => {
    const url = 'http://crm/?x=a%20b';
    const decoded = { ...data, variable_cti_bridge: 'http://crm/?x=a b 3000 3000 1' };
    const given = { url, connectTimeoutMs: 3_000, responseTimeoutMs: 3_000, notify: true };
    const entry = { kind: 'request', reason: 'transfer', transferred_from: uuid } as const;
    const read = entryEvents(decoded, entry, given, readAgentConfig({ NODE_NAME: 'fs1' }));
    expect([read.event.subscriber?.url, read.left?.subscriber?.url]).toEqual([url, url]);
  });

  it.each([
    ['after', [end], []],
    ['before', [], [end]],
  ])('leaves the call %s the caller does', (_, before, after) => {
    const { tracker, published: all } = trackedCalls();
    const feed = (events: readonly FreeSwitchEvent[]) => {
      for (const one of events) tracker.onEvent(legEvent(one, SETTINGS) as LegEvent);
    };
    feed([answer, ...before]);
    tracker.onEntry(event, 'transfer', left);
    feed(after);
    const lines = linesOf(all.map(({ notification }) => notification))['95588'];
    expect(lines?.toSorted()).toEqual([
      'answer 1',
      'hangup talk 1:NONE',
      'leg_end 1 BLIND_TRANSFER',
      'transfer blind by caller to 97777 in ',
    ]);
    const transfer = all.find(({ notification }) => notification.action === 'transfer')?.notification;
    expect(transfer).toMatchObject({ to_call: uuid, leg: end['Unique-ID'] });
  });
});

describe('an endpoint that lists the actions it wants', () => {
  const story = recordedStory('the called party answers');
  it.each([
    [undefined, ['ring', 'answer', 'hangup']],
    ['answer', ['answer', 'hangup']],
    ['.', ['hangup']],
    [ACTIONS.join('.'), ['ring', 'answer', 'leg_end', 'hangup']],
  ])('%s', (notify, expected) => {
    const events = story.map(({ variable_dialhook_notify: _, ...event }) =>
      notify === undefined ? event : { ...event, variable_dialhook_notify: notify },
    );
    const all = replay(events, SETTINGS);
    expect(all.map(({ notification }) => notification.action)).toEqual(expected);
    const wanted = notify === undefined || notify.includes('hangup');
    expect(all.at(-1)?.wanted).toBe(wanted);
  });
});

describe('the ring time of a target with a delay', () => {
  const story = recordedStory('of two phones that ring the second answers');
  const ringTimes = (events: readonly FreeSwitchEvent[]) =>
    hangupOf(events).tried.map(({ ring_ms }) => ring_ms);
  const [, immediate = 0] = ringTimes(story);
  const ofSecond = (change: (event: FreeSwitchEvent) => FreeSwitchEvent) =>
    story.map((event) => (event['Caller-Destination-Number'] === '2' ? change(event) : event));
  const delayed = (seconds: string, ms: number) => (event: FreeSwitchEvent) => ({
    ...event,
    variable_leg_delay_start: seconds,
    'Caller-Channel-Created-Time': String(Number(event['Caller-Channel-Created-Time']) - ms * 1000),
  });
  const silent = (event: FreeSwitchEvent) => ({ ...event, 'Caller-Channel-Progress-Time': '0' });

  it.each([
    ['starts with the first response', '3', 3_000],
    ['starts with the first response when FreeSWITCH ends the delay early', '60', 1_000],
  ])('%s', (_, seconds, ms) => {
    const [, ringMs = 0] = ringTimes(ofSecond(delayed(seconds, ms)));
    expect(ringMs).toBeGreaterThan(0);
    expect(ringMs).toBeLessThan(immediate);
  });

  it('starts when the delay ends, without a response', () => {
    const events = ofSecond((event) => silent(delayed('3', 3_000)(event)));
    expect(ringTimes(events.filter((event) => !isNamed(event, 'CHANNEL_PROGRESS')))[1]).toBe(immediate);
  });

  it('is 0 of a target that was never dialled', () => {
    const events = ofSecond((event) => silent(delayed('60', 0)(event)));
    expect(ringTimes(events.filter((event) => !isNamed(event, 'CHANNEL_PROGRESS')))[1]).toBe(0);
  });
});

describe('what was tried, for a further request', () => {
  const story = recordedStory('the first target is busy after early media');
  const failed = story.filter((event) => event['Caller-Destination-Number'] === '1');
  const uuid = String(failed[0]?.['variable_dialhook_call']);
  const originated = [{ leg: String(failed[0]?.['Unique-ID']), number: '95588', cause: 'NONE' }];
  const feed = ({ tracker }: ReturnType<typeof trackedCalls>, events: readonly FreeSwitchEvent[]) => {
    for (const data of events) tracker.onEvent(legEvent(data, SETTINGS) as LegEvent);
  };
  const complete = { number: '1', cause: 'USER_BUSY', sip_status: 486, early_media: true, answered: false };

  it('waits for the end of the leg', async () => {
    const calls = trackedCalls();
    feed(calls, failed.slice(0, 1));
    const tried = calls.tracker.tried(uuid, originated);
    feed(calls, failed.slice(1));
    expect(await tried).toMatchObject([complete]);
    expect(calls.timers.size).toBe(0);
  });

  it('is what the caller leg remembers when the end does not come', async () => {
    const calls = trackedCalls();
    const tried = calls.tracker.tried(uuid, originated);
    calls.expire();
    expect(await tried).toEqual(originated);
  });
});
