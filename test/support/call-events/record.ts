/**
 * Records what FreeSWITCH reports of each story to an agent's event socket, for the tests of the call model:
 *
 *     node test/support/call-events/record.ts
 *
 * Needs freeswitch on the PATH. Of each event it keeps what the agent reads.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACTIONS } from '#libs/contract/endpoint.ts';
import { EVENTS, FILTERS, OPTIONAL_EVENTS } from '#services/agent/call/leg-event.ts';
import { LifeHarness } from '#test/support/cases/life/harness.ts';
import { tell } from '#test/support/cases/life/stories.ts';
import { startTestCluster } from '#test/support/cases/stack.ts';
import { realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { type Event, EventSocket } from '#test/support/freeswitch/event-socket.ts';
import { until } from '#test/support/until.ts';
import { fixturePath, keptHeaders } from './fixtures.ts';
import { STORIES } from './stories.ts';

const isHangup = (event: Event): boolean => event['Event-Name'] === 'CHANNEL_HANGUP_COMPLETE';

const freeswitch = await realCaseNode({ trackCalls: true });
const cluster = await startTestCluster(freeswitch);
const events: Event[] = [];
const { eventSocket } = freeswitch;
const socket = await EventSocket.login(eventSocket, `auth ${eventSocket.password}`, (one) =>
  events.push(one),
);
for (const [name, value] of FILTERS) await socket.send(`filter ${name} ${value}`);
await socket.send(`event json ${[...EVENTS, ...OPTIONAL_EVENTS].join(' ')}`);

const only = process.argv.slice(2);
for (const story of STORIES) {
  if (only.length > 0 && !only.includes(story.name)) continue;
  events.length = 0;
  await tell(story, new LifeHarness(freeswitch, cluster, () => cluster.endpoint()), ACTIONS);
  const calls = Object.keys(story.expect).length;
  await until('the calls have ended', () => {
    const callers = events.filter(
      (one) => isHangup(one) && one['Unique-ID'] === one['variable_dialhook_call'],
    );
    return callers.length >= calls;
  });
  // Legs that end after the caller: after a transfer, or of a phone that picked up.
  await sleep(500);
  const path = fixturePath(story.name);
  mkdirSync(new URL('.', path), { recursive: true });
  writeFileSync(path, `${events.map((event) => JSON.stringify(keptHeaders(event))).join('\n')}\n`);
  console.log(`${story.name}: ${events.length} events`);
}
socket.close();
await cluster.stop();
await freeswitch.stop();
