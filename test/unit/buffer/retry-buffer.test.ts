import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Refusals } from '#libs/buffer/refusals.ts';
import { RetryBuffer, type RetryBufferOptions } from '#libs/buffer/retry-buffer.ts';
import { until } from '#test/support/until.ts';

/** KEY.NUMBER, with a `!` when urgent. */
type Item = `${string}.${number}${'' | '!'}`;

interface Attempt {
  readonly item: Item;
  readonly accept: () => void;
  readonly fail: (error: Error) => void;
}

/** A buffer whose sends wait until the test ends them. */
function bufferWith(options: Partial<RetryBufferOptions<Item>> = {}) {
  const attempts: Attempt[] = [];
  const dropped: string[] = [];
  const failures: string[] = [];
  const aside: string[] = [];
  const outages: string[] = [];
  const buffer = new RetryBuffer<Item>({
    keyOf: (item) => item.split('.', 1)[0] ?? '',
    isUrgent: (item) => item.endsWith('!'),
    send: (item) =>
      new Promise((resolve, reject) => {
        attempts.push({ item, accept: resolve, fail: reject });
      }),
    limit: 100,
    onDropped: (item, count) => dropped.push(`${item} ${count}`),
    onSetAside: (item, error) => aside.push(`${item} ${error.message}`),
    onFailed: (error) => failures.push(error.message),
    onOutage: (error) => outages.push(error.message),
    onRestored: (outage) => outages.push(`restored after ${outage.failures}`),
    ...options,
  });
  return {
    buffer,
    attempts,
    dropped,
    failures,
    aside,
    outages,
    sent: () => attempts.map(({ item }) => item),
  };
}

const never = () => new AbortController().signal;

