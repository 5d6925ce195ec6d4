/** Of more origins the session not renewed for longest is forgotten. */
const MAX_ORIGINS = 1_000;

/**
 * The last TLS session of each origin: a new connection that resumes it needs no certificate to be sent and verified a
 * second time, which is most of a handshake's work on both sides.
 */
export class TlsSessions {
  readonly #byOrigin = new Map<string, Buffer>();

  of(origin: string): Buffer | undefined {
    return this.#byOrigin.get(origin);
  }

  keep(origin: string, session: Buffer): void {
    this.#byOrigin.delete(origin);
    this.#byOrigin.set(origin, session);
    const [oldest] = this.#byOrigin.keys();
    if (oldest !== undefined && this.#byOrigin.size > MAX_ORIGINS) this.#byOrigin.delete(oldest);
  }
}
