import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { commonSettings, port } from '#libs/config/settings.ts';
import { runService } from '#libs/lifecycle/service.ts';

/** A service that does nothing but what its HOW says; run as a process of its own by the tests. */
const Settings = z.object({ ...commonSettings, HEALTH_PORT: port().default(0), HOW: z.string().default('') });

await runService(
  'example',
  () => readConfig(Settings, process.env),
  async ({ HOW }, lifecycle, log) => {
    lifecycle.onStop('first', () => log.info('service.stopping', { step: 'first' }));
    lifecycle.onStop('second', () => {
      log.info('service.stopping', { step: 'second' });
      if (HOW === 'faulty stop') throw new Error('a step');
      return HOW === 'endless stop' ? new Promise(() => {}) : undefined;
    });
    if (HOW === 'unready until SIGHUP') {
      let state: string | undefined = 'not connected';
      lifecycle.check('part', () => state);
      process.on('SIGHUP', () => {
        state = undefined;
      });
    }
    if (HOW === 'fault at start') throw new Error('at start');
    if (HOW === 'uncaught')
      setImmediate(() => {
        throw new Error('uncaught');
      });
    if (HOW === 'unhandled') Promise.withResolvers().reject(new Error('unhandled'));
    process.on('SIGUSR2', () => log.info('service.started', lifecycle.health()));
    setInterval(() => {}, 60_000);
  },
);
