/**
 * A callback for an event emitter, which ignores the promise of an async listener. A rejection becomes an uncaught
 * exception and fails the test run.
 */
export const owned =
  <A extends unknown[]>(listener: (...args: A) => Promise<unknown>) =>
  (...args: A): void => {
    listener(...args).catch((error: unknown) =>
      setImmediate(() => {
        throw error;
      }),
    );
  };
