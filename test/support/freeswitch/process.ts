import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { ManagedProcess } from '#deploy/local/processes.ts';

const FOLDERS = ['conf', 'log', 'db', 'run', 'storage', 'cache', 'recordings', 'certs', 'temp'] as const;

function binary(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      const path = join(folder, 'freeswitch');
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** Whether there is a `freeswitch` on the PATH. */
export const freeswitchFound = (): boolean => binary() !== undefined;

/** The folders that a FreeSWITCH wants, all private. */
export async function makeFolders(root: string): Promise<void> {
  await Promise.all(FOLDERS.map((name) => mkdir(join(root, name), { recursive: true })));
}

/** One `freeswitch` in the foreground of a child process that ends with us; it finds its modules by itself. */
export class FreeSwitchProcess {
  readonly #child: ManagedProcess;
  readonly #root: string;
  #output = '';

  constructor(root: string) {
    const command = binary();
    if (command === undefined) throw new Error('there is no freeswitch on the PATH');
    this.#root = root;
    const folders = FOLDERS.flatMap((name) => [`-${name}`, join(root, name)]);
    this.#child = new ManagedProcess({
      name: 'freeswitch',
      command,
      // -np: as root it would take real-time priority, and everything else would stand still while it starts.
      // -nocal: calibrating the clock takes tens of seconds when the cores are busy.
      args: ['-nonat', '-nf', '-nc', '-np', '-nocal', ...folders],
      deathSignal: 'SIGKILL',
      onLine: (line) => {
        this.#output = `${this.#output}${line}\n`.slice(-2000);
      },
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.running;
  }

  /** What it last said, for an error message. */
  tail(): string {
    let log = '';
    try {
      log = readFileSync(join(this.#root, 'log', 'freeswitch.log'), 'utf8').slice(-2000);
    } catch {}
    return `${this.#output}\n${log}`.trim();
  }

  /** Ends the process in order, by force when it does not end by itself. */
  stop(): Promise<void> {
    return this.#child.stop();
  }

  /** As a crash ends it. */
  kill(): Promise<void> {
    this.#child.signal('SIGKILL');
    return new Promise((resolve) => this.#child.onExit(() => resolve()));
  }
}
