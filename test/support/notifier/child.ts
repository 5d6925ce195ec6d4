import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A notifier in a process of its own, as operators run it. */
export interface NotifierProcess {
  /** Sends SIGKILL. */
  kill(): Promise<void>;
  /** Sends SIGTERM. @returns the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGSTOP. */
  freeze(): void;
  thaw(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, 'exit');
  }
  return child.exitCode;
}

/** Starts it and waits until it has logged that it started. */
export async function startNotifierProcess(env: Readonly<Record<string, string>>): Promise<NotifierProcess> {
  const child = spawn(process.execPath, ['services/notifier/main.ts'], {
    env: { ...process.env, ...env, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { promise: started, resolve, reject } = Promise.withResolvers<void>();
  child.once('error', reject);
  child.once('exit', (code) => reject(new Error(`the notifier ended with ${code}`)));
  createInterface(child.stdout).on('line', (line) => {
    if (process.env['TEST_LOG']) console.log(line);
    if (line.includes('"event":"service.started"')) resolve();
  });
  await started;
  return {
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    [Symbol.asyncDispose]: async () => void (await end(child, 'SIGKILL')),
  };
}
