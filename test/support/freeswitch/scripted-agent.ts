import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { owned } from '#test/support/owned.ts';

/** One call that FreeSWITCH's `socket` application has handed over. */
export interface HandedOver {
  readonly uuid: string;
  /** The answer to `connect`, as it came. */
  readonly channelData: string;
  /** Runs one application, with its data as the body, and waits until it is carried out. */
  execute(application: string, data: string): Promise<void>;
  getvar(name: string): Promise<string>;
  /** Breaks the connection, as a crash of the agent does. */
  breakOff(): void;
}

export interface ScriptedAgent {
  /** HOST:PORT, for the `socket` application. */
  readonly at: string;
  close(): void;
}

/**
 * Stands in for an agent where only FreeSWITCH is to be tried: lets `ask` talk to each call, then makes the
 * applications that it returns the call's own.
 */
export async function scriptedAgent(
  ask: (call: HandedOver) => Promise<readonly string[]> | readonly string[],
): Promise<ScriptedAgent> {
  const server = createServer(
    owned(async (socket) => {
      const send = commands(socket);
      const text = async (command: string) => /^Reply-Text: (.*)/m.exec(await send(command))?.[1] ?? '';
      const channelData = await send('connect');
      const applications = await ask({
        uuid: /^Unique-ID: (.*)/m.exec(channelData)?.[1] ?? '',
        channelData,
        execute: async (application, data) => {
          const body = `content-type: text/plain\ncontent-length: ${Buffer.byteLength(data)}\n\n${data}`;
          await send(`sendmsg\ncall-command: execute\nexecute-app-name: ${application}\n${body}`);
        },
        getvar: (name) => text(`getvar ${name}`),
        breakOff: () => socket.destroy(),
      });
      const lines = applications.map((application) => `application: ${application}`);
      await send(['sendmsg', 'call-command: xferext', ...lines].join('\n'));
      await send('exit');
      socket.end();
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    at: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  };
}

/** A function that sends a command and resolves with the headers of its reply; empty when the call is gone. */
function commands(socket: Socket): (command: string) => Promise<string> {
  const waiting: ((reply: string) => void)[] = [];
  let buffer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    buffer += chunk;
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const reply = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (reply.includes('command/reply')) waiting.shift()?.(reply);
    }
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    for (const reply of waiting.splice(0)) reply('');
  });
  return (command) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    waiting.push(resolve);
    if (socket.writable) socket.write(`${command}\n\n`);
    else resolve('');
    return promise;
  };
}
