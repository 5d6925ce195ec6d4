import { describe, expect, test } from 'vitest';
import { names, node, run, useNode } from '#test/support/simulator/run-call.ts';

useNode();

describe('applications', () => {
  test('set expands its value again, even if expansion is disabled', async () => {
    const { variables } = await run([
      'set a=1',
      'set app_disable_expand_variables=true',
      `set b=\${a}`,
      `export c=\${a}`,
      'export nolocal:d=x',
      'set e',
      'set f,1',
      'unset a',
      'set g=',
    ]);
    expect(variables).toMatchObject({
      b: '1',
      c: `\${a}`,
      'nolocal:d': 'x',
      f: '1',
      export_vars: 'c,nolocal:d',
    });
    for (const name of ['a', 'd', 'e', 'g']) expect(variables).not.toHaveProperty(name);
  });

  test('an expansion runs API commands unless it is disabled; set runs them in any case', async () => {
    await run([
      `log \${system(one)}`,
      'set app_disable_expand_variables=true',
      `log \${system(two)}`,
      `set a=\${system(three)}`,
    ]);
    expect(node.ranApis).toEqual(['system(one)', 'system(three)']);
  });

  test('an expansion may run sofia_contact', async () => {
    const { variables } = await run([`set a=\${sofia_contact(*/1000@127.0.0.1)}`]);
    expect(variables).toMatchObject({ a: 'sofia/internal/sip:1000@10.0.0.9:5060' });
    expect(node.ranApis).toEqual([]);
  });

  test.each([
    ['hangup', 'NORMAL_CLEARING', 480],
    ['hangup 17', 'USER_BUSY', 486],
    ['hangup no_route_destination', 'NO_ROUTE_DESTINATION', 404],
    ['respond 503', 'NORMAL_TEMPORARY_FAILURE', 503],
    ['respond 499 No', 'NORMAL_UNSPECIFIED', 499],
    ['nonsense', 'DESTINATION_OUT_OF_ORDER', 502],
  ])('%s', async (application, cause, status) => {
    expect(await run([application, 'set never=1'])).toMatchObject({ cause, status, reason: cause });
  });

  test('the call ends when no application is left', async () => {
    expect(await run([])).toMatchObject({ cause: 'NORMAL_CLEARING', status: 480 });
  });

  test('the caller sees the last status sent', async () => {
    expect(await run(['answer', 'hangup 17'])).toMatchObject({
      status: 200,
      reason: undefined,
      cause: 'USER_BUSY',
    });
    expect(await run(['ring_ready', 'playback x', 'sleep 10'])).toMatchObject({ status: 480 });
  });

  test('the caller can hang up during sleep', async () => {
    const record = await run(['sleep 1000000', 'set never=1'], {}, { cancelAt: 100 });
    expect(record).toMatchObject({
      cause: 'ORIGINATOR_CANCEL',
      status: 487,
      progress: [{ action: 'hangup' }],
    });
    expect(names(record)).toEqual(['sleep']);
  });

  test('an answered caller cannot cancel', async () => {
    expect(await run(['answer', 'park'], {}, { cancelAt: 0, byeAt: 100 })).toMatchObject({ status: 200 });
  });
});
