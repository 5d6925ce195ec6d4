import fc from 'fast-check';
import type { Plan } from '#libs/contract/plan.ts';
import { DecisionCache } from '#libs/decision/decision-cache.ts';
import { cachePermission, SHARED_FIELDS } from '#libs/dialplan/cache-control.ts';
import { decisionRequest } from '#test/support/router/requests.ts';
import type { Arbitraries } from '../arbitraries.ts';
import { countExecuted, same, timed } from '../property.ts';

const PLAN: Plan = { hangup: { cause: 'USER_BUSY' } };
const VARIABLES = ['tenant', '__proto__', 'sip_h_X-A'];
const FIELDS = [...SHARED_FIELDS, ...VARIABLES.map((name) => `variables.${name}`)];

/** Values by field, `withheld` is caller_id_withheld. A channel variable can be missing. */
function requestOf(url: string, values: readonly (string | undefined)[], withheld: boolean) {
  const asked = decisionRequest(url);
  const texts = SHARED_FIELDS.filter((field) => field !== 'caller_id_withheld');
  const fields = Object.fromEntries(texts.map((field, index) => [field, values[index] ?? '']));
  const variables = Object.fromEntries(
    VARIABLES.map((name, index) => [name, values[texts.length + index]] as const).filter(
      ([, value]) => value !== undefined,
    ),
  ) as Record<string, string>;
  return { ...asked, request: { ...asked.request, ...fields, caller_id_withheld: withheld, variables } };
}

type Asked = ReturnType<typeof requestOf>;

const fieldOf = ({ request }: Asked, field: string): unknown => {
  const variable = field.replace(/^variables\./, '');
  if (variable === field) return (request as Record<string, unknown>)[field];
  return Object.entries(request.variables).find(([name]) => name === variable)?.[1];
};

export const cached = ({ text }: Arbitraries) => {
  const value = fc.option(fc.oneof(fc.constantFrom('', '1', '2', 'null', '","'), text), { nil: undefined });
  const asked = fc
    .tuple(fc.constantFrom('http://a/', 'http://a/?1'), fc.array(value, { maxLength: 10 }), fc.boolean())
    .map((given) => requestOf(...given));
  const change = fc.option(asked, { nil: undefined });
  return fc.property(
    asked,
    change,
    fc.subarray(FIELDS),
    fc.oneof(fc.constantFrom('max-age=5', 'max-age=5, stale-if-error=5', 'stale-if-error=9'), text),
    fc.option(text, { nil: undefined }),
    timed((one, changed, fields, control, noise) => {
      const headers = {
        'cache-control': control,
        'dialhook-vary': noise === undefined ? fields.join(',') : `${fields.join(',')},${noise}`,
      };
      const cache = new DecisionCache({ origins: ['*'], size: 4, maxAgeMs: 10_000, now: () => 0 });
      cache.store(one, headers, PLAN, 0);
      const permission = cachePermission(headers);
      const isStored = typeof permission === 'object' && cache.size > 0;
      same('stored', cache.find(one) !== undefined, isStored);
      if (!isStored) return;
      const other = changed ?? one;
      const agrees = permission.fields.every((field) =>
        Object.is(fieldOf(one, field), fieldOf(other, field)),
      );
      same('shared', cache.find(other) !== undefined, agrees && one.url === other.url);
      countExecuted();
    }),
  );
};
