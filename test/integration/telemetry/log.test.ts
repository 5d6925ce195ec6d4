import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLog } from '#libs/telemetry/log.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** What a process of its own writes that makes a log and then does `body`. */
function written(level: string, body: string): Record<string, unknown>[] {
  const script = `
    import { aboutCall, createLog } from '${ROOT}/libs/telemetry/log.ts';
    const log = createLog('test', { level: '${level}' });
    ${body}`;
  const options = ['--input-type=module-typescript', '--eval', script];
  const { stdout } = spawnSync(process.execPath, options, { encoding: 'utf8', cwd: ROOT });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('a log', () => {
  it('writes time, level, service, event and message', () => {
    expect(written('info', `log.debug('call.decided'); log.info('call.decided', { a: 1 });`)).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        service: 'test',
        event: 'call.decided',
        a: 1,
        message: 'call decided',
      },
    ]);
  });

  it('names the call, its trace and its node', () => {
    const uuid = 'e6ffd4ce-54f4-4cc9-8edf-ad14634e844f';
    expect(written('info', `log.info('call.decided', aboutCall('${uuid}', 'fs1'));`)).toMatchObject([
      { call: uuid, trace_id: uuid.replaceAll('-', ''), node: 'fs1', event: 'call.decided' },
    ]);
  });

  it('writes one line whatever reads it: a name has a line separator', async () => {
    const destination = new PassThrough();
    const log = createLog('test', { destination });
    log.info('call.decided', { from: 'a\u2028b\u2029c\nd' });
    destination.end();
    const lines: string[] = [];
    for await (const line of createInterface({ input: destination })) lines.push(line);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ from: 'a\u2028b\u2029c\nd' }]);
  });

  it('hides secrets', () => {
    const [line] = written(
      'info',
      `log.info('call.control', { login: { user: 'me', password: 'x', secret: 'y' } });`,
    );
    expect(line).toMatchObject({ login: { user: 'me', password: '[secret]', secret: '[secret]' } });
  });

  it('has written a line when the call returns, whatever becomes of the process', () => {
    for (let run = 0; run < 5; run++)
      expect(
        written('info', `log.info('service.stopping'); process.kill(process.pid, 'SIGKILL');`),
      ).toMatchObject([{ event: 'service.stopping' }]);
  });
});
