import { Bus } from '#libs/bus/connection.ts';
import { runService } from '#libs/lifecycle/service.ts';
import { startAgent } from './agent.ts';
import { readAgentConfig } from './config.ts';

await runService(
  'agent',
  () => readAgentConfig(process.env),
  async (config, lifecycle, log) => {
    const bus = await Bus.connect(config, 'agent', lifecycle, log);
    await startAgent(config, bus, lifecycle, log);
  },
);
