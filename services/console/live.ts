import type { ServerResponse } from 'node:http';
import type { CallSummary } from '#libs/contract/console.ts';

const BATCH_MS = 250;
const STATUS_MS = 2_000;
const PING_MS = 15_000;
/** The browser reconnects after it, which checks the session again. */
const LIFE_MS = 10 * 60_000;
const MAX_LISTENERS = 500;
/** A slower listener is disconnected; it reconnects and reads the list again. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Server-sent events: calls that changed, in batches, and a hint that a status changed. */
export class Live {
  readonly #listeners = new Map<ServerResponse, NodeJS.Timeout>();
  readonly #changed = new Map<string, CallSummary>();
  readonly #timers: readonly NodeJS.Timeout[];
  #status = false;

  constructor() {
    this.#timers = [
      setInterval(() => this.#sendCalls(), BATCH_MS),
      setInterval(() => this.#sendStatus(), STATUS_MS),
      setInterval(() => this.#write(': \n\n'), PING_MS),
    ];
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** @returns false at the limit of listeners. */
  listen(response: ServerResponse): boolean {
    if (this.#listeners.size >= MAX_LISTENERS) return false;
    response.write('retry: 2000\n\n');
    this.#listeners.set(
      response,
      setTimeout(() => response.end(), LIFE_MS),
    );
    response.on('close', () => this.#forget(response));
    return true;
  }

  call(summary: CallSummary): void {
    if (this.#listeners.size > 0) this.#changed.set(summary.uuid, summary);
  }

  /** A status message arrived. */
  status(): void {
    this.#status = true;
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const response of this.#listeners.keys()) response.end();
  }

  #sendCalls(): void {
    if (this.#changed.size === 0) return;
    this.#write(`event: calls\ndata: ${JSON.stringify([...this.#changed.values()])}\n\n`);
    this.#changed.clear();
  }

  #sendStatus(): void {
    if (this.#status) this.#write('event: status\ndata: {}\n\n');
    this.#status = false;
  }

  #write(text: string): void {
    for (const response of this.#listeners.keys()) {
      if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
      else response.write(text);
    }
  }

  #forget(response: ServerResponse): void {
    clearTimeout(this.#listeners.get(response));
    this.#listeners.delete(response);
  }
}
