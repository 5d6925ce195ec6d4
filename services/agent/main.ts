import { Bus } from '#libs/bus/connection.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { InboundConnection } from '#libs/esl/inbound.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { runService } from '#libs/lifecycle/service.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { type AgentConfig, readAgentConfig } from './config.ts';
import { Decider } from './decide.ts';
import { EVENTS } from './notification.ts';
import { Progress } from './progress.ts';

async function start(config: AgentConfig, lifecycle: Lifecycle, log: Log): Promise<void> {
  const bus = await Bus.connect(config.NATS_URL, 'agent', lifecycle, log);

  const progress = new Progress(bus, config, log);
  lifecycle.onStop('progress', () => progress.outbox.drain(AbortSignal.timeout(config.STOP_DEADLINE_MS / 2)));

  const events = new InboundConnection({
    host: config.FREESWITCH_HOST,
    port: config.FREESWITCH_PORT,
    user: config.FREESWITCH_USER,
    password: config.FREESWITCH_PASSWORD,
    events: EVENTS,
    filters: [[`variable_${CALL_VARIABLE}`, '/.+/']],
    onEvent: (event) => progress.take(event),
    onUp: () => log.info('freeswitch: listening to events'),
    onFault: (err) => log.error({ err }, 'freeswitch: an event was left out'),
    onDown: (err) => log.warn({ err }, 'freeswitch: no event socket; trying again'),
  });
  lifecycle.check('freeswitch', () => (events.up ? undefined : 'not logged in to the event socket'));
  lifecycle.onStop('event socket', () => events.close());

  const decider = new Decider(bus, config, log);
  const server = await OutboundServer.listen({
    host: config.SOCKET_HOST,
    port: config.SOCKET_PORT,
    onConnect: [{ application: 'export', data: `${CALL_VARIABLE}=\${uuid}` }],
    onCall: (call) => decider.handle(call),
    onError: (err) => log.error({ err }, 'a connection of the socket application failed'),
  });
  lifecycle.onStop('socket', () => server.close());
  log.info({ host: config.SOCKET_HOST, port: server.port }, 'taking calls');
}

await runService('agent', () => readAgentConfig(process.env), start);
