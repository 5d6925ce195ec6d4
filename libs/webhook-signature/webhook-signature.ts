import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signatures of the Standard Webhooks specification, symmetric (`v1`): HMAC-SHA256 over `ID.TIMESTAMP.CONTENT`.
 * One file that needs nothing but Node: endpoints may copy it.
 *
 *     verifyWebhook([secret], request.headers, rawBody);
 *
 * Of a GET request the content is the query string as it was sent, without the question mark.
 */

const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
const TOLERANCE_S = 300;

/** What a secret must be. The message never holds the secret. */
export class WebhookSecretError extends Error {
  override readonly name = 'WebhookSecretError';
}

/** A request that did not come from who has the secret, or not now. Answer 401 and look no further. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
}

export interface Webhook {
  readonly id: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** The exact bytes of the body, or the query string. */
  readonly content: string | Uint8Array;
}

/**
 * The key in a secret: `whsec_` and the base64 of 24 to 64 bytes; the prefix may be missing.
 * @throws {WebhookSecretError}
 */
export function webhookKey(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const key = Buffer.from(text, 'base64');
  const canonical = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  if (!canonical) throw new WebhookSecretError(`a secret must be ${PREFIX} and base64`);
  if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES)
    throw new WebhookSecretError(`a secret must be ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes long`);
  return key;
}

function digest(key: Uint8Array, { id, timestamp, content }: Webhook): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(content).digest();
}

/** The header `webhook-signature`: one signature for each key, so that endpoints may change theirs one by one. */
export const signWebhook = (keys: readonly Uint8Array[], webhook: Webhook): string =>
  keys.map((key) => `v1,${digest(key, webhook).toString('base64')}`).join(' ');

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

function header(headers: Headers, name: string): string {
  const value = headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookVerificationError(`the header ${name} is missing`);
}

/**
 * Checks that a request was signed with one of the secrets, at most `toleranceSeconds` ago or ahead.
 * @param headers by their names in lower case, as Node gives them
 * @param content the body as it was received, not parsed; of a GET request its query string
 * @returns its id, by which a repeat is known
 * @throws {WebhookVerificationError}
 */
export function verifyWebhook(
  secrets: readonly string[],
  headers: Headers,
  content: string | Uint8Array,
  options: { readonly toleranceSeconds?: number; readonly now?: number } = {},
): { readonly id: string; readonly timestamp: number } {
  const { toleranceSeconds = TOLERANCE_S, now = Date.now() } = options;
  const id = header(headers, 'webhook-id');
  const timestampText = header(headers, 'webhook-timestamp');
  if (!/^\d{1,12}$/.test(timestampText)) throw new WebhookVerificationError('webhook-timestamp is no number');
  const timestamp = Number(timestampText);
  if (Math.abs(Math.floor(now / 1000) - timestamp) > toleranceSeconds)
    throw new WebhookVerificationError('webhook-timestamp is too old or lies ahead');
  const given = header(headers, 'webhook-signature')
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'));
  const good = secrets
    .map((secret) => digest(webhookKey(secret), { id, timestamp, content }))
    .some((right) => given.some((one) => one.length === right.length && timingSafeEqual(one, right)));
  if (!good) throw new WebhookVerificationError('no signature in webhook-signature is right');
  return { id, timestamp };
}
