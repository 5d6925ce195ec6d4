import { expect, test } from 'vitest';
import { Breakers } from '#libs/decision/breakers.ts';
import { DecisionService } from '#libs/decision/decision-service.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { client, SHORT_MS } from '#test/support/router/client.ts';
import { http, startEndpoint } from '#test/support/router/endpoints.ts';
import { decisionRequest, HANGUP, UUID, WORK } from '#test/support/router/requests.ts';
import { until } from '#test/support/until.ts';

const log = createLog('router-test', { level: 'silent' });
const NO_BREAKER = { window: 20, openMs: 0 };
const decided = { v: 1, result: 'decided', plan: { hangup: { cause: 'USER_BUSY' } } };

const serviceWith = (httpClient: ReturnType<typeof client>, breaker = NO_BREAKER) =>
  new DecisionService(httpClient, { method: 'POST', maxCallsInFlight: 10, breaker }, log);

test('the fallback gets the same request, and why the endpoint did not decide', async () => {
  await using broken = await startEndpoint(({ socket }) => socket.write(http('500 Oops', '')));
  await using fallback = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await using httpClient = client();
  const secret = new URL('/binding?token=secret', broken.url).href;
  const asked = { ...decisionRequest(secret), fallback_url: fallback.url };
  expect(await serviceWith(httpClient).decide(asked, callContext(UUID), WORK)).toEqual(decided);
  expect(JSON.parse(fallback.received[0]?.body ?? '')).toEqual({
    ...asked.request,
    previous: {
      url: new URL('/binding', broken.url).href,
      result: 'http_status',
      error: 'the endpoint answered 500',
    },
  });
  expect(broken.received[0]?.body).not.toContain('previous');
});

test('the fallback gets no request when the endpoint decides', async () => {
  await using good = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await using fallback = await startEndpoint(({ socket }) => socket.write(http('200 OK', HANGUP)));
  await using httpClient = client();
  const asked = { ...decisionRequest(good.url), fallback_url: fallback.url };
  expect(await serviceWith(httpClient).decide(asked, callContext(UUID), WORK)).toEqual(decided);
  expect(fallback.received).toEqual([]);
});

test('if both fail, the first failure is the result and the error names both', async () => {
  await using broken = await startEndpoint(({ socket }) => socket.write(http('500 Oops', '')));
  await using silent = await startEndpoint(() => {});
  await using httpClient = client();
  const asked = {
    ...decisionRequest(broken.url),
    connect_timeout_ms: SHORT_MS,
    response_timeout_ms: SHORT_MS,
    fallback_url: silent.url,
  };
  const reply = await serviceWith(httpClient).decide(asked, callContext(UUID), WORK);
  expect(reply).toMatchObject({ result: 'http_status' });
  expect('error' in reply && reply.error).toMatch(/500; fallback: .*/);
});

test('an endpoint that fails opens its circuit, and one probe follows after BREAKER_OPEN_MS', async () => {
  let healthy = false;
  await using endpoint = await startEndpoint(({ socket }) =>
    socket.write(healthy ? http('200 OK', HANGUP) : http('500 Oops', '')),
  );
  await using httpClient = client();
  const openMs = 300;
  const service = serviceWith(httpClient, { window: 4, openMs });
  const ask = async () =>
    (await service.decide(decisionRequest(endpoint.url), callContext(UUID), WORK)).result;
  expect([await ask(), await ask()]).toEqual(['http_status', 'http_status']);
  const failures = endpoint.received.length;
  expect([await ask(), await ask()]).toEqual(['circuit_open', 'circuit_open']);
  expect(endpoint.received).toHaveLength(failures);

  healthy = true;
  await until('the probe decides', async () => (await ask()) === 'decided');
  expect(await ask()).toBe('decided');
});

test('while one call probes, the others are refused at once', async () => {
  const breakers = new Breakers({ window: 2, openMs: 1 });
  const timing = { connectMs: 0, responseMs: 0, reused: false, phases: [] };
  const fault = { ok: false, result: 'connect_timeout', error: '', timing } as const;
  const url = 'http://endpoint/';
  await breakers.run(url, async () => fault);
  const probe = Promise.withResolvers<typeof fault>();
  let probes = 0;
  let probing: Promise<unknown> | undefined;
  await until('a probe is let through', async () => {
    const call = breakers.run(url, () => {
      probes++;
      return probe.promise;
    });
    const first = await Promise.race([call, Promise.resolve('waiting')]);
    if (probes === 1 && first === 'waiting') probing = call;
    return probes === 1;
  });
  expect(await breakers.run(url, async () => fault)).toBeUndefined();
  expect(probes).toBe(1);
  probe.resolve(fault);
  expect(await probing).toEqual(fault);
});

test('another endpoint is not affected', async () => {
  const breakers = new Breakers({ window: 2, openMs: 60_000 });
  const timing = { connectMs: 0, responseMs: 0, reused: false, phases: [] };
  const fault = { ok: false, result: 'connection_failed', error: '', timing } as const;
  await breakers.run('http://dead/', async () => fault);
  expect(await breakers.run('http://dead/', async () => fault)).toBeUndefined();
  expect(await breakers.run('http://other/', async () => fault)).toEqual(fault);
});

test.each([
  { window: 20, first: 10 },
  { window: 3, first: 2 },
])(
  'a circuit of $window requests opens with more than half of the first $first failed, not with half',
  async ({ window, first }) => {
    const breakers = new Breakers({ window, openMs: 60_000 });
    const timing = { connectMs: 0, responseMs: 0, reused: false, phases: [] };
    const fault = { ok: false, result: 'connection_failed', error: '', timing } as const;
    const success = { ok: false, result: 'body_too_large', error: '', timing } as const;
    const run = (answer: typeof fault | typeof success) => breakers.run('http://a/', async () => answer);
    for (let n = 0; n < first / 2; n++) await run(success);
    for (let n = 0; n < first / 2; n++) {
      expect(breakers.state('http://a')).toBe('closed');
      await run(fault);
    }
    expect(breakers.state('http://a')).toBe('closed');
    await run(fault);
    expect(breakers.state('http://a')).toBe('open');
  },
);

test('an aborted request neither closes the circuit nor keeps it closed', async () => {
  const breakers = new Breakers({ window: 4, openMs: 1 });
  const timing = { connectMs: 0, responseMs: 0, reused: false, phases: [] };
  const answer = (result: 'response_timeout' | 'caller_gone') =>
    ({ ok: false, result, error: '', timing }) as const;
  const url = 'http://endpoint/';
  const run = (result: 'response_timeout' | 'caller_gone') => breakers.run(url, async () => answer(result));
  for (let aborted = 0; aborted < 10; aborted++)
    expect(await run('caller_gone')).toEqual(answer('caller_gone'));
  await run('response_timeout');
  await run('response_timeout');
  expect(breakers.state('http://endpoint')).toBe('open');
  await until('an aborted probe', async () => (await run('caller_gone')) !== undefined);
  expect(breakers.state('http://endpoint')).toBe('open');
});
