import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SilenceDetector } from '#libs/esl/silence-detector.ts';

describe('SilenceDetector', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function start() {
    const seen = { frames: 0, pings: 0, silences: 0 };
    const detector = new SilenceDetector({
      limitMs: 400,
      received: () => seen.frames,
      ping: () => seen.pings++,
      onSilence: () => seen.silences++,
    });
    return { seen, detector };
  }

  it('sends no ping while frames arrive', () => {
    const { seen } = start();
    for (let n = 0; n < 20; n++) {
      seen.frames++;
      vi.advanceTimersByTime(100);
    }
    expect(seen).toMatchObject({ pings: 0, silences: 0 });
  });

  it('sends pings when no frame arrives, until one does', () => {
    const { seen } = start();
    vi.advanceTimersByTime(300);
    expect(seen).toMatchObject({ pings: 3, silences: 0 });
    seen.frames++;
    vi.advanceTimersByTime(100);
    expect(seen).toMatchObject({ pings: 3, silences: 0 });
  });

  it('reports silence at the limit, and nothing after close', () => {
    const { seen, detector } = start();
    vi.advanceTimersByTime(400);
    expect(seen).toMatchObject({ pings: 3, silences: 1 });
    detector.close();
    vi.advanceTimersByTime(4_000);
    expect(seen).toMatchObject({ pings: 3, silences: 1 });
  });
});