describe('RetryBuffer', () => {
  it('sends the items of one key in order and those of other keys at once', async () => {
    const { buffer, attempts, sent } = bufferWith();
    for (const item of ['a.1', 'a.2', 'b.1', 'a.3'] as const) buffer.add(item);
    expect(sent()).toEqual(['a.1', 'b.1']);
    expect(buffer.size).toBe(4);
    attempts[0]?.accept();
    await until(() => attempts.length === 3);
    expect(sent()).toEqual(['a.1', 'b.1', 'a.2']);
    attempts[2]?.accept();
    await until(() => attempts.length === 4);
    attempts[3]?.accept();
    attempts[1]?.accept();
    await buffer.drain(never());
    expect(sent()).toEqual(['a.1', 'b.1', 'a.2', 'a.3']);
    expect(buffer.size).toBe(0);
  });

  it('sends again for a key that was emptied', async () => {
    const { buffer, attempts, sent } = bufferWith();
    buffer.add('a.1');
    attempts[0]?.accept();
    await buffer.settled('a');
    expect(buffer.has('a')).toBe(false);
    buffer.add('a.2');
    expect([buffer.has('a'), sent()]).toEqual([true, ['a.1', 'a.2']]);
    attempts[1]?.accept();
    await buffer.drain(never());
  });

  it('retries a failed item before later items of its key', async () => {
    const { buffer, attempts, failures, sent } = bufferWith();
    buffer.add('a.1');
    buffer.add('a.2');
    attempts[0]?.fail(new Error('timeout'));
    await until(() => attempts.length === 2);
    attempts[1]?.fail(new Error('timeout'));
    await until(() => attempts.length === 3);
    attempts[2]?.accept();
    await until(() => attempts.length === 4);
    attempts[3]?.fail(new Error('full'));
    await until(() => attempts.length === 5);
    attempts[4]?.accept();
    await buffer.drain(never());
    expect(sent()).toEqual(['a.1', 'a.1', 'a.1', 'a.2', 'a.2']);
    expect(failures).toEqual(['timeout', 'timeout', 'full']);
  });

  it('drops and counts items beyond the limit, with a reserve for urgent ones', async () => {
    const { buffer, attempts, dropped } = bufferWith({ limit: 4 });
    for (const item of ['a.1', 'b.1', 'c.1!', 'd.1', 'e.1', 'f.1!', 'g.1!', 'a.2'] as const) buffer.add(item);
    expect(dropped).toEqual(['e.1 1', 'g.1! 2', 'a.2 3']);
    expect([buffer.size, buffer.dropped]).toEqual([5, 3]);
    for (const { accept } of attempts) accept();
    await until(() => buffer.size === 0);
    buffer.add('a.3');
    expect(attempts.at(-1)?.item).toBe('a.3');
    expect(buffer.dropped).toBe(3);
    attempts.at(-1)?.accept();
    await buffer.drain(never());
  });

  it('sends no more items at once than allowed, those of waiting keys first come first served', async () => {
    const { buffer, attempts, sent } = bufferWith({ maxInFlight: 2 });
    for (const item of ['a.1', 'b.1', 'c.1', 'd.1', 'a.2'] as const) buffer.add(item);
    expect(sent()).toEqual(['a.1', 'b.1']);
    for (let next = 0; next < 5; next++) {
      await until(() => attempts.length > next);
      attempts[next]?.accept();
    }
    await buffer.drain(never());
    expect(sent()).toEqual(['a.1', 'b.1', 'c.1', 'd.1', 'a.2']);
  });

  it('resolves `attempted` when the send of the key has ended, also when it had to wait for others', async () => {
    const { buffer, attempts } = bufferWith({ maxInFlight: 1 });
    const ended: string[] = [];
    const attempted = (key: string) => buffer.attempted(key).then(() => void ended.push(key));
    for (const item of ['a.1', 'b.1', 'c.1'] as const) buffer.add(item);
    const all = ['a', 'b', 'c'].map(attempted);
    await attempted('none');
    await turn();
    expect(ended).toEqual(['none']);
    attempts[0]?.accept();
    await until(() => attempts.length === 2);
    await turn();
    expect(ended).toEqual(['none', 'a']);
    attempts[1]?.accept();
    await until(() => attempts.length === 3);
    attempts[2]?.accept();
    await Promise.all(all);
    await buffer.drain(never());
  });

  it('resolves `attempted` in an outage at once for a key whose send has to wait for others', async () => {
    const { buffer, attempts } = bufferWith({ maxInFlight: 1 });
    for (const item of ['a.1', 'b.1', 'c.1'] as const) buffer.add(item);
    const waiting = buffer.attempted('c');
    attempts[0]?.fail(new Error('timeout'));
    await waiting;
    buffer.add('d.1');
    await buffer.attempted('d');
    expect(buffer.has('d')).toBe(true);
    expect(attempts.length).toBe(2);
    await buffer.drain(AbortSignal.abort());
  });

  it('reports an outage once, and its end when every failed item is accepted', async () => {
    const { buffer, attempts, outages } = bufferWith({ isExpected: ({ message }) => message === 'expected' });
    for (const item of ['a.1', 'b.1', 'c.1'] as const) buffer.add(item);
    attempts[2]?.fail(new Error('expected'));
    await buffer.attempted('c');
    expect([buffer.trouble, outages]).toEqual([undefined, []]);
    attempts[0]?.fail(new Error('timeout'));
    await buffer.attempted('a');
    attempts[1]?.fail(new Error('full'));
    await buffer.attempted('b');
    expect([buffer.trouble, outages]).toEqual(['full', ['timeout']]);
    await until(() => attempts.length === 6);
    const [, , , c, a, b] = attempts;
    expect([c?.item, a?.item, b?.item]).toEqual(['c.1', 'a.1', 'b.1']);
    c?.accept();
    a?.accept();
    await buffer.settled('a');
    expect([buffer.trouble, outages]).toEqual(['full', ['timeout']]);
    b?.accept();
    await buffer.drain(never());
    expect([buffer.trouble, outages]).toEqual([undefined, ['timeout', 'restored after 2']]);
  });

  it('stays in an outage until an item is accepted, also when those that failed are discarded', async () => {
    const { buffer, attempts, outages } = bufferWith();
    buffer.add('a.1');
    attempts[0]?.fail(new Error('timeout'));
    await buffer.attempted('a');
    expect(buffer.discard('a')).toBe(true);
    expect(buffer.trouble).toBe('timeout');
    buffer.add('b.1');
    attempts[1]?.accept();
    await buffer.drain(never());
    expect([buffer.trouble, outages]).toEqual([undefined, ['timeout', 'restored after 1']]);
  });

  it('probes with few items in an outage, and sends all as soon as one is accepted', async () => {
    const { buffer, attempts, failures, sent } = bufferWith();
    const items = Array.from({ length: 40 }, (_, n): Item => `k${n}.1`);
    for (const item of items) buffer.add(item);
    for (const { fail } of attempts) fail(new Error('timeout'));
    await until(() => failures.length === 40);
    await until(() => attempts.length > 40);
    expect(sent().slice(40)).toEqual(items.slice(0, 16));
    attempts[40]?.accept();
    await until(() => attempts.length === 80);
    expect(sent().slice(56)).toEqual(items.slice(16));
    for (const { accept } of attempts.slice(41)) accept();
    await buffer.drain(never());
    expect(sent()).toHaveLength(80);
  });

  it('retries all failed items at once when told to', async () => {
    const { buffer, attempts, failures } = bufferWith();
    for (let n = 0; n < 40; n++) buffer.add(`k${n}.1`);
    for (const { fail } of attempts) fail(new Error('not connected'));
    await until(() => failures.length === 40);
    buffer.retry();
    expect(attempts).toHaveLength(80);
    for (const { accept } of attempts.slice(40)) accept();
    await buffer.drain(never());
  });

  describe('with `merge`', () => {
    const merge = (_: Item, newer: Item) => newer;

    it('keeps only the newest waiting item of a key', async () => {
      const { buffer, attempts, sent } = bufferWith({ merge });
      for (const item of ['a.1', 'a.2', 'a.3'] as const) buffer.add(item);
      expect([buffer.size, buffer.waiting('a')]).toEqual([2, 'a.3']);
      attempts[0]?.accept();
      await until(() => attempts.length === 2);
      attempts[1]?.accept();
      await buffer.drain(never());
      expect(sent()).toEqual(['a.1', 'a.3']);
    });

    it('replaces a failed item by a newer one, whatever the limit', async () => {
      const { buffer, attempts, dropped, sent } = bufferWith({ merge, limit: 1 });
      buffer.add('a.1');
      attempts[0]?.fail(new Error('timeout'));
      await buffer.attempted('a');
      buffer.add('a.2');
      buffer.add('a.3');
      expect(buffer.size).toBe(1);
      await until(() => attempts.length === 2);
      attempts[1]?.accept();
      await buffer.drain(never());
      expect([sent(), dropped]).toEqual([['a.1', 'a.3'], []]);
    });

    it('replaces a failed item by one that was added during the attempt', async () => {
      const { buffer, attempts, sent } = bufferWith({ merge });
      buffer.add('a.1');
      buffer.add('a.2');
      attempts[0]?.fail(new Error('timeout'));
      await until(() => attempts.length === 2);
      expect(buffer.size).toBe(1);
      attempts[1]?.accept();
      await buffer.drain(never());
      expect(sent()).toEqual(['a.1', 'a.2']);
    });

    it('discards the items of a key unless one is in flight', async () => {
      const { buffer, attempts } = bufferWith({ merge });
      buffer.add('a.1');
      expect(buffer.discard('a')).toBe(false);
      attempts[0]?.fail(new Error('timeout'));
      await buffer.attempted('a');
      expect([buffer.discard('a'), buffer.discard('a'), buffer.size]).toEqual([true, false, 0]);
      await buffer.drain(never());
      expect(attempts).toHaveLength(1);
    });
  });

  describe('drain', () => {
    it('waits for items that are added meanwhile', async () => {
      const { buffer, attempts } = bufferWith();
      buffer.add('a.1');
      let drained = false;
      const draining = buffer.drain(never()).then(() => {
        drained = true;
      });
      buffer.add('b.1');
      attempts[0]?.accept();
      await turn();
      expect(drained).toBe(false);
      attempts[1]?.accept();
      await draining;
    });

    it('resolves at once when nothing is buffered, and closes the buffer', async () => {
      const { buffer, attempts } = bufferWith();
      await buffer.drain(never());
      buffer.add('a.1');
      expect([attempts.length, buffer.size]).toEqual([0, 0]);
    });

    it('drops the remaining items when cancelled', async () => {
      const { buffer, attempts } = bufferWith();
      const cancel = new AbortController();
      buffer.add('a.1');
      buffer.add('a.2');
      const settled = buffer.settled('a');
      const draining = buffer.drain(cancel.signal);
      attempts[0]?.fail(new Error('not connected'));
      await turn();
      cancel.abort();
      await draining;
      await settled;
      expect([attempts.length, buffer.size]).toEqual([1, 0]);
    });

    it('drops all items, also one in flight, when cancelled before it began', async () => {
      const { buffer, attempts, failures } = bufferWith();
      buffer.add('a.1');
      buffer.add('b.1');
      attempts[0]?.fail(new Error('not connected'));
      await turn();
      await buffer.drain(AbortSignal.abort());
      attempts[1]?.fail(new Error('late'));
      await turn();
      expect([attempts.length, failures]).toEqual([2, ['not connected']]);
    });
  });
});

