import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '#services/cli/doctor/finding.ts';
import { runDialhook } from '#test/support/cli/terminal.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';

if (!freeswitchFound())
  console.log('test/e2e/freeswitch/doctor: skipped, there is no freeswitch on the PATH');

describe.skipIf(!freeswitchFound())('dialhook doctor with a real FreeSWITCH', () => {
  let node: RealCaseNode;
  beforeAll(async () => {
    node = await realCaseNode();
  });
  afterAll(() => node?.stop());

  /** The findings by check. */
  async function findings(env: NodeJS.ProcessEnv) {
    const { host, port } = node.eventSocket;
    const { json, out } = await runDialhook(['doctor', '--json', '--only', 'freeswitch'], {
      env: { FREESWITCH_HOST: host, FREESWITCH_PORT: String(port), ...env },
    });
    const report = json() as { findings: readonly Finding[] };
    const found = Object.fromEntries(report.findings.map((one) => [one.check, `${one.level}: ${one.found}`]));
    return { found, out };
  }

  it('finds everything that an agent needs, with the event socket password', async () => {
    const { found } = await findings({ FREESWITCH_PASSWORD: node.eventSocket.password, CALL_CONTROL: 'on' });
    expect(found).toEqual({
      version: expect.stringMatching(/^ok: 1\.1[01]\.\d/),
      login: 'ok: with the event socket password, which allows every command',
      permissions: 'ok: show, uuid_exists, switchname, uptime, uuid_getvar, uuid_kill, uuid_transfer',
      modules: 'ok: mod_commands, mod_dptools, mod_event_socket, mod_sofia',
      url_encode: 'ok: ${url_encode(a b)} is a%20b',
      applications: 'ok: all that decisions need',
      gateways: expect.stringMatching(/^ok: .*gw2? \(NOREG\)/),
      clock: expect.stringMatching(/^ok: /),
    });
  });

  it('finds the rights of a directory user, and says what it could not check', async () => {
    const { name, password } = node.user;
    const { found, out } = await findings({
      FREESWITCH_USER: `${name}@${node.domain}`,
      FREESWITCH_PASSWORD: password,
    });
    expect(found).toEqual({
      login: `ok: as the directory user ${name}@${node.domain}`,
      permissions: 'ok: show, uuid_exists, switchname, uptime',
      applications: 'ok: all that decisions need',
      'not checked':
        'warning: the user may not use version, module_exists, url_encode, sofia, strepoch, which the agent does not need',
    });
    expect(out).not.toContain(password);
  });

  it('finds that the user may not control calls', async () => {
    const { name, password } = node.user;
    const { found } = await findings({
      FREESWITCH_USER: `${name}@${node.domain}`,
      FREESWITCH_PASSWORD: password,
      CALL_CONTROL: 'on',
    });
    expect(found['permissions']).toBe('error: the user may not use uuid_getvar, uuid_kill, uuid_transfer');
  });
});
