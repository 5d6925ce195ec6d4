import { Bus } from '#libs/bus/connection.ts';
import { runService } from '#libs/lifecycle/service.ts';
import { readConsoleConfig } from './config.ts';
import { startConsole } from './console.ts';

await runService(
  'console',
  () => readConsoleConfig(process.env),
  async (config, lifecycle, log) => {
    const bus = await Bus.connect(config, 'console', lifecycle, log);
    await startConsole(config, bus, lifecycle, log);
  },
);
