import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  channelDataOf,
  type EventHeaders,
  type EventValue,
  eventOf,
  type Frame,
  isEvent,
  parseFrames,
  recorded,
} from '#test/support/simulator/frames.ts';
import { comparable, normalise, type Roles, rolesOf } from '#test/support/simulator/normalise.ts';
import { replay } from '#test/support/simulator/replay.ts';
import { SCENARIOS } from '#test/support/simulator/scenarios.ts';

const RECORDINGS = new URL('../../support/recordings/', import.meta.url);

/** Both connections of one call, recorded or simulated. */
interface Streams {
  readonly inbound: readonly Frame[];
  readonly outbound: readonly Frame[];
}

type Headers = Record<string, EventValue>;
type NormalisedFrame = { readonly headers: Headers; readonly body: string };

async function recordedStreams(name: string): Promise<Streams> {
  const [inbound, outbound] = await Promise.all([
    recorded(name, 'inbound', 'freeswitch'),
    recorded(name, 'outbound', 'freeswitch'),
  ]);
  return { inbound: parseFrames(inbound).frames, outbound: parseFrames(outbound).frames };
}

const eventsOf = ({ inbound }: Streams): readonly EventHeaders[] => inbound.filter(isEvent).map(eventOf);

function callerOf({ outbound }: Streams): string {
  const [connected] = outbound;
  return connected === undefined ? '' : String(channelDataOf(connected).get('Unique-ID'));
}

/**
 * The events of each leg in order. The order between legs varies in FreeSWITCH, where each leg has its own thread.
 */
function eventsByLeg(streams: Streams, roles: Roles): Record<string, Headers[]> {
  const legs: Record<string, Headers[]> = {};
  for (const event of eventsOf(streams)) {
    const leg = roles.get(String(event.get('Unique-ID'))) ?? 'unknown leg';
    legs[leg] = [...(legs[leg] ?? []), normalise(event, roles)];
  }
  return legs;
}

/** Replies and notices; the answer to `connect` with its headers decoded. */
const controlFrames = (frames: readonly Frame[], roles: Roles): NormalisedFrame[] =>
  frames
    .filter((frame) => !isEvent(frame))
    .map((frame) => ({ headers: normalise(channelDataOf(frame), roles), body: frame.body }));

const comparableFrames = (
  real: readonly NormalisedFrame[],
  simulated: readonly NormalisedFrame[],
): NormalisedFrame[] =>
  real.map(({ headers, body }, i) => ({ headers: comparable(headers, simulated[i]?.headers), body }));

test('every recording is replayed', async () => {
  expect((await readdir(RECORDINGS)).sort()).toEqual(Object.keys(SCENARIOS).sort());
});

describe.each(Object.entries(SCENARIOS))('the recording %s', async (name, scenario) => {
  const real = await recordedStreams(name);
  const simulated = await replay(name, scenario);
  const realRoles = rolesOf(eventsOf(real), callerOf(real));
  const simulatedRoles = rolesOf(eventsOf(simulated), callerOf(simulated));

  test.each(['inbound', 'outbound'] as const)('has the same responses on the %s connection', (side) => {
    const frames = controlFrames(simulated[side], simulatedRoles);
    expect(frames).toEqual(comparableFrames(controlFrames(real[side], realRoles), frames));
  });

  test('has the same events of each leg, and no header or value that FreeSWITCH does not send', () => {
    const events = eventsByLeg(simulated, simulatedRoles);
    const expected = Object.entries(eventsByLeg(real, realRoles)).map(([leg, all]) => [
      leg,
      all.map((event, i) => comparable(event, events[leg]?.[i])),
    ]);
    expect(events).toEqual(Object.fromEntries(expected));
  });

  test('has events numbered and dated in the order in which they are sent', () => {
    for (const header of ['Event-Sequence', 'Event-Date-Timestamp']) {
      const numbers = eventsOf(simulated).map((event) => Number(event.get(header)));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  test('has a record that agrees with the events', () => {
    expect(simulated.record.progress).toEqual(eventsOf(simulated).flatMap(progressOf));
  });

  test('has the same final status for the caller', async () => {
    const [dialog = ''] = (await readFile(new URL(`${name}/sip.txt`, RECORDINGS), 'utf8')).split('ACK ');
    if (dialog.includes('CANCEL')) {
      expect(simulated.record).toMatchObject({ status: 487, reason: undefined });
      return;
    }
    const status = [...dialog.matchAll(/^SIP\/2\.0 (\d+)/gm)].at(-1)?.[1];
    const reason = [...dialog.matchAll(/text="(\w+)"/g)].at(-1)?.[1];
    expect(simulated.record).toMatchObject({ status: Number(status), reason });
  });
});

const ACTIONS: Readonly<Record<string, string>> = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'progress',
  CHANNEL_ANSWER: 'answer',
};

function progressOf(event: EventHeaders): { leg: unknown; action: string }[] {
  const name = String(event.get('Event-Name'));
  const leg = event.get('Unique-ID');
  if (event.get('Call-Direction') === 'inbound') {
    return name === 'CHANNEL_HANGUP_COMPLETE' ? [{ leg, action: 'hangup' }] : [];
  }
  const action = ACTIONS[name];
  return action === undefined ? [] : [{ leg, action }];
}
