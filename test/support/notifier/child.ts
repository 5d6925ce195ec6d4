import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The notifier as operators run it: a process of its own. */
export interface NotifierProcess {
  /** SIGKILL: it can put nothing in order. */
  kill(): Promise<void>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
  [Symbol.asyncDispose](): Promise<void>;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, 'exit');
  }
  return child.exitCode;
}

/** Starts it and waits until it says that it has. */
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
    if (line.includes('"message":"started"')) resolve();
  });
  await started;
  return {
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await end(child, 'SIGKILL')),
  };
}
