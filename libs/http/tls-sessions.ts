import { LruMap } from '#libs/lru/lru-map.ts';

const MAX_ORIGINS = 1_000;

/**
 * The last TLS session of each origin. A new connection that resumes it skips sending and verifying the certificate,
 * which is most of the work of a handshake on both sides.
 */
export class TlsSessions {
  readonly #byOrigin = new LruMap<string, Buffer>(MAX_ORIGINS);

  get(origin: string): Buffer | undefined {
    return this.#byOrigin.peek(origin);
  }

  keep(origin: string, session: Buffer): void {
    this.#byOrigin.set(origin, session);
  }
}
