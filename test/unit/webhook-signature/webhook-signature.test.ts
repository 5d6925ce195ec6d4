import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  signWebhook,
  verifyWebhook,
  WebhookSecretError,
  WebhookVerificationError,
  webhookKey,
} from '#libs/webhook-signature/webhook-signature.ts';

/** The test vector of the specification's libraries. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1_614_265_330,
  content: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const WRONG = 'Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';
const now = VECTOR.timestamp * 1000;
const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

const headersOf = (changed: Record<string, string | undefined> = {}) => ({
  'webhook-id': VECTOR.id,
  'webhook-timestamp': String(VECTOR.timestamp),
  'webhook-signature': VECTOR.signature,
  ...changed,
});
const verify = (changed: Record<string, string | undefined> = {}, content = VECTOR.content, at = now) =>
  verifyWebhook([VECTOR.secret], headersOf(changed), content, { now: at });

describe('the test vectors of the specification', () => {
  it('sign', () => {
    expect(signWebhook([webhookKey(VECTOR.secret)], VECTOR)).toBe(VECTOR.signature);
  });

  it('are verified, with and without the prefix of the secret', () => {
    expect(verify()).toEqual({ id: VECTOR.id, timestamp: VECTOR.timestamp });
    const bare = VECTOR.secret.slice('whsec_'.length);
    expect(verifyWebhook([bare], headersOf(), VECTOR.content, { now })).toMatchObject({ id: VECTOR.id });
  });

  it('are verified with one valid signature among invalid ones and other versions', () => {
    const signatures = [`v1,${WRONG}`, `v2,${WRONG}`, VECTOR.signature, `v1,${WRONG}`, `v1a,${WRONG}`];
    expect(verify({ 'webhook-signature': signatures.join(' ') })).toMatchObject({ id: VECTOR.id });
  });

  it.each([
    ['no id', { 'webhook-id': undefined }],
    ['no timestamp', { 'webhook-timestamp': undefined }],
    ['no signature', { 'webhook-signature': undefined }],
    ['a timestamp that is not a number', { 'webhook-timestamp': 'hello' }],
    ['another signature', { 'webhook-signature': 'v1,dawfeoifkpqwoekfpqoekf' }],
    ['a part of the signature', { 'webhook-signature': VECTOR.signature.slice(0, 8) }],
    ['a signature of nothing', { 'webhook-signature': 'v1,' }],
    ['another version', { 'webhook-signature': VECTOR.signature.replace('v1', 'v2') }],
    ['another id', { 'webhook-id': 'msg_other' }],
    ['a full stop moved from the id', { 'webhook-id': `${VECTOR.id}.1` }],
  ])('are refused with %s', (_, changed) => {
    expect(() => verify(changed)).toThrow(WebhookVerificationError);
  });

  it('are refused when the timestamp is more than five minutes old or ahead', () => {
    for (const seconds of [-300, 300]) expect(verify({}, VECTOR.content, now + seconds * 1000)).toBeTruthy();
    for (const seconds of [-301, 301])
      expect(() => verify({}, VECTOR.content, now + seconds * 1000)).toThrow('too old or in the future');
  });

  it('are refused with other bytes, even for the same JSON', () => {
    for (const content of ['{"test":2432232314}', '', '{"test": 2432232314} '])
      expect(() => verify({}, content)).toThrow('no valid signature');
  });
});

describe('several secrets', () => {
  const [older, newer] = [newSecret(), newSecret()];
  const content = new TextEncoder().encode('{"a":"张"}');
  const webhook = { id: 'a.b.ring', timestamp: VECTOR.timestamp, content };
  const headers = {
    'webhook-id': webhook.id,
    'webhook-timestamp': String(webhook.timestamp),
    'webhook-signature': signWebhook([older, newer].map(webhookKey), webhook),
  };

  it('make one signature each, and either one verifies', () => {
    expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
    for (const secrets of [[older], [newer], [newSecret(), older]])
      expect(verifyWebhook(secrets, headers, content, { now })).toMatchObject({ id: 'a.b.ring' });
    expect(() => verifyWebhook([newSecret()], headers, content, { now })).toThrow(WebhookVerificationError);
    expect(() => verifyWebhook([], headers, content, { now })).toThrow(WebhookVerificationError);
  });
});

describe('a secret', () => {
  it.each([
    '',
    'whsec_',
    'whsec_c2hvcnQ=',
    `whsec_${randomBytes(65).toString('base64')}`,
    'whsec_!!!!not base64',
  ])('refuses %j without repeating it', (secret) => {
    expect(() => webhookKey(secret)).toThrow(WebhookSecretError);
    expect(() => webhookKey(secret)).not.toThrow(secret.slice(6) || 'nothing');
  });
});

it('refuses any header that an attacker may write', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(VECTOR.signature, 'v1,', `v1,${WRONG}`),
    fc.base64String(),
  );
  fc.assert(
    fc.property(text, text, text, (id, timestamp, signature) => {
      const changed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
      expect(() => verify(changed)).toThrow(WebhookVerificationError);
    }),
    { numRuns: 2_000 },
  );
});
