/** A fault cannot be injected on this machine, which lacks something that the message names. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
