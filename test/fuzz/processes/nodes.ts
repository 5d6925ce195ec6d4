import { callIdOf } from '#libs/contract/call-id.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { FakeFreeSwitch, hangupEvent } from '#test/support/esl/fake-freeswitch.ts';
import { realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { until } from '#test/support/until.ts';
import type { FuzzNode, Target } from './target.ts';

const PARTIES = {
  'Caller-Caller-ID-Number': '1000',
  'Caller-Caller-ID-Name': '张三',
  'Caller-Destination-Number': '2000',
};

export interface FakeNode extends FuzzNode {
  readonly freeswitch: FakeFreeSwitch;
}

export async function fakeNode(): Promise<FakeNode> {
  const freeswitch = await FakeFreeSwitch.start();
  return {
    freeswitch,
    eventSocket: { host: '127.0.0.1', port: freeswitch.port, password: 'x' },
    stop: () => freeswitch.close(),
    goodCall: async ({ socketPort, url }, uuid, hungUp) => {
      const variables = { cti_bridge: `${url} 5000 5000 1` };
      const call = await FreeSwitchCall.place(socketPort, { uuid, headers: PARTIES, variables });
      await call.released();
      const steering = call.steering.join('\n');
      if (!steering.includes('USER_BUSY')) throw new Error(`the good call was not decided: ${steering}`);
      let sent = -1;
      await until(`the hangup of the good call ${uuid} is delivered`, async () => {
        // Again on a new connection: the agent may have lost the event with the old one.
        if (sent !== freeswitch.connections) await freeswitch.send(hangupEvent(uuid, url, PARTIES));
        sent = freeswitch.connections;
        return hungUp(uuid);
      });
    },
  };
}

export interface RealNode extends FuzzNode {
  readonly sipPort: number;
  /** The values of a call as headers of its INVITE. */
  script(target: Target): { readonly ctiBridge: string; readonly socket: string; readonly fallback: string };
}

export async function realNode(callIdAsUuid: boolean): Promise<RealNode> {
  const freeswitch = await realCaseNode({ logLevel: 'crit', callIdAsUuid });
  const script = ({ url, socketPort }: Target) => ({
    ctiBridge: `${url} 5000 5000 1`,
    socket: `127.0.0.1:${socketPort}`,
    fallback: 'error/CALL_REJECTED',
  });
  return {
    eventSocket: freeswitch.eventSocket,
    sipPort: freeswitch.sipPort,
    script,
    stop: () => freeswitch.stop(),
    goodCall: async (target, _, hungUp) => {
      const caller = { number: '1000', name: '张三' };
      // The hostile calls before it are done.
      let channels = '';
      const ended = () =>
        until('the hostile calls have ended', async () => {
          channels = await freeswitch.api('show channels');
          return /^\s*0 total/m.test(channels);
        });
      // A call waits for its two timeouts when the machine is busy.
      await ended()
        .catch(ended)
        .catch((error: Error) => {
          throw new Error(`${error.message}: ${channels.slice(0, 2_000)}`, { cause: error });
        });
      const { hangup, status, result, error } = await freeswitch.call({
        ...script(target),
        caller,
        destination: '2000',
        callees: {},
      });
      if (status !== 486) throw new Error(`the good call ended with ${status}: ${result} ${error}`);
      const uuid = callIdOf(String(hangup['Unique-ID']));
      await until(`the hangup of the good call ${uuid} is delivered`, () => hungUp(uuid));
    },
  };
}
