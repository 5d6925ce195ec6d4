import { expect, test } from 'vitest';
import { FATES } from '#deploy/local/fates.ts';

const WAYS = FATES.flatMap((fate) => ['gw', 'gw2', 'fallback'].map((gateway) => ({ fate, gateway })));

test.each(WAYS)('$fate.name, dialled through $gateway: somebody hangs up when it is answered', (way) => {
  const { answerAt, hangsUpAt } = way.fate.callee(way.gateway);
  if (answerAt !== undefined) expect(hangsUpAt ?? way.fate.byeAt).toBeDefined();
});
