import { expect, it } from 'vitest';
import { linesOf, widthOf } from '#services/console/page/label.js';

/** The room between two lanes of the sequence diagram. */
const ROOM = 114;

it.each([
  ['INVITE 95588', ['INVITE 95588']],
  ['hangup: NORMAL_CLEARING', ['hangup:', 'NORMAL_CLEARING']],
  ['answer, retry in 5 s', ['answer, retry in', '5 s']],
  ['NORMAL_TEMPORARY_FAILURE', ['NORMAL_TEMPORA…']],
  ['挂机：NORMAL_CLEARING', ['挂机：', 'NORMAL_CLEARING']],
  ['应答，1 分 30 秒 后重试', ['应答，1 分 30 秒', '后重试']],
  ['', ['']],
])('the label %j is drawn as %j', (text, lines) => {
  expect(linesOf(text, ROOM)).toEqual(lines);
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(ROOM);
});
