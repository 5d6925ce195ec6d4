import type { Consumer, JsMsg } from '@nats-io/jetstream';

interface FetchOptions {
  readonly max: number;
  /** At least 1,000 ms. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Up to `max` messages. Ends early, without an error, when none has come for `silenceMs`, or when `signal` is aborted.
 * The client itself waits without limit while NATS is disconnected.
 */
export async function* fetchMessages(
  consumer: Consumer,
  { max, silenceMs, signal }: FetchOptions,
): AsyncGenerator<JsMsg> {
  const messages = await consumer.fetch({ max_messages: max, expires: silenceMs });
  const stop = () => messages.stop();
  const silence = setTimeout(stop, silenceMs);
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  try {
    for await (const message of messages) {
      silence.refresh();
      yield message;
    }
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener('abort', stop);
    stop();
  }
}
