/**
 * Settles like `work`, or rejects with the signal's reason when it is aborted first. What `work` does afterwards is
 * ignored: its rejection is handled, also with a signal that is aborted already.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return Promise.race([aborted, work]).finally(() => signal.removeEventListener('abort', abort));
}
