import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import { extensionOf } from '#libs/simulator/dialplan/task.ts';
import { parseCause } from '#libs/simulator/switch/hangup-cause.ts';
import { type Command, commandHeader } from './command-reader.ts';

/** Runs the `call-command` of a sendmsg on the caller leg (switch_ivr_parse_event). */
export async function runMessage(thread: CallThread, command: Command): Promise<void> {
  switch (commandHeader(command, 'call-command')) {
    case 'execute':
      await execute(thread, command);
      break;
    case 'xferext':
      thread.next = extensionOf(
        command.headers.filter(([name]) => name.toLowerCase() === 'application').map(([, value]) => value),
      );
      break;
    case 'hangup':
      thread.leg.channel.hangup(parseCause(commandHeader(command, 'hangup-cause')));
      break;
    default:
  }
}

async function execute(thread: CallThread, command: Command): Promise<void> {
  const name = commandHeader(command, 'execute-app-name');
  if (name === undefined) return;
  const isText = commandHeader(command, 'content-type')?.toLowerCase() === 'text/plain';
  const data = commandHeader(command, 'execute-app-arg') || (isText ? command.body : '');
  await thread.execute({ name, data });
}
