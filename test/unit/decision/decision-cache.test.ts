import { describe, expect, it } from 'vitest';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Plan } from '#libs/contract/plan.ts';
import { DecisionCache } from '#libs/decision/decision-cache.ts';
import { cachePermission } from '#libs/dialplan/cache-control.ts';
import { readRouterConfig } from '#services/router/config.ts';
import { decisionRequest } from '#test/support/router/requests.ts';

const VARY = 'destination_number';
const permission = (control: string | string[], vary: string | undefined = VARY, age?: string) =>
  cachePermission({
    'cache-control': control,
    ...(vary === '' ? {} : { 'dialhook-vary': vary }),
    ...(age === undefined ? {} : { age }),
  });

describe('what an answer allows', () => {
  it.each<[string | string[], string | undefined, number, number]>([
    ['max-age=30', undefined, 30_000, 0],
    ['max-age=30, stale-if-error=300', undefined, 30_000, 300_000],
    ['stale-if-error=300', undefined, 0, 300_000],
    [['max-age=30', 'stale-if-error=60'], undefined, 30_000, 60_000],
    ['PUBLIC,Max-Age="30" , stale-if-error = 5', undefined, 30_000, 5_000],
    ['max-age=30, max-age=9999', undefined, 30_000, 0],
    ['max-age=30, must-revalidate, stale-if-error=60', undefined, 30_000, 0],
    ['max-age=oops, stale-if-error=60', undefined, 0, 60_000],
    ['max-age=30, stale-if-error=60', '10', 20_000, 60_000],
    ['max-age=30, stale-if-error=60', '50', 0, 40_000],
    ['max-age=30', 'oops', 30_000, 0],
    ['foo="max-age=99", max-age=30', undefined, 30_000, 0],
  ])('%j with Age %s', (control, age, freshMs, staleMs) => {
    expect(permission(control, VARY, age)).toEqual({ freshMs, staleMs, fields: [VARY] });
  });

  it.each([
    '',
    'max-age=0',
    'max-age=-1',
    'max-age=99999999999',
    'max-age',
    'no-store',
    'no-store, max-age=30',
    'max-age=30, no-cache',
    'max-age=30, no-cache="x"',
    'private, max-age=30',
    's-maxage=30',
    'foo="max-age=30"',
  ])('nothing: %s', (control) => {
    expect(permission(control)).toBeUndefined();
    expect(permission(control, '')).toBeUndefined();
  });

  it('nothing when an intermediate cache has used the time up', () => {
    expect(permission('max-age=30, stale-if-error=60', VARY, '90')).toBeUndefined();
  });

  it('needs the fields that the decision depends on', () => {
    expect(permission('max-age=30', '')).toMatch(/^Dialhook-Vary is missing/);
    expect(permission('max-age=30', ' , ')).toMatch(/^Dialhook-Vary is missing/);
    expect(
      permission('max-age=30', 'variables.sip_h_X-Tenant,destination_number , destination_number'),
    ).toEqual({
      freshMs: 30_000,
      staleMs: 0,
      fields: ['destination_number', 'variables.sip_h_X-Tenant'],
    });
  });

  it.each(['*', 'uuid', 'Destination_Number', 'variables.', 'variables', '__proto__', 'time', 'attempt'])(
    'no other field than those that calls can share: %s',
    (name) => {
      expect(permission('max-age=30', `destination_number, ${name}`)).toMatch(
        /^Dialhook-Vary: entry 2 must be one of at most 32: node, /,
      );
    },
  );

  it('at most 32 fields', () => {
    const fields = Array.from({ length: 33 }, (_, index) => `variables.v${index}`);
    expect(permission('max-age=30', fields.join(','))).toMatch(/^Dialhook-Vary: entry 33 /);
    expect(permission('max-age=30', fields.slice(1).join(','))).toHaveProperty('freshMs');
  });
});

const URL_A = 'http://a.example/calls';
const plan = (gateway: string): Plan => ({ hangup: { cause: 'USER_BUSY' }, data: { gateway } });
const asking = (given: Partial<EndpointRequest> = {}, url = URL_A) => {
  const asked = decisionRequest(url);
  return { ...asked, request: { ...asked.request, ...given } };
};
const headers = (control: string, vary = VARY) => ({ 'cache-control': control, 'dialhook-vary': vary });
const HOUR_MS = 3_600_000;

