import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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

  it('has the severity of each line where systemd connected the output to the journal, and only there', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dialhook-log-'));
    const lines = (name: string, args: readonly string[], journal: (fd: number) => string) => {
      const fd = openSync(join(folder, name), 'w');
      const env = { PATH: process.env['PATH'], JOURNAL_STREAM: journal(fd), HEALTH_PORT: 'x' };
      const { status } = spawnSync(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', fd, fd] });
      closeSync(fd);
      return { status, lines: readFileSync(join(folder, name), 'utf8').trim().split('\n') };
    };
    const streamOf = (fd: number) => `${fstatSync(fd).dev}:${fstatSync(fd).ino}`;
    const script = `
      import { createLog } from '${ROOT}/libs/telemetry/log.ts';
      const log = createLog('test', { level: 'debug' });
      for (const level of ['debug', 'info', 'warn', 'error', 'fatal']) log[level]('call.decided');`;
    const all = ['--input-type=module-typescript', '--eval', script];
    const journal = lines('journal', all, streamOf);
    const elsewhere = lines('elsewhere', all, (fd) => `${streamOf(fd)}1`);
    const refused = lines('refused', ['services/router/main.ts'], streamOf);
    rmSync(folder, { recursive: true });
    expect(journal.lines.map((line) => line.replace(/\{"level":"(\w+)".*\}$/, '$1'))).toEqual([
      '<7>debug',
      '<6>info',
      '<4>warn',
      '<3>error',
      '<2>fatal',
    ]);
    expect(elsewhere.lines.map((line) => (JSON.parse(line) as { level: string }).level)).toHaveLength(5);
    expect(refused).toMatchObject({
      status: 78,
      lines: [expect.stringMatching(/^<3>dialhook router: HEALTH_PORT/)],
    });
  });
});
