import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client } from '#test/support/simulator/client.ts';

const CALL = { caller: { number: '100', name: 'A' }, destination: '200' };
const GOODBYE = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';

let node: SimulatedFreeSwitch;

beforeEach(async () => {
  node = await SimulatedFreeSwitch.start({ name: 'fs1' });
});

afterEach(() => node.stop());

describe('a simulated FreeSWITCH', () => {
  test('restarts on its port; its calls end without an event', async () => {
    const before = await Client.logIn(node.port, 'event json ALL');
    const call = node.call({ ...CALL, dialplan: ['answer', 'park'] });
    await before.until(() => before.events.some((event) => event.get('Event-Name') === 'CHANNEL_ANSWER'));
    const port = node.port;
    await node.restart();
    await before.untilClosed();
    expect(before.events.map((event) => event.get('Event-Name'))).not.toContain('CHANNEL_HANGUP');
    expect(await call.ended).toMatchObject({ cause: 'CRASH', progress: [] });
    expect([node.port, node.channels]).toEqual([port, 0]);
    const after = await Client.logIn(port, 'event json CHANNEL_HANGUP_COMPLETE');
    await node.call({ ...CALL, dialplan: ['hangup'] }).ended;
    await after.until(() => after.events.length === 1);
    expect(after.events[0]?.get('Core-UUID')).not.toBe(before.events[0]?.get('Core-UUID'));
  });

  test('hangs up its calls and sends notices when it stops', async () => {
    const client = await Client.logIn(node.port, 'event json CHANNEL_HANGUP_COMPLETE');
    const call = node.call({ ...CALL, dialplan: ['park'] });
    await node.stop();
    expect(await call.ended).toMatchObject({ cause: 'SYSTEM_SHUTDOWN' });
    await client.untilClosed();
    expect(client.events).toHaveLength(1);
    expect(client.frames.at(-1)?.body).toBe(GOODBYE);
  });

  test('cuts its connections without notice', async () => {
    const client = await Client.logIn(node.port);
    node.disconnectListeners();
    await client.untilClosed();
    expect(client.frames.at(-1)?.headers.get('Reply-Text')).toBe('+OK accepted');
  });
});
