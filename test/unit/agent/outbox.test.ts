import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Outbox, type OutboxOptions } from '#services/agent/outbox.ts';
import { until } from '#test/support/until.ts';

/** `call` and `number`; `!` behind it when urgent. */
type Item = `${string}.${number}${'' | '!'}`;

interface Attempt {
  readonly item: Item;
  readonly taken: () => void;
  readonly failed: (error: Error) => void;
}

/** A bus that does nothing of its own: every attempt waits for the test to say how it ends. */
function outbox(options: Partial<OutboxOptions<Item>> = {}) {
  const attempts: Attempt[] = [];
  const dropped: string[] = [];
  const failures: string[] = [];
  const box = new Outbox<Item>({
    callOf: (item) => item.split('.', 1)[0] ?? '',
    urgent: (item) => item.endsWith('!'),
    publish: (item) =>
      new Promise((resolve, reject) => {
        attempts.push({ item, taken: resolve, failed: reject });
      }),
    limit: 100,
    onDropped: (item, count) => dropped.push(`${item} ${count}`),
    onFailed: (error, held) => failures.push(`${error.message} ${held}`),
    ...options,
  });
  return { box, attempts, dropped, failures, tried: () => attempts.map(({ item }) => item) };
}

const never = () => new AbortController().signal;

describe('Outbox', () => {
  it('publishes the items of one call one after the other, those of others at once', async () => {
    const { box, attempts, tried } = outbox();
    for (const item of ['a.1', 'a.2', 'b.1', 'a.3'] as const) box.add(item);
    expect(tried()).toEqual(['a.1', 'b.1']);
    expect(box.held).toBe(4);
    attempts[0]?.taken();
    await until(() => attempts.length === 3);
    expect(tried()).toEqual(['a.1', 'b.1', 'a.2']);
    attempts[2]?.taken();
    await until(() => attempts.length === 4);
    attempts[3]?.taken();
    attempts[1]?.taken();
    await box.drain(never());
    expect(tried()).toEqual(['a.1', 'b.1', 'a.2', 'a.3']);
    expect(box.held).toBe(0);
  });

  it('begins anew with a call that has nothing held any more', async () => {
    const { box, attempts, tried } = outbox();
    box.add('a.1');
    attempts[0]?.taken();
    await box.drain(never());
    box.add('a.2');
    expect(tried()).toEqual(['a.1', 'a.2']);
    attempts[1]?.taken();
    await box.drain(never());
  });

  it('tries again after a failure, before anything later of the call, and tells of the first', async () => {
    const { box, attempts, failures, tried } = outbox();
    box.add('a.1');
    box.add('a.2');
    attempts[0]?.failed(new Error('timeout'));
    await until(() => attempts.length === 2);
    attempts[1]?.failed(new Error('timeout again'));
    await until(() => attempts.length === 3);
    attempts[2]?.taken();
    await until(() => attempts.length === 4);
    attempts[3]?.taken();
    await box.drain(never());
    expect(tried()).toEqual(['a.1', 'a.1', 'a.1', 'a.2']);
    expect(failures).toEqual(['timeout 2']);
  });

  it('drops and counts what is beyond its limit, with a reserve for what is urgent', async () => {
    const { box, attempts, dropped } = outbox({ limit: 4 });
    for (const item of ['a.1', 'b.1', 'c.1!', 'd.1', 'e.1', 'f.1!', 'g.1!', 'a.2'] as const) box.add(item);
    expect(dropped).toEqual(['e.1 1', 'g.1! 2', 'a.2 3']);
    expect([box.held, box.dropped]).toEqual([5, 3]);
    for (const { taken } of attempts) taken();
    await until(() => box.held === 0);
    box.add('a.3');
    expect(attempts.at(-1)?.item).toBe('a.3');
    expect(box.dropped).toBe(3);
    attempts.at(-1)?.taken();
    await box.drain(never());
  });

  it('drains what is added while it drains', async () => {
    const { box, attempts } = outbox();
    box.add('a.1');
    let drained = false;
    const draining = box.drain(never()).then(() => {
      drained = true;
    });
    box.add('b.1');
    attempts[0]?.taken();
    await turn();
    expect(drained).toBe(false);
    attempts[1]?.taken();
    await draining;
  });

  it('has nothing to drain when nothing is held', async () => {
    await outbox().box.drain(never());
  });

  it('gives up what is left when draining is called off', async () => {
    const { box, attempts } = outbox();
    const cancel = new AbortController();
    box.add('a.1');
    box.add('a.2');
    const draining = box.drain(cancel.signal);
    attempts[0]?.failed(new Error('no bus'));
    await turn();
    cancel.abort();
    await draining;
    expect(attempts).toHaveLength(1);
  });

  it('gives up at once when draining was called off before it began', async () => {
    const { box, attempts } = outbox();
    box.add('a.1');
    attempts[0]?.failed(new Error('no bus'));
    await box.drain(AbortSignal.abort());
    expect(attempts).toHaveLength(1);
  });

  it('waits for many calls without a warning of leaked listeners', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const cancel = new AbortController();
    const { box, attempts } = outbox({ limit: 1_000 });
    for (let n = 0; n < 500; n++) box.add(`call${n}.1`);
    for (const { failed } of attempts) failed(new Error('no bus'));
    await turn();
    const draining = box.drain(cancel.signal);
    cancel.abort();
    await draining;
    await turn();
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});
