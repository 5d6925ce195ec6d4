import { expect, test } from 'vitest';
import { SCENARIOS } from '#deploy/local/scenarios.ts';

const WAYS = SCENARIOS.flatMap((scenario) =>
  ['gw', 'gw2', 'fallback'].map((gateway) => ({ scenario, gateway })),
);

test.each(WAYS)('$scenario.name, dialled through $gateway: an answered call is hung up', (way) => {
  const { answerAt, hangsUpAt } = way.scenario.callee(way.gateway);
  if (answerAt !== undefined) expect(hangsUpAt ?? way.scenario.byeAt).toBeDefined();
});
