import { describe, expect, it } from 'vitest';
import { decodeHeaders } from '#libs/esl/frames.ts';
import { encodeHeader } from '#libs/esl/text.ts';
import { exactCaller, exactUuid } from '#services/agent/call/exact-data.ts';

const latin1 = (text: string) => Buffer.from(text).toString('latin1');

/** Channel data as FreeSWITCH writes them, and its replies to getvar. */
function callWith(channel: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>) {
  const asked: string[] = [];
  const raw = Object.fromEntries(
    Object.entries(headers).map(([name, variable]) => [name, encodeHeader(latin1(channel[variable] ?? ''))]),
  );
  return {
    asked,
    raw,
    decoded: decodeHeaders({ ...raw, 'Socket-Mode': 'static' }),
    getVariables: async (names: readonly string[]) => {
      asked.push(...names);
      return names.flatMap((name) => (channel[name] ? [latin1(channel[name]).slice(0, 511)] : []));
    },
  };
}

const exactData = async (call: Parameters<typeof exactCaller>[0]) => ({
  ...(await exactUuid(call)),
  ...(await exactCaller(call)),
});

const HEADERS = {
  'Unique-ID': 'uuid',
  'Caller-Caller-ID-Number': 'caller_id_number',
  'Caller-Caller-ID-Name': 'caller_id_name',
  'Caller-Destination-Number': 'destination_number',
};

describe('exactData', () => {
  it.each<[string, Record<string, string>]>([
    ['escapes in numbers', { caller_id_number: '100%41', destination_number: '5%2312' }],
    ['a number with #', { caller_id_number: '+4930', destination_number: '*21#5' }],
    ['a name after +', { caller_id_number: '+4930', caller_id_name: '+4930 Alice' }],
    ['an escaped NUL', { caller_id_number: '100%00', destination_number: '1%2B' }],
    ['equal text, escaped once', { caller_id_name: 'a%20b', destination_number: 'a b' }],
    ['equal text, escaped in the other field', { caller_id_name: 'a b', destination_number: 'a%20b' }],
    ['a name', { caller_id_name: "张三 O'Brien 100%", destination_number: '1' }],
    ['a Call-ID as uuid', { uuid: 'abc%0Adef@h' }],
    ['a Call-ID with a percent sign before hex digits', { uuid: '%%41%4a%E5@h' }],
  ])('agrees with the events of the call: %s', async (_, channel) => {
    const call = callWith(channel, HEADERS);
    const known = { ...call.decoded, ...(await exactData(call)) };
    for (const [name, variable] of Object.entries(HEADERS)) expect(known[name]).toBe(channel[variable] ?? '');
  });

  it('reads nothing when the channel data leave no doubt', async () => {
    const numbers = { caller_id_number: '+4930123', destination_number: '5%2541' };
    const call = callWith({ uuid: 'u-1', ...numbers, caller_id_name: '+4930123' }, HEADERS);
    expect(await exactData(call)).toEqual({});
    expect(call.asked).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['a line end, which would forge replies', { caller_id_name: 'a\n\nContent-Type: command/reply' }],
    ['a leading ~', { caller_id_name: '~Reply-Text: a b' }],
  ])('does not read %s', async (_, channel) => {
    const call = callWith(channel, HEADERS);
    expect(await exactData(call)).toEqual({});
    expect(call.asked).toEqual([]);
  });

  it('keeps the decoded value when the reply is cut', async () => {
    const name = 'a b'.repeat(300);
    const call = callWith({ caller_id_name: name, destination_number: '5%23' }, HEADERS);
    expect(await exactData(call)).toEqual({ 'Caller-Destination-Number': '5%23' });
    expect(call.decoded['Caller-Caller-ID-Name']).toBe(name);
  });

  it('keeps the decoded value when a channel variable hides the field', async () => {
    const call = callWith({ caller_id_name: 'a b', destination_number: '5%23' }, HEADERS);
    const getVariables = async () => ['another name', '5%23'];
    expect(await exactData({ raw: call.raw, getVariables })).toEqual({ 'Caller-Destination-Number': '5%23' });
  });
});
