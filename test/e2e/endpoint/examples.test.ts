import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { signWebhook, webhookKey } from '#libs/webhook-signature/webhook-signature.ts';
import { readRouterConfig } from '#services/router/config.ts';
import { startRouter } from '#services/router/router.ts';
import { quietLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { ringing } from '#test/support/notifier/progress.ts';
import { freePort } from '#test/support/ports.ts';
import { decisionRequest } from '#test/support/router/requests.ts';
import { until } from '#test/support/until.ts';

const ROOT = join(import.meta.dirname, '../../..');
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const [secret, newer, stranger] = [newSecret(), newSecret(), newSecret()];

const has = (program: string) =>
  spawnSync(program, [program === 'go' ? 'version' : '--version']).status === 0;
const LANGUAGES = [
  { fence: 'ts', file: 'endpoint.ts', build: [], run: () => [process.execPath, 'endpoint.ts'], there: true },
  {
    fence: 'python',
    file: 'endpoint.py',
    build: [],
    run: () => ['python3', 'endpoint.py'],
    there: has('python3'),
  },
  {
    fence: 'go',
    file: 'endpoint.go',
    build: ['go', 'build', '-o', 'endpoint', 'endpoint.go'],
    run: (dir: string) => [join(dir, 'endpoint')],
    there: has('go'),
  },
];

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

async function example(fence: string): Promise<string> {
  const page = await readFile(join(ROOT, 'docs/endpoint.md'), 'utf8');
  return new RegExp(`^\`\`\`${fence}\n(.*?)^\`\`\``, 'ms').exec(page)?.[1] ?? '';
}

describe.each(LANGUAGES.filter(({ there }) => there))(
  'the example of docs/endpoint.md in $fence',
  (language) => {
    let dir: string;
    let url: string;
    let child: ChildProcess;
    const said: string[] = [];

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'dialhook-endpoint-'));
      await writeFile(join(dir, language.file), await example(language.fence));
      const library = 'libs/webhook-signature/webhook-signature.ts';
      await copyFile(join(ROOT, library), join(dir, 'webhook-signature.ts'));
      const [builder, ...options] = language.build;
      if (builder !== undefined)
        expect(spawnSync(builder, options, { cwd: dir, encoding: 'utf8' }).stderr).toBe('');
      const port = await freePort();
      const [program = '', ...args] = language.run(dir);
      const env = { ...process.env, PORT: String(port), WEBHOOK_SECRETS: `${stranger} ${secret}` };
      child = spawn(program, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] });
      if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => said.push(line));
      url = `http://127.0.0.1:${port}/calls?shop=%E5%BC%A0&x=a%20b`;
      await until('it listens', () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      );
    }, 120_000);
    afterAll(async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rm(dir, { recursive: true });
    });

    async function decision(settings: Record<string, string>) {
      const lifecycle = new Lifecycle(quietLog, 5_000);
      try {
        const bus = await Bus.connect(harness.nats.url, 'router', lifecycle, quietLog);
        startRouter(readRouterConfig(settings), bus, lifecycle, quietLog);
        await bus.nats.flush();
        const request = decisionRequest(url);
        return await new DecisionClient(bus).request(request, 20_000, callContext(request.request.uuid));
      } finally {
        await lifecycle.stop();
      }
    }

    it.each(['POST', 'GET'])('answers a request that a router has signed, %s', async (ENDPOINT_METHOD) => {
      for (const ENDPOINT_SIGNING_SECRETS of [secret, `${newer} ${secret}`, `${newer},${secret}`])
        expect(await decision({ ENDPOINT_METHOD, ENDPOINT_SIGNING_SECRETS })).toMatchObject({
          result: 'decided',
        });
    });

    it.each(['POST', 'GET'])(
      'refuses one that is signed by a stranger or not at all, %s',
      async (ENDPOINT_METHOD) => {
        for (const settings of [{}, { ENDPOINT_SIGNING_SECRETS: newer }])
          expect(await decision({ ENDPOINT_METHOD, ...settings })).toMatchObject({
            result: 'http_status',
            error: 'the endpoint answered 401',
          });
      },
    );

    it.each(['POST', 'GET'])('handles each notification of a notifier once, %s', async (ENDPOINT_METHOD) => {
      await using _ = await harness.notifier({ ENDPOINT_METHOD, ENDPOINT_SIGNING_SECRETS: secret });
      const uuid = randomUUID();
      await harness.publish([ringing(url, uuid, 'a')]);
      await until('the ring is logged', () => said.includes(`ring ${uuid}`));
      const request = {
        id: `${uuid}.a.ring`,
        timestamp: Math.floor(Date.now() / 1000),
        content: '{"action":"ring"}',
      };
      expect(await post(request)).toBe(204);
      expect(said.filter((line) => line.startsWith('ring'))).toHaveLength(said.length);
      expect(said.filter((line) => line.includes(uuid))).toEqual([`ring ${uuid}`]);
    });

    async function post(
      webhook: { id: string; timestamp: number; content: string },
      given: { key?: string; body?: string; headers?: Record<string, string> } = {},
    ): Promise<number> {
      const { key = secret, body = webhook.content, headers = {} } = given;
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers: {
          'webhook-id': webhook.id,
          'webhook-timestamp': String(webhook.timestamp),
          'webhook-signature': signWebhook([webhookKey(key)], webhook),
          ...headers,
        },
      });
      await answer.arrayBuffer();
      return answer.status;
    }

    it('refuses a changed body, an old timestamp and a truncated signature', async () => {
      const content = '{"action":"hangup","uuid":"u"}';
      const now = { id: randomUUID(), timestamp: Math.floor(Date.now() / 1000), content };
      const ago = (seconds: number) => ({ ...now, timestamp: now.timestamp - seconds });
      const before = said.length;
      expect(await post(now)).toBe(204);
      const forged = [
        await post(now, { body: content.replace('"u"', '"v"') }),
        await post(now, { headers: { 'webhook-id': 'other' } }),
        await post(now, { headers: { 'webhook-timestamp': String(now.timestamp + 1) } }),
        await post(now, { headers: { 'webhook-timestamp': 'now' } }),
        await post(now, { headers: { 'webhook-signature': 'v1,' } }),
        await post(now, { headers: { 'webhook-signature': '' } }),
        await post(now, { key: newer }),
        await post(ago(310)),
        await post(ago(-310)),
      ];
      expect(forged).toEqual(forged.map(() => 401));
      expect(said).toHaveLength(before + 1);
    });
  },
);
