import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess } from '#test/support/agent/agent-process.ts';
import { startPlaces, type TestPlaces } from '#test/support/agent/places.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import type { LifeNode } from '#test/support/cases/life/node.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const START_MS = 300_000;
const CASE_MS = 180_000;
const LEASE_MS = 3_000;
/** Longer than a case: then only reconciliation frees the places of calls that end unseen. */
const LONG_LEASE_MS = 600_000;
const DECISION = {
  dial: { type: 'gateway', number: '123456', gateway: 'gw' },
  limit: [{ id: 'tenant', max: 5 }],
};

/** Counts return to zero without an agent, and without FreeSWITCH, to see the calls end. */
export function describeLimitKills(kind: string, startNode: () => Promise<LifeNode>): void {
  describe(`the limits of calls that end unseen, on ${kind}`, () => {
    let nats: NatsServer;
    let routers: Routers;
    let node: LifeNode;
    let agent: AgentProcess;
    /** An agent of another node. */
    let other: TestPlaces;

    beforeAll(async () => {
      node = await startNode();
    }, START_MS);
    afterAll(() => node?.stop());
    beforeEach(async () => {
      nats = await startNats();
      routers = await scriptRouters(nats.url);
      routers.script = () => decided(DECISION);
    }, START_MS);
    afterEach(async () => {
      if (!node.running) await node.start();
      await node.api('hupall');
      await agent?.stop();
      await other?.crash();
      await routers.stop();
      await nats.stop();
    }, START_MS);

    const startAgent = (leaseMs: number) =>
      AgentProcess.start({
        NATS_URL: nats.url,
        FREESWITCH_PORT: String(node.eventSocket.port),
        FREESWITCH_PASSWORD: node.eventSocket.password,
        NODE_NAME: 'fs1',
        LIMITS: 'gw:gw=5',
        LIMITS_LEASE_MS: String(leaseMs),
        RECONCILE_INTERVAL_MS: '300',
        RECONCILE_CONFIRM_MS: '100',
        RECONCILE_RESTART_WAIT_MS: '0',
        EVENT_SOCKET_SILENCE_MS: '1000',
      });

    const uses = (count: number) =>
      until(`${count} calls count`, () => other.used('gw:gw') === count && other.used('id:tenant') === count);

    /** Two calls that are up. */
    async function talking(leaseMs: number) {
      agent = await startAgent(leaseMs);
      const place = async () => {
        const call = node.place({
          caller: { number: '13800138000', name: 'Alice' },
          destination: '0555',
          ctiBridge: 'http://crm/binding 3000 3000 0',
          socket: `127.0.0.1:${agent.port}`,
          fallback: 'error/USER_BUSY',
          callees: { '123456': { ringAt: 0, answerAt: 10 } },
        });
        await call.talking;
        return call;
      };
      const calls = [await place(), await place()] as const;
      other = await startPlaces(nats.url, { name: 'other', leaseMs });
      other.places.start();
      await uses(2);
      return calls;
    }

    it(
      'an agent is killed with calls up: one that ends meanwhile is freed by the next agent, the other counts on',
      async () => {
        const [first, second] = await talking(LONG_LEASE_MS);
        await agent.kill();
        first.caller.bye();
        await first.ended;
        expect(other.used('id:tenant')).toBe(2);
        agent = await startAgent(LONG_LEASE_MS);
        await uses(1);
        second.caller.bye();
        await second.ended;
        await uses(0);
      },
      CASE_MS,
    );

    it(
      'an agent is killed and no other one comes: its calls count until the lease ends, and again with a new agent',
      async () => {
        const [first] = await talking(LEASE_MS);
        await agent.kill();
        await uses(0);
        agent = await startAgent(LEASE_MS);
        await uses(2);
        first.caller.bye();
        await first.ended;
        await uses(1);
      },
      CASE_MS,
    );

    it(
      'routers are killed: the calls count until they end',
      async () => {
        const [first, second] = await talking(LONG_LEASE_MS);
        await routers.stop();
        first.caller.bye();
        await first.ended;
        await uses(1);
        second.caller.bye();
        await second.ended;
        await uses(0);
        routers = await scriptRouters(nats.url);
      },
      CASE_MS,
    );

    it(
      'FreeSWITCH is killed and starts again without its calls: none counts',
      async () => {
        await talking(LONG_LEASE_MS);
        await node.kill();
        expect(other.used('id:tenant')).toBe(2);
        await node.start();
        await uses(0);
      },
      CASE_MS,
    );

    it(
      'FreeSWITCH is killed for good: its calls count until the lease ends',
      async () => {
        await talking(LEASE_MS);
        await node.kill();
        await uses(0);
      },
      CASE_MS,
    );
  });
}
