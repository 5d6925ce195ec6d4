import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client } from '#test/support/simulator/client.ts';

const CALL = { caller: { number: '100', name: 'A' }, destination: '200' };

let node: SimulatedFreeSwitch;

beforeEach(async () => {
  node = await SimulatedFreeSwitch.start({ name: 'fs1' });
});

afterEach(() => node.stop());

describe('events', () => {
  const hangUp = (variables: Record<string, string> = {}) =>
    node.call({ ...CALL, variables, dialplan: ['hangup'] }).ended;
  const names = (client: Client): unknown[] => client.events.map((event) => event.get('Event-Name'));

  test('are sent if the connection has subscribed to them', async () => {
    const client = await Client.logIn(node.port, 'event json CHANNEL_CREATE CHANNEL_DESTROY');
    await hangUp();
    await client.until(() => client.events.length === 2);
    expect(names(client)).toEqual(['CHANNEL_CREATE', 'CHANNEL_DESTROY']);
  });

  test('are the same bytes for every connection', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(() => Client.logIn(node.port, 'event json CHANNEL_HANGUP_COMPLETE')),
    );
    await hangUp();
    await Promise.all([one, other].map((client) => client?.until(() => client.events.length === 1)));
    expect(one?.frames.at(-1)).toEqual(other?.frames.at(-1));
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['all pass without a filter', [], ['one', 'two', 'none']],
    ['a regular expression', ['filter variable_mark /^t/'], ['two']],
    ['a regular expression with flags', ['filter variable_mark /^T/i'], ['two']],
    ['a case-insensitive value', ['filter variable_mark ONE'], ['one']],
    [
      'one match of several filters is enough',
      ['filter variable_mark one', 'filter variable_mark two'],
      ['one', 'two'],
    ],
    ['a case-insensitive header name', ['filter VARIABLE_MARK /.+/'], ['one', 'two']],
    [
      'a negative filter rejects',
      ['filter Call-Direction inbound', 'filter variable_mark -one'],
      ['two', 'none'],
    ],
    ['a negative filter alone passes nothing', ['filter variable_mark -one'], []],
    ['an expression that is not closed matches nothing', ['filter variable_mark /o'], []],
    ['an expression that does not compile matches nothing', ['filter variable_mark /(/'], []],
  ])('filter: %s', async (_, commands, expected) => {
    const client = await Client.logIn(node.port, 'event json CHANNEL_HANGUP_COMPLETE', ...commands);
    for (const variables of [{ mark: 'one' }, { mark: 'two' }, {}])
      await hangUp(variables as Record<string, string>);
    await client.command('filter Unique-ID none');
    expect(client.events.map((event) => event.get('variable_mark') ?? 'none')).toEqual(expected);
  });

  test('records an API command injected into a hook', async () => {
    await hangUp({ api_hangup_hook: 'system touch /tmp/x' });
    expect(node.ranApis).toEqual(['system(touch /tmp/x)']);
  });
});
