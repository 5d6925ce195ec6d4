import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { jsonLine } from '#libs/json/json-line.ts';

it.each(['a\u2028b', '\u2029', 'a\r\nb\u2028', '\u0085', '张三'])('%j is one line', async (text) => {
  const lines: string[] = [];
  for await (const line of createInterface({ input: Readable.from([`${jsonLine({ text })}\n`]) }))
    lines.push(line);
  expect(lines.map((line) => JSON.parse(line))).toEqual([{ text }]);
});
