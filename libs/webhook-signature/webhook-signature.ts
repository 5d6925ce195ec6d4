import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Symmetric signatures (`v1`) of the Standard Webhooks specification: HMAC-SHA256 over `ID.TIMESTAMP.CONTENT`. This file
 * depends only on Node, so endpoints may copy it.
 *
 *     verifyWebhook([secret], request.headers, rawBody);
 *
 * CONTENT is the body as it was sent, or, for a GET request, the query string as it was sent without the question mark.
 */

const PREFIX = 'whsec_';
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;
const TOLERANCE_S = 300;

/** An invalid secret. The message never contains the secret. */
export class WebhookSecretError extends Error {
  override readonly name = 'WebhookSecretError';
}

/** A request that is not signed with a known secret, or not recently. Answer 401 and do not read the request. */
export class WebhookVerificationError extends Error {
  override readonly name = 'WebhookVerificationError';
}

/** The signed parts of a request. */
export interface Webhook {
  /** The header `webhook-id`. */
  readonly id: string;
  /** The header `webhook-timestamp`: seconds since 1970. */
  readonly timestamp: number;
  /** The body as it is sent, or the query string of a GET request. */
  readonly content: string | Uint8Array;
}

/**
 * The key in a secret: `whsec_` and the base64 of 24 to 64 bytes. The prefix is optional.
 * @throws {WebhookSecretError}
 */
export function webhookKey(secret: string): Buffer {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const key = Buffer.from(text, 'base64');
  const canonical = key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '');
  if (!canonical) throw new WebhookSecretError(`a secret must be ${PREFIX} followed by base64`);
  if (key.length < MIN_KEY_BYTES || key.length > MAX_KEY_BYTES)
    throw new WebhookSecretError(`a secret must be ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes long`);
  return key;
}

function digest(key: Uint8Array, { id, timestamp, content }: Webhook): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(content).digest();
}

/** The value of the header `webhook-signature`: one signature for each key, so that a secret can be changed without a gap. */
export const signWebhook = (keys: readonly Uint8Array[], webhook: Webhook): string =>
  keys.map((key) => `v1,${digest(key, webhook).toString('base64')}`).join(' ');

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

function header(headers: Headers, name: string): string {
  const value = headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new WebhookVerificationError(`the header ${name} is missing`);
}

/**
 * Checks that a request was signed with one of the secrets, and that its timestamp differs from now by at most
 * `toleranceSeconds` (default 300).
 * @param headers the headers by lower-case name, as in Node's `request.headers`
 * @param content the body as it was received, not parsed, or the query string of a GET request
 * @param options.now epoch milliseconds; default: the current time
 * @returns the id, which is the same in each repetition, and the timestamp in seconds since 1970
 * @throws {WebhookVerificationError} when the signature or a header is missing or wrong
 * @throws {WebhookSecretError} when one of the secrets is invalid
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
  if (!/^\d{1,12}$/.test(timestampText))
    throw new WebhookVerificationError('webhook-timestamp is not a number');
  const timestamp = Number(timestampText);
  if (Math.abs(Math.floor(now / 1000) - timestamp) > toleranceSeconds)
    throw new WebhookVerificationError('webhook-timestamp is too old or in the future');
  const given = header(headers, 'webhook-signature')
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'));
  const good = secrets
    .map((secret) => digest(webhookKey(secret), { id, timestamp, content }))
    .some((expected) =>
      given.some((one) => one.length === expected.length && timingSafeEqual(one, expected)),
    );
  if (!good) throw new WebhookVerificationError('webhook-signature has no valid signature');
  return { id, timestamp };
}
