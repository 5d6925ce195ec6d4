import { Bus } from '#libs/bus/connection.ts';
import { runService } from '#libs/lifecycle/service.ts';
import { readNotifierConfig } from './config.ts';
import { startNotifier } from './notifier.ts';

await runService(
  'notifier',
  () => readNotifierConfig(process.env),
  async (config, lifecycle, log) => {
    const bus = await Bus.connect(config, 'notifier', lifecycle, log);
    startNotifier(config, bus, lifecycle, log);
  },
);