describe('an item that cannot be sent', () => {
  it('is set aside at its first failure when its error is permanent; the next one of its key follows', async () => {
    const { buffer, attempts, aside, outages, sent } = bufferWith();
    for (const item of ['a.1', 'a.2', 'b.1'] as const) buffer.add(item);
    attempts[0]?.fail(new RangeError('Invalid time value'));
    await until(() => attempts.length === 3);
    expect(aside).toEqual(['a.1 Invalid time value']);
    expect(sent()).toEqual(['a.1', 'b.1', 'a.2']);
    for (const attempt of attempts) attempt.accept();
    await buffer.drain(never());
    expect(outages).toEqual([]);
    expect(buffer.size).toBe(0);
  });
});

describe('Refusals', () => {
  const error = new Error('the connection was closed');

  it('blames an item that fails 21 times and for 30 s while others are accepted', () => {
    const refusals = new Refusals();
    for (let n = 0; n < 20; n++) expect(refusals.add(error, n, n * 1_000)).toBe(false);
    expect(refusals.add(error, 21, 29_999)).toBe(false);
    expect(refusals.add(error, 22, 30_001)).toBe(true);
  });

  it('blames no item while nothing is accepted, or a server refuses by itself', () => {
    const refusals = new Refusals();
    const full = Object.assign(new Error('maximum bytes exceeded'), {
      name: 'JetStreamApiError',
      code: 10077,
    });
    for (let n = 0; n < 100; n++) {
      expect(refusals.add(error, 0, n * 10_000)).toBe(false);
      expect(refusals.add(full, n, n * 10_000)).toBe(false);
    }
  });
});
