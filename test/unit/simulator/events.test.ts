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

  test('only those named are sent, and none after noevents', async () => {
    const client = await Client.logIn(node.port, 'event json CHANNEL_CREATE CHANNEL_DESTROY');
    await hangUp();
    await client.until(() => client.events.length === 2);
    expect(names(client)).toEqual(['CHANNEL_CREATE', 'CHANNEL_DESTROY']);
    await client.command('nixevent CHANNEL_CREATE');
    await hangUp();
    await client.command('noevents');
    await hangUp();
    await client.command('noevents');
    expect(names(client)).toEqual(['CHANNEL_CREATE', 'CHANNEL_DESTROY', 'CHANNEL_DESTROY']);
  });

  test('nixevent takes one away from all', async () => {
    const client = await Client.logIn(node.port, 'event json ALL', 'nixevent CHANNEL_HANGUP');
    await hangUp();
    await client.until(() => names(client).includes('CHANNEL_DESTROY'));
    expect(names(client)).toContain('CHANNEL_HANGUP_COMPLETE');
    expect(names(client)).not.toContain('CHANNEL_HANGUP');
  });

  test('two listeners get the same bytes', async () => {
    const [one, other] = await Promise.all(
      [1, 2].map(() => Client.logIn(node.port, 'event json CHANNEL_HANGUP_COMPLETE')),
    );
    await hangUp();
    await Promise.all([one, other].map((client) => client?.until(() => client.events.length === 1)));
    expect(one?.frames.at(-1)).toEqual(other?.frames.at(-1));
    expect(one?.frames.at(-1)?.body.length).toBeGreaterThan(5000);
  });

  test('plain events are url-encoded headers', async () => {
    const client = await Client.logIn(node.port, 'event plain CHANNEL_HANGUP_COMPLETE');
    await hangUp({ list: 'ARRAY::a b|:c' });
    await client.until(() => client.frames.length === 4);
    const frame = client.frames.at(-1);
    expect(frame?.headers.get('Content-Type')).toBe('text/event-plain');
    expect(frame?.body).toMatch(/^Event-Name: CHANNEL_HANGUP_COMPLETE\n/);
    expect(frame?.body).toContain('\nvariable_list: ARRAY%3A%3Aa%20b%7C%3Ac\n');
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['without a filter all pass', [], ['one', 'two', 'none']],
    ['a regular expression', ['filter variable_mark /^t/'], ['two']],
    ['flags of an expression', ['filter variable_mark /^T/i'], ['two']],
    ['a value in any case', ['filter variable_mark ONE'], ['one']],
    [
      'one match of several filters is enough',
      ['filter variable_mark one', 'filter variable_mark two'],
      ['one', 'two'],
    ],
    ['the name of a header in any case', ['filter VARIABLE_MARK /.+/'], ['one', 'two']],
    ['a minus rules out', ['filter Call-Direction inbound', 'filter variable_mark -one'], ['two', 'none']],
    ['a minus alone lets nothing pass', ['filter variable_mark -one'], []],
    ['an expression that is not closed matches nothing', ['filter variable_mark /o'], []],
    ['an expression that does not compile matches nothing', ['filter variable_mark /(/'], []],
    [
      'deleted by value',
      ['filter variable_mark one', 'filter variable_mark two', 'filter delete variable_mark one'],
      ['two'],
    ],
    [
      'deleted by name',
      ['filter variable_mark one', 'filter variable_mark two', 'filter delete variable_mark'],
      ['one', 'two', 'none'],
    ],
    ['deleted all', ['filter variable_mark one', 'filter delete all'], ['one', 'two', 'none']],
  ])('filter: %s', async (_, commands, expected) => {
    const client = await Client.logIn(node.port, 'event json CHANNEL_HANGUP_COMPLETE', ...commands);
    for (const variables of [{ mark: 'one' }, { mark: 'two' }, {}])
      await hangUp(variables as Record<string, string>);
    await client.command('noevents');
    expect(client.events.map((event) => event.get('variable_mark') ?? 'none')).toEqual(expected);
  });

  test('what was smuggled into a hook is written down', async () => {
    await hangUp({ api_hangup_hook: 'system touch /tmp/x' });
    expect(node.ranApis).toEqual(['system(touch /tmp/x)']);
  });
});
