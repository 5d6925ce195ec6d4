import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { CallList, type CallSummary } from '#libs/contract/console.ts';
import { CSV_HEADER } from '#services/console/export.ts';
import { SearchBusy, TimelineSearch } from '#services/console/timeline-search.ts';
import { type ConsoleHarness, startHarness } from '#test/support/console/harness.ts';
import {
  answeredCall,
  type Caller,
  caller,
  decided,
  publishAll,
  received,
  START,
} from '#test/support/console/steps.ts';
import { traffic } from '#test/support/console/traffic.ts';
import { recordLog } from '#test/support/log.ts';
import { until } from '#test/support/until.ts';

const KEPT = 100;
const now = Date.now();
const first = caller({ node: 'fs-old', from: '15512345678', name: 'Zoë', start: now - 59 * 60_000 - START });
const steps = [...answeredCall(first), ...traffic(now, 50, 0.1)];
const calls = new Set(steps.map(({ uuid }) => uuid)).size;

let console: ConsoleHarness;
beforeAll(async () => {
  console = await startHarness({ CONSOLE_MAX_CALLS: String(KEPT) });
  await publishAll(console.nats, steps);
  const last = steps.at(-1)?.uuid ?? '';
  await until('the console has read all', async () => (await list(`uuid=${last}`)).calls.length === 1);
});
afterAll(() => console.stop());

const list = async (query: string) => CallList.parse(await (await console.get(`/api/calls?${query}`)).json());

describe('the search of the timeline', () => {
  it('finds calls that are no longer in memory, which says that it does not have all', async () => {
    expect(calls).toBeGreaterThan(2 * KEPT);
    expect(await list('number=15512345678')).toMatchObject({ calls: [], kept: KEPT, complete: false });
    const found = await list('number=15512345678&scope=timeline');
    expect(found).toMatchObject({
      calls: [{ uuid: first.uuid, from_name: 'Zoë', state: 'ended' }],
      complete: true,
    });
    const newest = (await list('limit=1')).calls[0]?.started ?? '';
    expect(await list(`since=${newest}`)).toMatchObject({ complete: true });
  });

  it('has the same calls as the memory, as far as that has them, and pages', async () => {
    const memory = await list('limit=50');
    const timeline = await list('limit=50&scope=timeline');
    expect(timeline.calls).toEqual(memory.calls);
    const seen: CallSummary[] = [];
    for (let page: CallList | undefined, cursor = ''; ; cursor = `&cursor=${page.next}`) {
      page = await list(`limit=200&scope=timeline${cursor}`);
      seen.push(...page.calls);
      if (page.next === undefined) break;
    }
    expect(new Set(seen.map(({ uuid }) => uuid)).size).toBe(calls);
  });

  it('reads only from the beginning of the window, and leaves out calls that came in before it', async () => {
    const minutesAgo = (minutes: number) => new Date(now - minutes * 60_000).toISOString();
    const [since, end] = [minutesAgo(30), minutesAgo(10)];
    const found = await list(`since=${since}&until=${end}&limit=500&scope=timeline`);
    const expected = new Set(
      steps
        .filter(({ step, time }) => step === 'received' && time >= since && time < end)
        .map(({ uuid }) => uuid),
    );
    expect(new Set(found.calls.map(({ uuid }) => uuid))).toEqual(expected);
  });

  it('runs one search after the other, and refuses too many', async () => {
    const { log } = recordLog();
    const bus = await Bus.connect(console.natsServer.url, 'console', console.lifecycle, log);
    const search = new TimelineSearch(bus, log);
    const order: number[] = [];
    const all = Array.from({ length: 6 }, (_, n) =>
      search.find({ number: first.from }).then(() => order.push(n)),
    );
    await expect(all.pop()).rejects.toThrow(SearchBusy);
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4]);
    search.close();
    await expect(search.find({})).rejects.toThrow('the console stops');
  });
});

describe('the export', () => {
  it.each([
    ['memory', KEPT, '-incomplete'],
    ['timeline', calls, ''],
  ])('has every call of the scope %s', async (scope, count, ending) => {
    const json = await console.get(`/api/export/calls?format=json&scope=${scope}`);
    expect(json.headers.get('content-disposition')?.replace(/\d{4}-\d\d-\d\dT\d{6}/, 'TIME')).toBe(
      `attachment; filename="calls-TIME${ending}.json"`,
    );
    expect((await json.json()) as unknown[]).toHaveLength(count);
    const csv = await console.get(`/api/export/calls?format=csv&scope=${scope}`);
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const lines = Buffer.from(await csv.arrayBuffer())
      .toString()
      .trimEnd()
      .split('\r\n');
    expect(lines[0]).toBe(CSV_HEADER);
    expect(lines).toHaveLength(count + 1);
  });

  it('has the calls of the list for the same filter, and needs a login and a format', async () => {
    const all = (await (
      await console.get('/api/export/calls?format=json&outcome=failed')
    ).json()) as CallSummary[];
    expect(all).toEqual((await list('outcome=failed&limit=500')).calls);
    expect(console.lines).toContainEqual(
      expect.objectContaining({
        ...{ event: 'call.control', audit: true, who: 'vera', what: 'export', calls: all.length },
        which: { format: 'json', outcome: 'failed', scope: 'memory' },
      }),
    );
    expect((await console.get('/api/export/calls?format=json', 'wrong-token-0123456789')).status).toBe(401);
    expect((await console.get('/api/export/calls')).status).toBe(400);
  });
});

describe('a search that finds more calls than it keeps', () => {
  it('leaves out a dropped call of which later steps come', async () => {
    const [one, two, three] = ['1', '2', '3'].map((from) => caller({ node: 'fs-many', from })) as [
      Caller,
      Caller,
      Caller,
    ];
    await publishAll(console.nats, [received(one), received(two), received(three), decided(one)]);
    const { log } = recordLog();
    const bus = await Bus.connect(console.natsServer.url, 'console', console.lifecycle, log);
    const find = async (max: number) => {
      const { records, complete } = await new TimelineSearch(bus, log, max).find({ node: 'fs-many' });
      return { complete, uuids: records.map(({ summary }) => summary.uuid) };
    };
    expect(await find(3)).toEqual({ complete: true, uuids: [three.uuid, two.uuid, one.uuid] });
    expect(await find(2)).toEqual({ complete: false, uuids: [three.uuid] });
  });
});
