import { expect, it } from 'vitest';
import { failureKind } from '#libs/isolation/failure-kind.ts';

/** As ioredis reports it. */
const replyError = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

const inScript = (text: string): string =>
  `ERR Error running script (call to f_cf63a54c34e159e75e5a3fe4794bb2ea636ee005): @user_script:72: @user_script: 72: ${text}`;

it.each([
  // As Redis 6.2 and Redis 7 report them.
  [inScript("-READONLY You can't write against a read only replica."), 'server'],
  ["READONLY You can't write against a read only replica. script: f, on @user_script:72.", 'server'],
  [inScript("-OOM command not allowed when used memory > 'maxmemory'."), 'server'],
  ["OOM command not allowed when used memory > 'maxmemory'. script: f, on @user_script:72.", 'server'],
  [inScript('-MISCONF Errors writing to the AOF file: No space left on device'), 'server'],
  [inScript('-NOREPLICAS Not enough good replicas to write.'), 'server'],
  ['LOADING Redis is loading the dataset in memory', 'server'],
  [inScript('-WRONGTYPE Operation against a key holding the wrong kind of value'), 'permanent'],
  [
    'WRONGTYPE Operation against a key holding the wrong kind of value script: f, on @user_script:72.',
    'permanent',
  ],
  [inScript('-ERR value is not an integer or out of range'), 'permanent'],
  [inScript('attempt to compare nil with number'), 'permanent'],
  ['ERR user_script:1: Expected value but found invalid token at character 1', 'permanent'],
])('the reply of Redis %j is a failure of the kind %s', (message, kind) => {
  expect(failureKind(replyError(message))).toBe(kind);
});
