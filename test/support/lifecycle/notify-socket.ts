import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

/** Node has no Unix datagram sockets; perl is part of every Debian. */
const RECEIVE = `
  my $socket; socket($socket, AF_UNIX, SOCK_DGRAM, 0) && bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
  $| = 1; print "listening\\n";
  while (defined recv($socket, my $message, 65536, 0)) { print "$message\\n" }`;

export const hasSystemdNotify = ['systemd-notify', 'perl'].every(
  (program) => spawnSync(program, ['--version']).error === undefined,
);

/** A socket as systemd has one, and the lines that it has received. Closed when the test has finished. */
export async function notifySocket(): Promise<{ path: string; received: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'dialhook-notify-'));
  const path = join(folder, 'notify');
  const perl = spawn('perl', ['-MSocket', '-e', RECEIVE, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    perl.kill();
    rmSync(folder, { recursive: true });
  });
  const received: string[] = [];
  const lines = createInterface(perl.stdout);
  await once(lines, 'line');
  // BARRIER=1: systemd-notify waits until its message has been read.
  lines.on('line', (line) => line === 'BARRIER=1' || received.push(line));
  return { path, received };
}
