/** What has been started, ended in the reverse order. */
export class Stack {
  readonly #ends: (() => Promise<void> | void)[] = [];

  add(end: () => Promise<void> | void): void {
    this.#ends.push(end);
  }

  /** Ends everything, once; one that fails does not keep the others running. */
  async unwind(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse())
      await Promise.resolve(end()).catch((error: Error) => console.error(`while stopping: ${error.message}`));
  }
}
