import { describe, expect, it } from 'vitest';
import { readConsoleConfig } from '#services/console/config.ts';

const TOKEN = '0123456789abcdef';

describe('the settings of the console', () => {
  it('name each token, of either role', () => {
    const config = readConsoleConfig({
      CONSOLE_VIEWER_TOKENS: `wall:${TOKEN}1, support@night:${TOKEN}:2`,
      CONSOLE_OPERATOR_TOKENS: `ana:${TOKEN}3,ana:${TOKEN}4`,
    });
    expect(config.CONSOLE_VIEWER_TOKENS).toEqual([
      { name: 'wall', token: `${TOKEN}1` },
      { name: 'support@night', token: `${TOKEN}:2` },
    ]);
    expect(config.CONSOLE_OPERATOR_TOKENS.map(({ name }) => name)).toEqual(['ana', 'ana']);
  });

  it.each([
    ['otherwise no login is possible', {}],
    ['at least 16 characters', { CONSOLE_VIEWER_TOKENS: 'ana:short' }],
    ['must be NAME:TOKEN', { CONSOLE_VIEWER_TOKENS: TOKEN }],
    [
      'have a token in common',
      { CONSOLE_VIEWER_TOKENS: `a:${TOKEN}`, CONSOLE_OPERATOR_TOKENS: `b:${TOKEN}` },
    ],
    ['{trace_id}', { CONSOLE_VIEWER_TOKENS: `a:${TOKEN}`, TRACE_URL_TEMPLATE: 'http://grafana/' }],
    [
      '{trace_id}',
      { CONSOLE_VIEWER_TOKENS: `a:${TOKEN}`, TRACE_URL_TEMPLATE: 'javascript:alert(1)//{trace_id}' },
    ],
  ])('reports wrong values without the secret: %s', (words, env) => {
    const read = () => readConsoleConfig(env);
    expect(read).toThrow(words);
    expect(read).not.toThrow(TOKEN);
  });
});
