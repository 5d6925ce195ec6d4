import { afterEach, describe, expect, it, vi } from 'vitest';
import { readAgentConfig } from '#services/agent/config.ts';
import type { CaseNode } from '#test/support/cases/case-node.ts';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { simulatedCaseNode } from '#test/support/simulator/case-node.ts';

const OPERATOR = '{"dial":{"type":"gateway","gateway":"gw2","number":"1000"}}';

describe('DEFAULT_DECISION', () => {
  let one: CaseNode | undefined;
  let cluster: TestCluster | undefined;

  afterEach(async () => {
    vi.unstubAllEnvs();
    await cluster?.stop();
    await one?.stop();
  });

  it('is executed without a decision, with the reason in its result', async () => {
    vi.stubEnv('DEFAULT_DECISION', OPERATOR);
    one = await simulatedCaseNode();
    cluster = await startTestCluster(one);
    cluster.answer = () => ({ status: 500, body: '' });
    const outcome = await one.call({
      caller: { number: '138', name: 'A' },
      destination: '0555',
      ctiBridge: cluster.url,
      socket: cluster.socket,
      fallback: 'sofia/gateway/gw/999',
      callees: { '1000': { answerAt: 10 } },
      byeAt: 20,
    });
    expect(outcome.invites).toMatchObject([{ number: '1000', via: 'gw2' }]);
    expect(outcome.result).toBe('defaulted');
    expect(outcome.error).toMatch(/^http_status: .*500/);
  });

  it.each([
    ['{', 'DEFAULT_DECISION is not a decision: '],
    ['{"dial":{"type":"gateway","gateway":"gw"}}', 'DEFAULT_DECISION is not a decision: dial.number'],
  ])('that is invalid is refused: %s', (text, words) => {
    expect(() => readAgentConfig({ DEFAULT_DECISION: text })).toThrow(words);
  });
});
