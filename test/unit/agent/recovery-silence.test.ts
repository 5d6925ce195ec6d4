import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Silence } from '#libs/esl/silence.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function listen() {
  const seen = { bytes: 0, asked: 0, silent: 0 };
  const silence = new Silence({
    limitMs: 400,
    received: () => seen.bytes,
    ask: () => seen.asked++,
    onSilence: () => seen.silent++,
  });
  return { seen, silence };
}

it('asks nothing of a connection on which something comes', () => {
  const { seen } = listen();
  for (let n = 0; n < 20; n++) {
    seen.bytes++;
    vi.advanceTimersByTime(100);
  }
  expect(seen).toMatchObject({ asked: 0, silent: 0 });
});

it('asks where nothing comes, and any answer will do', () => {
  const { seen } = listen();
  vi.advanceTimersByTime(300);
  expect(seen).toMatchObject({ asked: 3, silent: 0 });
  seen.bytes++;
  vi.advanceTimersByTime(100);
  expect(seen).toMatchObject({ asked: 3, silent: 0 });
});

it('tells of silence when the limit is over, and nothing once closed', () => {
  const { seen, silence } = listen();
  vi.advanceTimersByTime(400);
  expect(seen).toMatchObject({ asked: 3, silent: 1 });
  silence.close();
  vi.advanceTimersByTime(4_000);
  expect(seen).toMatchObject({ asked: 3, silent: 1 });
});
