import { type Options, readOptions, USAGE, UsageError } from './options.ts';
import { runWithFreeSwitch } from './real.ts';
import { Screen } from './screen.ts';
import { runSimulated } from './simulated.ts';

const EXIT_USAGE = 64;

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}

async function main(options: Options): Promise<boolean> {
  const screen = new Screen(options.json ? process.stderr : process.stdout);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => stop.abort());
  try {
    const { freeswitch } = options;
    if (freeswitch) return await runWithFreeSwitch({ ...options, freeswitch }, screen, stop);
    return await runSimulated(options, screen, stop);
  } finally {
    screen.end();
  }
}

const options = optionsOrExit();
if (options.help) console.log(USAGE);
// Exit explicitly: after aborted connections Node 24 was seen to spin in its own cleanup permanently.
else process.exit((await main(options)) ? 0 : 1);
