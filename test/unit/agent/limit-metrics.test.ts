import { expect, test } from 'vitest';
import type { LimitKey } from '#libs/contract/call-limits.ts';
import { limitsInMetrics } from '#services/agent/limits/metrics.ts';

const status = (...limits: readonly string[]) =>
  limits.map((limit, at) => ({ limit, used: limits.length - at, recent: 0, refused: 0 }));

test('metrics show the limits of LIMITS and the first 100 gateways, whatever names endpoints choose later', () => {
  const select = limitsInMetrics(
    new Map<LimitKey, object>([
      ['id:tenant', { max: 1 }],
      ['gw:*', { max: 1 }],
    ]),
  );
  const names = (...limits: readonly string[]) => select(status(...limits)).map(({ limit }) => limit);
  expect(names('id:other', 'gw:first', 'id:tenant')).toEqual(['gw:first', 'id:tenant']);
  const many = Array.from({ length: 150 }, (_, at) => `gw:${at}`);
  expect(names(...many)).toEqual(many.slice(0, 99));
  expect(names(...many.toReversed(), 'gw:first', 'id:tenant').toSorted()).toEqual(
    [...many.slice(0, 99), 'gw:first', 'id:tenant'].toSorted(),
  );
});
