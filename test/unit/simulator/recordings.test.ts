import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import {
  channelDataOf,
  type EventHeaders,
  eventOf,
  type Frame,
  isEvent,
  parseFrames,
  recorded,
} from '#test/support/simulator/frames.ts';
import { normalise, type Roles, rolesOf } from '#test/support/simulator/normalise.ts';
import { replay } from '#test/support/simulator/replay.ts';
import { SCENARIOS } from '#test/support/simulator/scenarios.ts';

const RECORDINGS = new URL('../../support/recordings/', import.meta.url);

/** Both connections of one call, the recorded or the simulated one. */
interface Streams {
  readonly inbound: readonly Frame[];
  readonly outbound: readonly Frame[];
}

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
 * The events of each leg in order. The order between two legs varies in FreeSWITCH, where each has a thread of its own:
 * most of all that of their HANGUP_COMPLETE, and of one leg's ANSWER and the other's PROGRESS.
 */
function eventsByLeg(streams: Streams, roles: Roles): Record<string, unknown[]> {
  const legs: Record<string, unknown[]> = {};
  for (const event of eventsOf(streams)) {
    const leg = roles.get(String(event.get('Unique-ID'))) ?? 'nobody';
    legs[leg] = [...(legs[leg] ?? []), normalise(event, roles)];
  }
  return legs;
}

/** Replies and notices; the answer to `connect` with its headers decoded. */
const controlFrames = (frames: readonly Frame[], roles: Roles): unknown[] =>
  frames
    .filter((frame) => !isEvent(frame))
    .map((frame) => ({ headers: normalise(channelDataOf(frame), roles), body: frame.body }));

const headerNames = (frames: readonly Frame[]): string[][] =>
  frames.map(({ headers }) => [...headers.keys()].filter((name) => !name.startsWith('variable_')));

test('every recording is replayed', async () => {
  expect((await readdir(RECORDINGS)).sort()).toEqual(Object.keys(SCENARIOS).sort());
});

describe.each(Object.entries(SCENARIOS))('%s', async (name, scenario) => {
  const real = await recordedStreams(name);
  const simulated = await replay(name, scenario);
  const realRoles = rolesOf(eventsOf(real), callerOf(real));
  const simulatedRoles = rolesOf(eventsOf(simulated), callerOf(simulated));

  test('the connection to the event socket is answered alike', () => {
    expect(controlFrames(simulated.inbound, simulatedRoles)).toEqual(controlFrames(real.inbound, realRoles));
  });

  test('the connection of the socket application is answered alike', () => {
    expect(controlFrames(simulated.outbound, simulatedRoles)).toEqual(
      controlFrames(real.outbound, realRoles),
    );
  });

  test('frames have the same headers in the same order', () => {
    expect(headerNames(simulated.outbound)).toEqual(headerNames(real.outbound));
    expect(headerNames(simulated.inbound)).toEqual(headerNames(real.inbound));
  });

  test('each leg has the same events with the same headers', () => {
    expect(eventsByLeg(simulated, simulatedRoles)).toEqual(eventsByLeg(real, realRoles));
  });

  test('events are numbered and dated in the order in which they are sent', () => {
    for (const header of ['Event-Sequence', 'Event-Date-Timestamp']) {
      const numbers = eventsOf(simulated).map((event) => Number(event.get(header)));
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }
  });

  test('the record tells what the events tell', () => {
    expect(simulated.record.progress).toEqual(eventsOf(simulated).flatMap(progressOf));
  });

  test('the caller sees the same final status', async () => {
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
