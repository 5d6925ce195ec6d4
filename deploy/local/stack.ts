/** Stop functions, run in the reverse order of their registration. */
export class Stack {
  readonly #ends: (() => Promise<void> | void)[] = [];

  add(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  /** Runs every stop function once. An error is printed and does not prevent the others. */
  async unwind(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse())
      await Promise.resolve(end()).catch((error: Error) => console.error(`while stopping: ${error.message}`));
  }
}

/** Runs `start`. If it fails, stops what it has started. */
export async function startOrStop<T extends { stop(): Promise<void> }>(
  one: T,
  start: () => Promise<void>,
): Promise<T> {
  try {
    await start();
  } catch (error) {
    await one.stop();
    throw error;
  }
  return one;
}
