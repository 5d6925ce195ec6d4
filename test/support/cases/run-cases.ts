import { existsSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notificationId } from '#libs/contract/endpoint.ts';
import { until } from '#test/support/until.ts';
import type { Callee, CallOutcome, CaseNode } from './case-node.ts';
import { CANARY, CASES, type Case, FALLBACK_NUMBER } from './cases.ts';
import { startTestCluster, type TestCluster } from './stack.ts';

const CALLER = { number: '13800138000', name: `张三 O'Brien 100%` };
const DESTINATION = '0555';
const ANSWERS: Callee = { ringAt: 20, answerAt: 60 };

async function place(one: CaseNode, cluster: TestCluster, wanted: Case): Promise<CallOutcome> {
  cluster.answer = wanted.answer;
  const bridge = wanted.bridge ?? ((url: string) => url);
  const ctiBridge = bridge(cluster.url);
  return one.call({
    caller: CALLER,
    destination: DESTINATION,
    ...(ctiBridge === undefined ? {} : { ctiBridge }),
    socket: cluster.socket,
    fallback: `sofia/gateway/gw/${FALLBACK_NUMBER}`,
    callees: { [FALLBACK_NUMBER]: ANSWERS, ...wanted.callees },
    ...(wanted.cancelAt === undefined ? {} : { cancelAt: wanted.cancelAt }),
    ...(wanted.byeAt === undefined ? {} : { byeAt: wanted.byeAt }),
  });
}

/** The notifications delivered for one call, once its hangup is among them. */
async function deliveredOf(cluster: TestCluster, uuid: string, expected: number) {
  const delivered = () => cluster.delivered.filter(({ notification }) => notification.uuid === uuid);
  const actions = () => delivered().map(({ notification }) => notification.action);
  await until(() => expect(actions()).toHaveLength(expected));
  return delivered();
}

/** The table of cases on one kind of FreeSWITCH, through the real services. */
export function describeCases(kind: string, start: () => Promise<CaseNode>): void {
  describe(`a call through ${kind}`, () => {
    let one: CaseNode;
    let cluster: TestCluster;

    beforeAll(async () => {
      rmSync(CANARY, { force: true });
      one = await start();
      cluster = await startTestCluster(one);
    });
    afterAll(async () => {
      await cluster?.stop();
      await one?.stop();
      expect(existsSync(CANARY)).toBe(false);
    });

    it.each(CASES)('$name', async (wanted) => {
      const outcome = await place(one, cluster, wanted);
      const { invites, status, reason, result, error, delivered, hangup } = wanted.expect;

      const left = wanted.anyOrder
        ? outcome.invites.toSorted((a, b) => a.number.localeCompare(b.number))
        : outcome.invites;
      expect(left).toHaveLength(invites.length);
      expect(left).toMatchObject(invites);
      expect(outcome.status).toBe(status);
      if (reason !== undefined) expect(outcome.reason).toBe(reason);
      expect(outcome.result).toBe(result);
      if (error !== undefined) expect(outcome.error).toMatch(error);

      const heard = await deliveredOf(cluster, outcome.uuid, delivered.length);
      expect(heard.map(({ notification }) => notification.action)).toEqual(delivered);
      expect(heard.map(({ webhookId }) => webhookId)).toEqual(
        heard.map(({ notification }) => notificationId(notification)),
      );
      for (const { notification } of heard)
        expect(notification).toMatchObject({
          node: 'node',
          caller_id_number: CALLER.number,
          caller_id_name: CALLER.name,
          destination_number: DESTINATION,
        });
      if (hangup) expect(heard.at(-1)?.notification).toMatchObject(hangup);
    });

    it('sends a request with all data of the call', () => {
      const [request] = cluster.requests;
      expect(request).toMatchObject({
        action: 'request',
        node: 'node',
        caller_id_number: CALLER.number,
        caller_id_name: CALLER.name,
        destination_number: DESTINATION,
        network_addr: '127.0.0.1',
      });
      expect(request?.context).not.toBe('');
      expect(request?.sip_call_id).not.toBe('');
      expect(Date.parse(request?.time ?? '')).toBeGreaterThan(0);
    });

    it('aborts the HTTP request when the caller cancels', () => {
      expect(cluster.abandoned).toBeGreaterThan(0);
    });
  });
}
