import { existsSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callIdOf } from '#libs/contract/call-id.ts';
import type { EndpointRequest, Notification } from '#libs/contract/endpoint.ts';
import { until } from '#test/support/until.ts';
import type { Step } from './case-node.ts';
import { CANARY } from './cases.ts';
import { answers, CALLER, gw, SHOWN } from './life/harness.ts';
import type { LifeNode, LifePlaced, LifeScript } from './life/node.ts';
import { startTestCluster, type TestCluster, type TestEndpoint } from './stack.ts';

/** Call-IDs that are legal, or that FreeSWITCH accepts. */
const CALL_IDS = [
  'abc%0Adef@h',
  '%41%20%zz%%25@h',
  'a,b;c@h',
  String.raw`a\b\n\'c@h`,
  '呼叫-1@h',
  "o'neill`{x}|^<y>@h",
  '${uuid}@h',
  '-bleg',
  `${'x'.repeat(250)}@h`,
  '~Reply-Text:a@h',
];

/** FreeSWITCH writes them as lists into events, so that the parties of the test cannot be followed by uuid. */
const LISTS = ['ARRAY::a|:b', 'ARRAY::a|:ARRAY::b'];

interface Party {
  readonly number: string;
  readonly name: string;
  readonly destination: string;
}

/** Numbers and names that FreeSWITCH encodes as it encodes others. */
const PARTIES: readonly Party[] = [
  { number: '100%41', name: 'Alice', destination: '5%2312' },
  { number: '100%00', name: 'Alice', destination: '*21#5' },
  { number: '+4930%2B', name: 'a%20b', destination: '+4930#%23' },
  { number: '1', name: '张三 100%25', destination: '2' },
  { number: '2', name: 'a\u2028b', destination: '3' },
  { number: '3', name: '100%', destination: '100%' },
];

/** Values of cti_bridge behind the URL of the endpoint, of more than 511 bytes. */
const LONG_URLS: readonly (readonly [string, string])[] = [
  ['with escapes', `&y=${'%C3%A9%20'.repeat(80)}`],
  ['with a tilde at every place', `&y=${'~'.repeat(900)}`],
  ['with a dollar and a brace, escaped', `&y=${'%24%7B'.repeat(100)}`],
];
const NOT_ASCII: readonly (readonly [string, string])[] = [
  ['with characters of two bytes', `&y=${'é'.repeat(300)}`],
  ['with characters of three bytes', `&y=${'呼'.repeat(300)}`],
];

const COMMAND = `\${system(touch ${CANARY})}`;
/** Responses of called parties whose text has a meaning somewhere. None may be expanded or end a call otherwise. */
const RESPONSES: readonly (readonly [string, Step])[] = [
  ['a command in the phrase', { at: 20, status: 486, phrase: `Busy ${COMMAND}` }],
  ['escapes and quotes in the phrase', { at: 20, status: 486, phrase: `%0D%0A%00 "x" 'y' \\n ;,|^ 忙` }],
  [
    'a command in the Reason header',
    { at: 20, status: 486, headers: [['Reason', `Q.850;cause=17;text="${COMMAND}%0a"`]] },
  ],
  [
    'a command in a header',
    {
      at: 20,
      status: 486,
      headers: [
        ['X-Secret', COMMAND],
        ['Warning', COMMAND],
      ],
    },
  ],
  ['a redirect to a command', { at: 20, status: 302, contact: `sip:${COMMAND}@127.0.0.1` }],
  ['a redirect to escapes', { at: 20, status: 302, contact: 'sip:a%0D%0Ab%00;x=%22@127.0.0.1;y="z"' }],
  ['a redirect to a long address', { at: 20, status: 302, contact: `sip:${'a'.repeat(4_000)}@127.0.0.1` }],
];

const SETTINGS = {
  RECONCILE_INTERVAL_MS: '300',
  // A busy FreeSWITCH lists a new channel late, and some of these ids can only be looked up in that list.
  RECONCILE_CONFIRM_MS: '1000',
  RECONCILE_RESTART_WAIT_MS: '0',
  LOG_LEVEL: 'debug',
};

