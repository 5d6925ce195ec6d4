import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('the packed endpoint library runs and type-checks outside the repository', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-pack-'));
  try {
    const source = join(import.meta.dirname, '../../../libs/endpoint');
    execFileSync('npm', ['pack', '--silent', '--pack-destination', dir], { cwd: source });
    const installed = join(dir, 'node_modules/dialhook-endpoint');
    await mkdir(installed, { recursive: true });
    execFileSync('tar', [
      '-xzf',
      join(dir, 'dialhook-endpoint-0.1.0.tgz'),
      '-C',
      installed,
      '--strip-components=1',
    ]);
    const program = `import { createEndpoint, type Decision } from 'dialhook-endpoint';
      import { verifyWebhook } from 'dialhook-endpoint/signature';
      const decision: Decision = { dial: { type: 'hangup', cause: 17 } };
      const handle = createEndpoint({ secrets: 'unsigned', request: (call) => (call.attempt === 1 ? decision : undefined),
        hangup: (end) => { if (!end.recovered) console.log(end.billable_ms); } });
      const post = (body: object) => handle(new Request('http://e/', { method: 'POST', body: JSON.stringify(body) }));
      console.log(typeof verifyWebhook, await (await post({ action: 'request', attempt: 1 })).text());
      await post({ action: 'hangup', billable_ms: 320 });`;
    await writeFile(join(dir, 'program.ts'), program);
    await writeFile(join(dir, 'package.json'), '{"type": "module"}');
    const ran = spawnSync(process.execPath, ['program.ts'], { cwd: dir, encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    expect(ran.stdout).toBe('function {"dial":{"type":"hangup","cause":17}}\n320\n');

    const root = join(import.meta.dirname, '../../..');
    const types = join(root, 'node_modules/@types');
    const tsc = (file: string) =>
      spawnSync(
        join(root, 'node_modules/.bin/tsc'),
        [
          '--noEmit',
          '--strict',
          '--module',
          'nodenext',
          '--target',
          'es2024',
          '--typeRoots',
          types,
          '--types',
          'node',
          file,
        ],
        { cwd: dir, encoding: 'utf8' },
      ).stdout;
    expect(tsc('program.ts')).toBe('');
    await writeFile(join(dir, 'wrong.ts'), program.replace("type: 'hangup'", "type: 'hang up'"));
    expect(tsc('wrong.ts')).toContain('hang up');
  } finally {
    await rm(dir, { recursive: true });
  }
});
