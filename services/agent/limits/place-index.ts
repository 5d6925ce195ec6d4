import type { PlaceKey } from '#libs/bus/limit-stream.ts';

/** Places by subject and by call. */
export class PlaceIndex<P extends PlaceKey> {
  readonly #bySubject = new Map<string, P>();
  readonly #byOwner = new Map<string, Set<string>>();

  get size(): number {
    return this.#bySubject.size;
  }

  has(subject: string): boolean {
    return this.#bySubject.has(subject);
  }

  set(subject: string, place: P): void {
    this.#bySubject.set(subject, place);
    const { owner } = place;
    this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? new Set()).add(subject));
  }

  /** Returns the place that was removed. */
  delete(subject: string): P | undefined {
    const place = this.#bySubject.get(subject);
    if (place === undefined) return undefined;
    this.#bySubject.delete(subject);
    const subjects = this.#byOwner.get(place.owner);
    subjects?.delete(subject);
    if (subjects?.size === 0) this.#byOwner.delete(place.owner);
    return place;
  }

  /** The places of a call. */
  *of(owner: string): Generator<readonly [subject: string, place: P]> {
    for (const subject of this.#byOwner.get(owner) ?? []) {
      const place = this.#bySubject.get(subject);
      if (place !== undefined) yield [subject, place];
    }
  }

  /** The calls that have places. */
  owners(): Iterable<string> {
    return this.#byOwner.keys();
  }

  [Symbol.iterator](): Iterator<readonly [subject: string, place: P]> {
    return this.#bySubject.entries();
  }
}
