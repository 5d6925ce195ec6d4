import { Bus } from '#libs/bus/connection.ts';
import { runService } from '#libs/lifecycle/service.ts';
import { readRouterConfig } from './config.ts';
import { startRouter } from './router.ts';

await runService(
  'router',
  () => readRouterConfig(process.env),
  async (config, lifecycle, log) => {
    const bus = await Bus.connect(config, 'router', lifecycle, log);
    startRouter(config, bus, lifecycle, log);
  },
);
