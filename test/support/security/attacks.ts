import { existsSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import type { CallOutcome, CallScript, CaseNode } from '#test/support/cases/case-node.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

/** A file that must never come into being. */
export const CANARY = `/tmp/dialhook-attack-${process.pid}`;

const RUN = `system(touch ${CANARY})`;

/** What an attacker writes wherever something can be written. */
export const PAYLOADS: readonly string[] = [
  `\${${RUN}}`,
  `$\${${RUN}}`,
  `$\\{${RUN}}`,
  `\${system touch ${CANARY}}`,
  `＄｛${RUN}｝`,
  `%24%7B${RUN}%7D`,
  `1\napplication: system touch ${CANARY}`,
  `1\r\n\r\nsendmsg\r\ncall-command: execute\r\nexecute-app-name: system\r\nexecute-app-arg: touch ${CANARY}\r\n\r\n`,
  `1%0aapplication: system touch ${CANARY}`,
  `1\0application: system touch ${CANARY}`,
  `1\u2028application: system touch ${CANARY}`,
  `1,loopback/app=system:touch ${CANARY}`,
  `1|loopback/app=system:touch ${CANARY}`,
  `1:_:loopback/app=system:touch ${CANARY} #`,
  `1][api_on_originate=system touch ${CANARY}]sofia/gateway/gw/1`,
  `}{api_on_originate=system touch ${CANARY}}`,
  `^^:api_on_originate=system touch ${CANARY}:`,
  `';api_on_originate=system touch ${CANARY};'`,
  `\\';api_on_originate=system touch ${CANARY}`,
  `"system touch ${CANARY}"`,
  `ARRAY::system touch ${CANARY}|:system touch ${CANARY}`,
  `|:system touch ${CANARY}`,
  `1;origination_nested_vars=true\${${RUN}}`,
  `../../../../../..${CANARY}`,
  'x'.repeat(5000),
  `${' '.repeat(600)}\${${RUN}}`,
];

/** Answers of an endpoint that is the attacker's, by the place of the payload. */
const ANSWERS: Readonly<Record<string, (payload: string) => unknown>> = {
  'the number of a gateway target': (number) => ({ dial: { type: 'gateway', number, gateway: 'gw' } }),
  'the gateway': (gateway) => ({ dial: { type: 'gateway', number: '1', gateway } }),
  'the number of a user target': (number) => ({ dial: { type: 'user', number, user: '1000' } }),
  'the user': (user) => ({ dial: { type: 'user', number: '1', user } }),
  'the domain': (domain) => ({ dial: { type: 'user', number: '1', user: '1000', domain } }),
  'the address': (ip) => ({ dial: { type: 'ip', number: '1', ip } }),
  'the sofia profile': (sofia) => ({ dial: { type: 'ip', number: '1', ip: '10.0.0.9', sofia } }),
  'a dial string': (dialstring) => ({ dial: { type: 'dialstring', dialstring } }),
  'the endpoint of a dial string': (one) => dialString(`sofia/gateway/gw/${one}`),
  'the braces of a dial string': (one) => dialString(`{a=${one}}sofia/gateway/gw/1`),
  'the braces of a dial string, quoted': (one) => dialString(`{a='${one}'}sofia/gateway/gw/1`),
  'the braces of a dial string, in split quotes': (one) =>
    dialString(`{a=${[...one.slice(0, 200)].map((sign) => `'${sign}'`).join('')}}sofia/gateway/gw/1`),
  'the brackets of a dial string': (one) => dialString(`[^^:a=${one}]sofia/gateway/gw/1`),
  'the value of a variable': (a) => ({ variables: { a }, ...GATEWAY }),
  'the value of a SIP header': (one) => ({
    variables: { 'sip_h_X-Note': one, origination_caller_id_name: one },
    ...GATEWAY,
  }),
  'the name of a variable': (name) => ({ variables: { [name]: 'x' }, ...GATEWAY }),
  'the cause of a hangup': (cause) => ({ dial: { type: 'hangup', cause } }),
  'the SIP status of a hangup': (sipcode) => ({ dial: { type: 'hangup', sipcode } }),
  'the final causes': (cause) => ({ ...GATEWAY, final_causes: [cause] }),
  'the retry causes': (cause) => ({ ...GATEWAY, retry_causes: [cause] }),
  'the transport': (transport) => ({ dial: { type: 'ip', number: '1', ip: '10.0.0.9', transport } }),
  'a codec': (codec) => ({ ...GATEWAY, codecs: [codec] }),
  'the ringback': (ringback) => ({ ...GATEWAY, ringback }),
  'early media': (early_media) => ({ ...GATEWAY, early_media }),
  'the sound of a confirmation': (play) => ({ ...GATEWAY, confirm: { play } }),
  'the key of a confirmation': (key) => ({ ...GATEWAY, confirm: { play: 'beep', key } }),
  'the whisper': (play) => ({ ...GATEWAY, whisper: { play } }),
  'the prompt of digits': (play) => ({ collect: { play } }),
  'the terminators of digits': (terminators) => ({ collect: { terminators } }),
  'the number of digits': (max) => ({ collect: { max } }),
  'the sound before the end': (play) => ({ ...GATEWAY, max_duration: 9, warn: { before: 1, play } }),
  'the announcement of a recording': (announce) => ({ ...GATEWAY, record: { announce } }),
  'the channels of a recording': (channels) => ({ ...GATEWAY, record: { channels } }),
  'the start of a recording': (start) => ({ ...GATEWAY, record: { start } }),
  'the path of a recording': (path) => ({ ...GATEWAY, record: { path, file: path } }),
  'the sound before a hangup': (play) => ({ dial: { type: 'hangup', play } }),
  'the id of a limit': (id) => ({ ...GATEWAY, limit: [{ id, max: 1 }] }),
  'the most of a limit': (max) => ({ ...GATEWAY, limit: [{ id: 'a', max, rate: max }] }),
  'the data': (data) => ({ ...GATEWAY, data: data.slice(0, 500) }),
  'the URL of notifications': (one) => ({
    ...GATEWAY,
    notify_url: `http://127.0.0.1:9/${one.slice(0, 300)}`,
  }),
  'the strategy': (strategy) => ({ ...GATEWAY, strategy }),
  'a key, which error words repeat': (key) => ({
    dial: { type: 'gateway', number: '1', gateway: 'gw', [key]: 1 },
  }),
  'a type': (type) => ({ dial: { type } }),
};
const COLLECT = { min: 1, max: 1, timeout: 1, terminators: '#', answer: true };
const GATEWAY = { dial: { type: 'gateway', number: '1', gateway: 'gw' } };
const dialString = (dialstring: string) => ({ dial: { type: 'dialstring', dialstring } });

/** Variables that run the payload when a called leg has them, in the ways in which they can be given. */
const POWERS: readonly (readonly [name: string, value: string])[] = [
  ['api_on_originate', `system touch ${CANARY}`],
  ['API_On_Originate_2', `system touch ${CANARY}`],
  ['execute_on_originate', `system touch ${CANARY}`],
  ['api_on_pre_originate', `system touch ${CANARY}`],
  ['api_hangup_hook', `system touch ${CANARY}`],
  ['api_reporting_hook', `system touch ${CANARY}`],
  ['_nolocal_api_on_originate', `system touch ${CANARY}`],
  ['nolocal:api_on_originate', `system touch ${CANARY}`],
  ['api_on_originate[0]', `system touch ${CANARY}`],
  ['exec_after_bridge_app', 'system'],
  ['bridge_pre_execute_bleg_app', 'system'],
  ['group_confirm_key', 'exec'],
  ['loopback_app', 'system'],
  ['record_post_process_exec_api', `system:touch ${CANARY}`],
  ['transfer_after_bridge', `app:system:touch ${CANARY}:inline`],
  ['sip_redirect_dialplan', 'inline'],
  ['export_vars', 'api_on_originate'],
  ['origination_nested_vars', 'true'],
  ['a_origination_nested_vars', 'true'],
  ['app_disable_expand_variables', 'false'],
  ['hold_music', `shell_stream://touch ${CANARY}`],
  ['xml_cdr_base', '/tmp'],
];
const POWERFUL: readonly unknown[] = POWERS.flatMap(([name, value]) => [
  { variables: { [name]: value }, ...GATEWAY },
  dialString(`{${name}=${value}}sofia/gateway/gw/1`),
  dialString(`[^^;a=1;${name}=${value}]sofia/gateway/gw/1`),
  dialString(`{${name}=${value}}loopback/1/default/XML`),
]);

/** Plans as a router that is the attacker's could reply. */
const FORGED: readonly unknown[] = [
  ...PAYLOADS.flatMap((payload) => [
    plan({ legs: [{ endpoint: `sofia/gateway/gw/${payload}`, variables: {} }] }),
    plan({ variables: { a: payload } }),
    plan({ legs: [{ endpoint: 'sofia/gateway/gw/1', variables: { a: payload } }] }),
    plan({ legs: [{ user: payload, number: '1', strategy: 'sequential', variables: {} }] }),
    plan({ legs: [{ user: '1000', domain: payload, number: '1', strategy: 'sequential', variables: {} }] }),
    plan({}, { variables: { a: payload } }),
    plan({}, { variables: { [payload]: 'x' } }),
    plan({}, { final_causes: [payload] }),
    plan({}, { retry_causes: [payload] }),
    plan({}, { codecs: [payload] }),
    plan({}, { ringback: payload }),
    plan({}, { max_duration: 9, warn: { before: 1, play: payload, to: 'caller' } }),
    plan({}, { record: { channels: 2, start: 'answer', announce: payload } }),
    plan({}, { record: { channels: 2, start: payload } }),
    plan({}, { record: { channels: 2, start: 'answer', path: payload } }),
    plan({}, { limit: [{ id: payload, max: 1 }] }),
    plan({ legs: [{ endpoint: 'sofia/gateway/gw/1', variables: {}, place: payload }] }),
    plan({}, { confirm: { play: payload, key: '1', timeout: 1 } }),
    plan({}, { confirm: { play: 'beep', key: payload, timeout: 1 } }),
    plan({}, { whisper: { play: payload } }),
    plan({}, { data: payload, notify_url: payload }),
    { collect: { ...COLLECT, play: payload } },
    { collect: { ...COLLECT, terminators: payload } },
    { hangup: { cause: 'USER_BUSY' }, play: payload },
    { hangup: { cause: payload } },
    { hangup: { sipcode: payload } },
  ]),
  ...POWERS.flatMap(([name, value]) => [
    plan({}, { variables: { [name]: value } }),
    plan({ variables: { [name]: value } }),
  ]),
];

function plan(group: object, more: object = {}): unknown {
  const legs = [{ endpoint: 'sofia/gateway/gw/1', variables: {} }];
  return { groups: [{ variables: {}, legs, ...group }], variables: {}, on_fail: 'hangup', ...more };
}

/** `[[[[...]]]]`, which a parser that recurses does not survive. */
const deep = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;

export interface Target extends CaseNode {
  /** Unintended applications that this FreeSWITCH can report, besides the canary. */
  readonly smuggled?: () => readonly string[];
}

const AT_ONCE = 12;

/** The attacks on one kind of FreeSWITCH: whatever a stranger writes, nothing of it is run. */
export function describeAttacks(kind: string, start: () => Promise<Target>): void {
  describe(`attacks on ${kind}`, () => {
    let target: Target;
    let cluster: TestCluster;

    beforeAll(async () => {
      rmSync(CANARY, { force: true });
      target = await start();
      cluster = await startTestCluster(target, () => ({
        RECORDINGS: `${CANARY}-recordings/{caller}/{destination}/{id}.wav`,
      }));
    });
    afterAll(async () => {
      await cluster?.stop();
      await target?.stop();
    });

    const place = (more: Partial<CallScript>, socket = cluster.socket) =>
      target.call({
        caller: { number: '1', name: 'x' },
        destination: '0555',
        ctiBridge: cluster.url,
        socket,
        fallback: 'error/CALL_REJECTED',
        callees: {},
        ...more,
      });

    const nothingRan = () => {
      expect(existsSync(CANARY)).toBe(false);
      expect(target.smuggled?.() ?? []).toEqual([]);
    };

    /** Every script a call, some at once. */
    async function placeAll<T>(
      all: readonly T[],
      one: (given: T) => Promise<CallOutcome>,
    ): Promise<CallOutcome[]> {
      const outcomes: CallOutcome[] = [];
      const left = [...all];
      const work = async () => {
        for (let given = left.shift(); given !== undefined; given = left.shift())
          outcomes.push(await one(given));
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return outcomes;
    }

    it.each(Object.entries(ANSWERS))("the endpoint's: %s", async (_, answer) => {
      cluster.answer = ({ destination_number }) => ({
        body: JSON.stringify(answer(PAYLOADS[Number(destination_number)] ?? '')),
      });
      const outcomes = await placeAll(Object.keys(PAYLOADS), (destination) => place({ destination }));
      for (const { result } of outcomes)
        expect(['decided', 'invalid_decision', 'user_not_registered']).toContain(result);
      nothingRan();
    });

    it("the endpoint's: variables that run things, wherever they can be given", async () => {
      cluster.answer = ({ destination_number }) => ({
        body: JSON.stringify(POWERFUL[Number(destination_number)]),
      });
      const outcomes = await placeAll(Object.keys(POWERFUL), (destination) => place({ destination }));
      expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['invalid_decision']));
      nothingRan();
    });

    it.each([
      ['100,000 levels of JSON', deep(100_000)],
      ['100,000 levels of JSON in a target', `{"dial":${deep(100_000)}}`],
      [
        '100,000 levels of JSON in a variable',
        `{"variables":{"a":${deep(100_000)}},"dial":{"type":"hangup"}}`,
      ],
      [
        'a variable of 250,000 dollar signs, which takes no square of the time',
        JSON.stringify({ variables: { a: '$'.repeat(250_000) }, dial: { type: 'hangup' } }),
      ],
      ['keys of an object without a prototype', '{"__proto__":{"dial":{"type":"hangup"}},"constructor":1}'],
    ])("the endpoint's: %s", async (_, body) => {
      cluster.answer = () => ({ body });
      expect(await place({})).toMatchObject({ result: 'invalid_decision' });
    });

    it.each(['name', 'number'] as const)("the caller's %s", async (place_) => {
      const heard = cluster.requests.length;
      cluster.answer = () => ({
        body: JSON.stringify({ ...GATEWAY, record: {}, variables: { zz: 'x' } }),
      });
      const written = PAYLOADS.map((payload) => payload.replaceAll(/[\r\n\0]/g, ' ').slice(0, 1000));
      const outcomes = await placeAll(
        written.filter((payload) => !(place_ === 'number' && payload.includes(':'))),
        (payload) => place({ caller: { number: '1', name: 'x', [place_]: payload } }),
      );
      expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['decided']));
      expect(cluster.requests.length - heard).toBe(outcomes.length);
      nothingRan();
    });

    it('the destination number', async () => {
      cluster.answer = () => ({ body: JSON.stringify({ ...GATEWAY, record: {} }) });
      const written = PAYLOADS.map((payload) => payload.replaceAll('\0', '').slice(0, 1000));
      const outcomes = await placeAll(written, (destination) => place({ destination }));
      expect(new Set(outcomes.map(({ result }) => result))).toEqual(new Set(['decided']));
      nothingRan();
    });

    it('the URL in cti_bridge, when the dialplan lets a caller write a part of it', async () => {
      cluster.answer = () => ({ body: JSON.stringify(GATEWAY) });
      await placeAll(PAYLOADS, (payload) =>
        place({ ctiBridge: `${cluster.url}&name=${payload.replaceAll(/[\r\n\0]/g, ' ').slice(0, 2000)}` }),
      );
      nothingRan();
    });

    describe('from NATS', () => {
      let nats: NatsServer;
      let rogue: Routers;
      let agent: TestAgent;
      beforeAll(async () => {
        nats = await startNats();
        rogue = await scriptRouters(nats.url);
        agent = await startTestAgent(nats.url);
      });
      afterAll(async () => {
        await agent?.stop();
        await rogue?.stop();
        await nats?.stop();
      });

      it('forged replies', async () => {
        rogue.script = ({ request }) => {
          const forged = FORGED[Number(request.destination_number)];
          return JSON.stringify({ v: 1, result: 'decided', plan: forged });
        };
        const outcomes = await placeAll(Object.keys(FORGED), (destination) =>
          place({ destination }, `127.0.0.1:${agent.port}`),
        );
        expect(outcomes).toHaveLength(FORGED.length);
        nothingRan();
        expect(agent.errors()).toEqual([]);
      });

      it.each([
        ['nothing', ''],
        ['100,000 levels', deep(100_000)],
        ['100,000 levels in a plan', `{"v":1,"result":"decided","plan":${deep(100_000)}}`],
        [
          'hostile words',
          JSON.stringify({ v: 1, result: 'no_router', error: PAYLOADS.slice(0, 12).join(' ') }),
        ],
      ])('a reply of %s', async (_, body) => {
        rogue.script = () => body;
        const { result } = await place({}, `127.0.0.1:${agent.port}`);
        expect(result).toBe(body.includes('no_router') ? 'no_router' : 'internal_error');
        nothingRan();
      });
    });
  });
}
