import { createConnection, type Socket } from 'node:net';
import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';
import { Listener } from './listener.ts';

const DEFAULT_PORT = 8084;

/** The application `socket HOST:PORT|HOST:PORT`: the first host that accepts the connection controls the call. */
export async function socketApplication(thread: CallThread, data: string): Promise<void> {
  const [hosts = ''] = data.split(' ').filter((word) => word !== '');
  let port = DEFAULT_PORT;
  for (const host of hosts.split('|')) {
    if (host === '') continue;
    const colon = host.lastIndexOf(':');
    if (colon >= 0) port = integer(host.slice(colon + 1));
    const name = colon < 0 ? host : host.slice(0, colon);
    thread.leg.channel.set('socket_host', name);
    const socket = await connect(thread, name, port);
    if (socket === undefined) continue;
    const listener = new Listener(thread.node, socket, thread);
    if (!thread.leg.channel.ready) listener.close();
    await listener.finished;
    return;
  }
}

/**
 * undefined if the connection failed, or if the process has crashed meanwhile. A hangup of the caller does not end the
 * attempt: FreeSWITCH connects in the thread of the call (`socket_function` in mod_event_socket.c).
 */
function connect(thread: CallThread, host: string, port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, allowHalfOpen: true });
    const settle = (result: Socket | undefined): void => {
      removeBreak();
      socket.removeAllListeners('connect').removeAllListeners('error');
      if (result === undefined) socket.on('error', () => {}).destroy();
      resolve(result);
    };
    const removeBreak = thread.leg.channel.onBreak(() => {
      if (thread.node.core.dead) settle(undefined);
    });
    socket.once('connect', () => settle(socket));
    socket.once('error', () => settle(undefined));
  });
}
