import { integer } from '#libs/simulator/switch/switch-strings.ts';
import type { CallThread } from './call-thread.ts';
import { soundMs } from './sound.ts';

const MIN_TIMEOUT_MS = 1000;

/**
 * The application `read MIN MAX PROMPT VARIABLE TIMEOUT TERMINATORS DIGIT_TIMEOUT` (switch_ivr_read in
 * switch_ivr_play_say.c). The first digit ends the prompt.
 */
export async function readDigits(thread: CallThread, data: string): Promise<void> {
  const [least, most, prompt = '', name = '', timeout, terminators = '#', digitTimeout] = data.split(' ');
  const { channel } = thread.leg;
  const min = Math.max(1, integer(least));
  const max = Math.max(min, integer(most));
  const firstMs = Math.max(MIN_TIMEOUT_MS, integer(timeout));
  thread.leg.preAnswer();
  channel.set('read_result', undefined);
  channel.set(name, undefined);
  const { digits, end } = await collect(thread, {
    ...{ max, terminators, promptMs: soundMs(prompt), firstMs },
    digitMs: integer(digitTimeout) || firstMs,
  });
  if (!channel.up) return;
  if (end.length === 1) channel.set('read_terminator_used', end);
  const isEnough = digits.length >= min;
  channel.set('read_result', isEnough ? (end === 'timeout' ? 'timeout' : 'success') : 'failure');
  if (digits !== '') channel.set(name, digits);
}

interface Collection {
  readonly max: number;
  readonly terminators: string;
  readonly promptMs: number;
  readonly firstMs: number;
  readonly digitMs: number;
}

/** Resolves with the digits, and with their terminator, `max`, `timeout` or `break`. */
function collect(
  { leg: { channel }, timers }: CallThread,
  { max, terminators, promptMs, firstMs, digitMs }: Collection,
): Promise<{ digits: string; end: string }> {
  return new Promise((resolve) => {
    let digits = '';
    let isEnded = false;
    let cancel: () => void = () => {};
    const ended = (end: string): void => {
      isEnded = true;
      cancel();
      for (const removeCallback of remove) removeCallback();
      resolve({ digits, end });
    };
    const wait = (ms: number): void => {
      cancel();
      cancel = timers.after(ms, () => ended('timeout'));
    };
    const takeDigits = (): void => {
      for (let digit = channel.dtmf.take(); digit !== undefined; digit = channel.dtmf.take()) {
        if (terminators.includes(digit)) ended(digit);
        else {
          digits += digit;
          if (digits.length >= max) ended('max');
          else wait(digitMs);
        }
        if (isEnded) return;
      }
    };
    const remove = [channel.onBreak(() => ended('break')), channel.dtmf.onDigit(takeDigits)];
    wait(promptMs + firstMs);
    takeDigits();
  });
}
