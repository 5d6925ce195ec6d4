import type { Socket } from 'node:net';

/** About eight events. After a turn that has read so many bytes, more has probably arrived. */
const BUSY_BYTES = 64 * 1024;

/**
 * Reads a socket in batches, so that many small messages wake the process once:
 *
 *     reading ---- data ----> paused, for `ms`
 *        ^                       |
 *        +-- timer, `resume` ----+
 *
 * The first data after a silence are read at once; later data wait in the kernel, which makes FreeSWITCH wait when its buffer
 * is full. So the socket is not paused after a turn of the event loop that has read BUSY_BYTES (it reads up to 2 MB), nor while
 * `isUrgent` returns true.
 */
export class ReadBatches {
  readonly #socket: Socket;
  readonly #ms: number;
  readonly #isUrgent: () => boolean;
  #timer: NodeJS.Timeout | undefined;
  #pausing = false;
  #bytes = 0;

  constructor(socket: Socket, ms: number, isUrgent: () => boolean) {
    this.#socket = socket;
    this.#ms = ms;
    this.#isUrgent = isUrgent;
    socket.on('data', (data: Buffer) => this.#onData(data));
    socket.once('close', () => clearTimeout(this.#timer));
  }

  /** Ends a pause: what has arrived is read in the next turns of the event loop. */
  resume(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#socket.resume();
  }

  /** Pauses at the end of the turn, unless more is expected. */
  #onData(data: Buffer): void {
    this.#bytes += data.length;
    if (this.#pausing) return;
    this.#pausing = true;
    setImmediate(() => {
      const isBusy = this.#bytes >= BUSY_BYTES;
      this.#bytes = 0;
      this.#pausing = false;
      if (isBusy || this.#isUrgent() || this.#socket.destroyed) return;
      this.#socket.pause();
      this.#timer = setTimeout(() => this.resume(), this.#ms);
    });
  }
}
