import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { EventSocket } from '#test/support/freeswitch/event-socket.ts';
import { until } from '#test/support/until.ts';

if (!freeswitchFound())
  console.log('test/e2e/freeswitch/directory-user: skipped, there is no freeswitch on the PATH');

/** An agent's login to the event socket with least rights, as docs/security.md gives it, and what it is worth. */
describe.skipIf(!freeswitchFound())('a directory user of a real FreeSWITCH', () => {
  let freeswitch: RealCaseNode;
  let user: EventSocket;

  beforeAll(async () => {
    freeswitch = await realCaseNode();
    const { host, port } = freeswitch.eventSocket;
    const { name, password } = freeswitch.user;
    user = await EventSocket.login(
      { host, port },
      `userauth ${name}@${freeswitch.domain}:${password}`,
      () => {},
    );
  });
  afterAll(async () => {
    user?.close();
    await freeswitch?.stop();
  });

  it.each([
    'api show channels as json',
    'api switchname',
    `api uuid_exists ${randomUUID()}`,
    'event json CHANNEL_ANSWER CHANNEL_HANGUP_COMPLETE',
  ])('may: %s', async (command) => {
    expect(await user.send(command)).not.toContain('-ERR');
  });

  it.each([
    'api status',
    'api system id',
    'api bg_system id',
    'api eval ${system(id)}',
    'api expand system id',
    'api uuid_kill x',
    'api originate null/x &park',
    'api global_setvar x=y',
    'api sched_api +1 none system id',
    'bgapi system id',
    'bgapi originate null/x &park',
    'bgapi bgapi system id',
    'event json ALL',
    'event json CHANNEL_CREATE',
    'log 7',
  ])('may not: %s', async (command) => {
    expect(await user.send(command)).toMatch(/-ERR|permission denied/i);
  });

  it.each(['uuid_getvar', 'uuid_kill', 'uuid_transfer'])(
    'may use %s when it is to control calls, and nothing else more',
    async (command) => {
      const { host, port } = freeswitch.eventSocket;
      const { name, password } = freeswitch.user;
      const login = `userauth ${name}-control@${freeswitch.domain}:${password}`;
      const control = await EventSocket.login({ host, port }, login, () => {});
      expect(await control.send(`api ${command} ${randomUUID()} x`)).toBe('-ERR No such channel!\n');
      expect(await control.send('api system id')).toMatch(/-ERR|permission denied/i);
      control.close();
    },
  );

  it('is not kept from running an application on a channel whose uuid it knows: FreeSWITCH does not check sendmsg', async () => {
    const uuid = randomUUID();
    await freeswitch.api(`originate {origination_uuid=${uuid}}null/x &park`);
    const message = `sendmsg ${uuid}\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: reached=yes`;
    expect(await user.send(message)).toContain('+OK');
    await until('the application has run', async () =>
      (await freeswitch.api(`uuid_getvar ${uuid} reached`)).includes('yes'),
    );
    await freeswitch.api(`uuid_kill ${uuid}`);
  });
});
