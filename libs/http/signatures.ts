import { signWebhook, webhookKey } from '#libs/webhook-signature/webhook-signature.ts';

/** What names a request to its endpoint, and when it was made. */
export interface WebhookIdentity {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly time: number;
}

/** The secrets of endpoints: those of an origin, and `''` for all that have none of their own. */
export type SigningSecrets = Readonly<Record<string, readonly string[]>>;

/** Names requests to endpoints and signs those for which there are secrets. */
export class Signatures {
  readonly #keys: ReadonlyMap<string, readonly Uint8Array[]>;

  /** @throws {WebhookSecretError} */
  constructor(secrets: SigningSecrets) {
    this.#keys = new Map(Object.entries(secrets).map(([origin, all]) => [origin, all.map(webhookKey)]));
  }

  /** The headers of one request; `content` is its body, or its query string when it has none. */
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
