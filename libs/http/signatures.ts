import { signWebhook, webhookKey } from '#libs/webhook-signature/webhook-signature.ts';

/** Identifies a request for its endpoint. */
export interface WebhookIdentity {
  /** Sent as `webhook-id`: a repeated request has the same. */
  readonly id: string;
  /** Epoch milliseconds, sent in seconds as `webhook-timestamp`. */
  readonly time: number;
}

/** Secrets by origin; the key `''` is for origins without their own. */
export type SigningSecrets = Readonly<Record<string, readonly string[]>>;

/** Makes the `webhook-*` headers of requests and signs those whose origin has a secret. */
export class Signatures {
  readonly #keys: ReadonlyMap<string, readonly Uint8Array[]>;

  /** @throws {WebhookSecretError} */
  constructor(secrets: SigningSecrets) {
    this.#keys = new Map(Object.entries(secrets).map(([origin, all]) => [origin, all.map(webhookKey)]));
  }

  /** `content` is the body of the request, or its query string without a body. */
  headers(origin: string, { id, time }: WebhookIdentity, content: string): Record<string, string> {
    const timestamp = Math.floor(time / 1000);
    const keys = this.#keys.get(origin) ?? this.#keys.get('') ?? [];
    return {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      ...(keys.length === 0 ? {} : { 'webhook-signature': signWebhook(keys, { id, timestamp, content }) }),
    };
  }
}