interface Options {
  readonly callIdAsUuid: boolean;
  /** Whether values are bytes as in FreeSWITCH, where a cut can go through a character. */
  readonly bytes: boolean;
  /** Whether calls that do not depend on each other are placed at once. Default: false. */
  readonly concurrent?: boolean;
}

/** Callers, called parties and dialplans whose text has a meaning somewhere, through the real services. */
export function describeHostileParties(
  kind: string,
  start: () => Promise<LifeNode>,
  { callIdAsUuid, bytes, concurrent = false }: Options,
): void {
  describe(`hostile parties through ${kind}`, () => {
    let node: LifeNode;
    let cluster: TestCluster;
    const independent = concurrent ? it.concurrent : it;

    beforeAll(async () => {
      rmSync(CANARY, { force: true });
      node = await start();
      cluster = await startTestCluster(node, (service) => (service === 'agent' ? SETTINGS : {}));
    }, 300_000);
    afterAll(async () => {
      await cluster?.stop();
      await node?.stop();
    });

    /** Places a call with an endpoint of its own. */
    function place(
      script: Partial<LifeScript> = {},
      dial: unknown = gw('777'),
      query = '',
    ): { readonly call: LifePlaced; readonly endpoint: TestEndpoint } {
      const endpoint = cluster.endpoint();
      endpoint.answer = () => ({ body: JSON.stringify({ dial }) });
      const call = node.place({
        caller: { number: CALLER, name: 'Alice' },
        destination: SHOWN,
        ctiBridge: `${endpoint.url}${query} 3000 3000 1`,
        socket: endpoint.socket,
        fallback: 'error/USER_BUSY',
        callees: { '777': answers },
        byeAt: 100,
        ...script,
      });
      return { call, endpoint };
    }

    /** The one request and all notifications of a call, whose identity is the same everywhere. */
    async function heard(of: TestEndpoint) {
      const actions = () => of.delivered.map(({ notification }) => notification.action);
      await until('the hangup is notified', () => actions().includes('hangup'));
      expect(actions()).toEqual(['ring', 'answer', 'hangup']);
      expect(of.requests).toHaveLength(1);
      const request = of.requests[0] as EndpointRequest;
      const notifications: readonly Notification[] = of.delivered.map(({ notification }) => notification);
      const { uuid, channel_uuid, caller_id_number, caller_id_name, destination_number } = request;
      for (const one of notifications)
        expect(one).toMatchObject({ uuid, caller_id_number, caller_id_name, destination_number });
      for (const one of notifications) expect(one.channel_uuid).toBe(channel_uuid);
      return { request, notifications };
    }

    const logged = (event: string) => cluster.log.filter((line) => line['event'] === event);
    /** Waits until a later reconciliation has found no live call. */
    async function noneIsLive(): Promise<void> {
      const before = logged('live_call.reconciled').length;
      await until('no call is live', () =>
        logged('live_call.reconciled')
          .slice(before)
          .some((line) => line['live'] === 0),
      );
      // While FreeSWITCH is down there is no connection.
      const failed = logged('live_call.reconcile_failed').map(({ err }) => (err as { type: string }).type);
      expect(failed.filter((type) => type !== 'ClosedError')).toEqual([]);
    }

    independent.each(CALL_IDS)('Call-ID %s: one identity from the request to the hangup', async (callId) => {
      const { call, endpoint } = place({ callId });
      await call.ended;
      const { request, notifications } = await heard(endpoint);
      // FreeSWITCH sets no variable to text that it would expand.
      expect(request.sip_call_id).toBe(callId.includes('${') ? '' : callId);
      if (callIdAsUuid) {
        expect(request).toMatchObject({ uuid: callIdOf(callId), channel_uuid: callId });
        expect(call.uuid).toBe(request.uuid);
      } else {
        expect(request).not.toHaveProperty('channel_uuid');
      }
      expect(endpoint.requestIds).toEqual([`${request.uuid}.1.request`]);
      expect(notifications.at(-1)).toMatchObject({ leg: request.uuid, result: 'decided' });
      expect(notifications.at(-1)).not.toHaveProperty('recovered');
    });

    independent.each(PARTIES)(
      '$number calls $destination: request and notifications agree with FreeSWITCH',
      async (party) => {
        const { number, name, destination } = party;
        const { call, endpoint } = place({ caller: { number, name }, destination });
        await call.ended;
        const { request } = await heard(endpoint);
        expect(request).toMatchObject({
          caller_id_number: number,
          caller_id_name: name,
          destination_number: destination,
        });
      },
    );

    independent.each([...LONG_URLS, ...(bytes ? NOT_ASCII : [])])(
      'a long URL %s is one endpoint',
      async (_, query) => {
        const { call, endpoint } = place({}, gw('777'), query);
        await call.ended;
        await heard(endpoint);
        const { pathname, search } = new URL(`${endpoint.url}${query}`);
        expect(new Set(endpoint.paths)).toEqual(new Set([`${pathname}${search}`]));
      },
    );

    independent.each(RESPONSES)(
      'a called party sends %s: it fails, and the call goes on',
      async (_, step) => {
        const callees = { '777': { steps: [step] }, '778': answers };
        const { call, endpoint } = place({ callees }, [gw('777'), gw('778')]);
        const { invites } = await call.ended;
        expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
        const { notifications } = await heard(endpoint);
        const { tried } = notifications.at(-1) as { tried: readonly Readonly<Record<string, unknown>>[] };
        expect(tried).toMatchObject([{ number: '777' }, { number: '778', cause: 'NONE' }]);
        for (const text of Object.values(tried[0] ?? {}))
          expect(String(text).length).toBeLessThanOrEqual(256);
        expect(existsSync(CANARY)).toBe(false);
      },
    );

    it('none of these calls stays live', async () => {
      await noneIsLive();
      expect(logged('live_call.closed')).toEqual([]);
    });

    it.each(LISTS)('Call-ID %s, which FreeSWITCH writes as a list: one identity', async (callId) => {
      const { endpoint } = place({ callId });
      const { request } = await heard(endpoint);
      if (callIdAsUuid) expect(request).toMatchObject({ uuid: callIdOf(callId), channel_uuid: callId });
      await noneIsLive();
    });

    if (callIdAsUuid)
      it('a Call-ID that FreeSWITCH writes like that of a live call: no request, and the live call keeps its records', async () => {
        const { call: live, endpoint: ofLive } = place({ callId: 'live@h', byeAt: 3_000 });
        await until('the call is answered', () =>
          ofLive.delivered.some(({ notification }) => notification.action === 'answer'),
        );
        const { call: other, endpoint: ofOther } = place({ callId: 'ARRAY::live@h' });
        other.ended.catch(() => {});
        await until('it is refused', () => logged('call.repeated_uuid').length === 1);
        expect(logged('call.repeated_uuid')[0]).toMatchObject({ call: 'live@h' });
        await live.ended;
        const { request } = await heard(ofLive);
        expect(request.uuid).toBe('live@h');
        expect([ofOther.requests, ofOther.delivered]).toEqual([[], []]);
        await noneIsLive();
      });

    it('FreeSWITCH is killed under calls with any Call-ID: each gets its synthesized hangup', async () => {
      const ids = ['a,b;c-2@h', 'abc%0Adef-2@h', 'ordinary-2@h'];
      const calls = ids.map((callId) => place({ callId, byeAt: 60_000 }));
      for (const { call } of calls) call.ended.catch(() => {});
      for (const one of calls)
        await until('the call is answered', () =>
          one.endpoint.delivered.some(({ notification }) => notification.action === 'answer'),
        );
      await node.kill();
      await node.start();
      for (const one of calls) {
        const { notifications } = await heard(one.endpoint);
        expect(notifications.at(-1)).toMatchObject({ action: 'hangup', recovered: true });
      }
      await noneIsLive();
    });

    it('leaves no dead letter and no error behind', async () => {
      await noneIsLive();
      expect(logged('notification.dead')).toEqual([]);
      expect(cluster.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    });
  });
}
