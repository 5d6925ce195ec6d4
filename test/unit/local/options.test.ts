import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '#deploy/local/options.ts';

describe('readOptions', () => {
  it('runs at two calls per second until Ctrl-C by default', () => {
    expect(readOptions([])).toEqual({
      calls: undefined,
      rate: 2,
      json: false,
      freeswitch: undefined,
      listen: { host: '127.0.0.1', port: 8084 },
      endpoint: undefined,
      help: false,
    });
  });

  it('reads a counted run', () => {
    expect(readOptions(['--calls', '200', '--rate', '50', '--json'])).toMatchObject({
      calls: 200,
      rate: 50,
      json: true,
    });
  });

  it('reads a real FreeSWITCH, an IPv6 address included', () => {
    expect(readOptions(['--freeswitch', '[::1]:8021', '--freeswitch-password', 'x']).freeswitch).toEqual({
      host: '::1',
      port: 8021,
      password: 'x',
    });
  });

  it.each([
    [['--calls', 'many'], '--calls must be a whole number from 1 to 1000000, not many'],
    [['--rate', '0'], '--rate must be'],
    [['--listen', '8084'], '--listen must be HOST:PORT'],
    [['--freeswitch', 'host:99999'], '--freeswitch must be a whole number from 1 to 65535'],
    [['--endpoint', 'ftp://x'], '--endpoint must start with http:// or https://'],
    [['--calls', '1', '--freeswitch', 'a:1'], 'cannot be combined with --freeswitch'],
    [['--nonsense'], 'nonsense'],
  ])('refuses %j with a message', (args, words) => {
    expect(() => readOptions(args)).toThrow(UsageError);
    expect(() => readOptions(args)).toThrow(words);
  });
});