function cacheAt(options: Partial<ConstructorParameters<typeof DecisionCache>[0]> = {}) {
  const clock = { ms: 0 };
  const cache = new DecisionCache({
    origins: ['http://a.example'],
    size: 100,
    maxAgeMs: HOUR_MS,
    now: () => clock.ms,
    ...options,
  });
  const keep = (request: ReturnType<typeof asking>, control: string, gateway = 'gw', vary = VARY) =>
    cache.store(request, headers(control, vary), plan(gateway), clock.ms);
  const found = (request = asking()) => {
    const one = cache.find(request);
    return one && [one.outcome, one.ageMs, (one.plan.data as { gateway: string }).gateway];
  };
  return { cache, clock, keep, found };
}

describe('the cache of decisions', () => {
  it('uses a decision while it is fresh, then as a stale one, then not at all', () => {
    const { cache, clock, keep, found } = cacheAt();
    expect(keep(asking(), 'max-age=30, stale-if-error=60')).toBeUndefined();
    clock.ms = 29_999;
    expect(found()).toEqual(['hit', 29_999, 'gw']);
    clock.ms = 30_000;
    expect(found()).toEqual(['stale', 30_000, 'gw']);
    clock.ms = 89_999;
    expect(found()).toEqual(['stale', 89_999, 'gw']);
    clock.ms = 90_000;
    expect(found()).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('counts the age from when the request was sent', () => {
    const { cache, clock, found } = cacheAt();
    clock.ms = 10_000;
    cache.store(asking(), headers('max-age=30'), plan('gw'), 0);
    expect(found()).toEqual(['hit', 10_000, 'gw']);
    clock.ms = 30_000;
    expect(found()).toBeUndefined();
  });

  it('never uses one that is older than the operator allows', () => {
    const { clock, keep, found } = cacheAt({ maxAgeMs: 10_000 });
    keep(asking(), 'max-age=30, stale-if-error=99999');
    clock.ms = 9_999;
    expect(found()).toEqual(['hit', 9_999, 'gw']);
    clock.ms = 10_000;
    expect(found()).toBeUndefined();
  });

  it('joins no strangers: a call with another value of a listed field gets nothing', () => {
    const { keep, found } = cacheAt();
    const vary = 'destination_number, caller_id_number, variables.tenant';
    const of = (given: Partial<EndpointRequest> = {}, tenant?: string) =>
      asking({
        caller_id_number: '1',
        destination_number: '2',
        variables: tenant === undefined ? {} : { tenant },
        ...given,
      });
    keep(of({}, 't'), 'max-age=30', 'gw', vary);
    expect(found(of({ uuid: 'another', caller_id_name: 'x' }, 't'))).toEqual(['hit', 0, 'gw']);
    for (const other of [
      of({ caller_id_number: '2', destination_number: '1' }, 't'),
      of({ caller_id_number: '12', destination_number: '' }, 't'),
      of({ caller_id_number: '' }, 't'),
      of({}, 'T'),
      of({}, ''),
      of({}, 'null'),
      of({}),
    ])
      expect(found(other)).toBeUndefined();
  });

  it('tells a missing variable from an empty one', () => {
    const { keep, found } = cacheAt();
    keep(asking({ variables: {} }), 'max-age=30', 'gw', 'variables.tenant');
    expect(found(asking({ variables: { tenant: '' } }))).toBeUndefined();
    expect(found(asking({ variables: { other: '' } }))).toEqual(['hit', 0, 'gw']);
  });

  it('shares nothing between URLs', () => {
    const { keep, found } = cacheAt({ origins: ['*'] });
    keep(asking(), 'max-age=30');
    expect(found(asking({}, `${URL_A}?tenant=2`))).toBeUndefined();
    expect(found(asking({}, 'http://b.example/calls'))).toBeUndefined();
  });

  it('finds no decision that was shared by other fields', () => {
    const { keep, found } = cacheAt();
    keep(asking({ destination_number: '1' }), 'max-age=30');
    keep(asking({ destination_number: '2' }), 'max-age=30', 'gw', 'caller_id_number, destination_number');
    expect(found(asking({ destination_number: '1' }))).toBeUndefined();
    keep(asking({ destination_number: '3' }), 'max-age=30');
    expect(found(asking({ destination_number: '1' }))).toBeUndefined();
    expect(found(asking({ destination_number: '3' }))).toEqual(['hit', 0, 'gw']);
  });

  it('replaces a decision by the next one', () => {
    const { clock, keep, found } = cacheAt();
    keep(asking(), 'max-age=30', 'one');
    clock.ms = 20_000;
    keep(asking(), 'max-age=30', 'two');
    clock.ms = 40_000;
    expect(found()).toEqual(['hit', 20_000, 'two']);
  });

  it.each<[string, Parameters<DecisionCache['store']>[1], Plan | undefined]>([
    ['another decision', headers('max-age=30'), plan('old')],
    ['another Dialhook-Vary', headers('max-age=30', 'caller_id_number'), plan('old')],
    ['no decision', headers('max-age=30'), undefined],
    ['no-store', headers('no-store'), plan('old')],
  ])('ignores a slow answer to an earlier request: %s', (_, given, slow) => {
    const { cache, clock, keep, found } = cacheAt();
    clock.ms = 5_000;
    keep(asking(), 'max-age=30', 'new');
    cache.store(asking(), given, slow, 0);
    expect(found()).toEqual(['hit', 0, 'new']);
  });

  it.each<[string, Parameters<DecisionCache['store']>[1], Plan | undefined]>([
    ['that does not decide', headers('max-age=30'), undefined],
    ['with no-store', headers('no-store'), plan('two')],
    ['without headers', {}, plan('two')],
    ['without Dialhook-Vary', { 'cache-control': 'max-age=30' }, plan('two')],
  ])('forgets a decision after an answer %s', (_, given, next) => {
    const { cache, keep, found } = cacheAt();
    keep(asking(), 'max-age=30');
    cache.store(asking(), given, next, 0);
    expect(found()).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('covers only the first request of a new call, to an allowed endpoint', () => {
    const { cache } = cacheAt();
    const previous = { url: URL_A, result: 'http_status', error: '' } as const;
    const not = [
      asking({ attempt: 2 }),
      asking({ reason: 'transfer' }),
      asking({ previous }),
      asking({}, 'https://a.example/calls'),
      asking({}, 'http://a.example.org/calls'),
      asking({}, 'not a URL'),
    ];
    expect([asking(), ...not].map((one) => cache.covers(one))).toEqual([true, ...not.map(() => false)]);
    for (const one of not) cache.store(one, headers('max-age=30'), plan('gw'), 0);
    expect(cache.size).toBe(0);
  });

  it('is off by default', () => {
    const { keep, found } = cacheAt({ origins: [] });
    keep(asking(), 'max-age=30');
    expect(found()).toBeUndefined();
    expect(readRouterConfig({}).DECISION_CACHE_ENDPOINTS).toEqual([]);
  });

  it('is bounded, in decisions and in the size of each', () => {
    const { cache, keep, found } = cacheAt({ size: 3 });
    for (const destination_number of ['1', '2', '3', '4']) keep(asking({ destination_number }), 'max-age=30');
    expect(cache.size).toBe(3);
    expect(found(asking({ destination_number: '1' }))).toBeUndefined();
    expect(keep(asking(), 'max-age=30', 'x'.repeat(16_384))).toMatch(/have more than 16384 characters/);
    expect(found(asking())).toBeUndefined();
    const destination_number = '1'.repeat(16_000);
    expect(keep(asking({ destination_number }), 'max-age=30', 'x'.repeat(400))).toMatch(
      /^the decision and its key/,
    );
    expect(keep(asking({ destination_number }), 'max-age=30', 'x'.repeat(100))).toBeUndefined();
  });
});

describe('DECISION_CACHE_ENDPOINTS', () => {
  it('holds origins', () => {
    const DECISION_CACHE_ENDPOINTS = 'https://CRM.example/, http://10.0.0.5:8080,https://x.example:443,*';
    expect(readRouterConfig({ DECISION_CACHE_ENDPOINTS }).DECISION_CACHE_ENDPOINTS).toEqual([
      'https://crm.example',
      'http://10.0.0.5:8080',
      'https://x.example',
      '*',
    ]);
  });

  it.each([
    'crm.example',
    'https://crm.example/calls',
    'https://u:p@crm.example',
    'ftp://crm.example',
    'http://x/?',
  ])('refuses %s', (DECISION_CACHE_ENDPOINTS) => {
    expect(() => readRouterConfig({ DECISION_CACHE_ENDPOINTS })).toThrow(
      'DECISION_CACHE_ENDPOINTS must be origins such as https://crm.example',
    );
  });
});
