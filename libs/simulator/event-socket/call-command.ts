import { parseApplication } from '#libs/simulator/dialplan/application-text.ts';
import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import { parseCause } from '#libs/simulator/switch/hangup-cause.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';
import { type Command, commandHeader } from './command-reader.ts';

const TOO_QUICK_TO_LOOP_MS = 500;

/** The `call-command` of a message, carried out on the caller's channel (switch_ivr_parse_event). */
export async function runMessage(thread: CallThread, command: Command): Promise<void> {
  switch (commandHeader(command, 'call-command')) {
    case 'execute':
      await execute(thread, command);
      break;
    case 'xferext':
      thread.transfer(
        command.headers
          .filter(([name]) => name.toLowerCase() === 'application')
          .map(([, value]) => parseApplication(value)),
      );
      break;
    case 'hangup':
      thread.caller.channel.hangup(parseCause(commandHeader(command, 'hangup-cause')));
      break;
    default:
  }
}

async function execute(thread: CallThread, command: Command): Promise<void> {
  const name = commandHeader(command, 'execute-app-name');
  if (name === undefined) return;
  const plainBody = commandHeader(command, 'content-type')?.toLowerCase() === 'text/plain';
  const data = commandHeader(command, 'execute-app-arg') || (plainBody ? command.body : '');
  const loops = integer(commandHeader(command, 'loops') ?? '1');
  for (let loop = 0; loop < loops || loops < 0; loop++) {
    const start = thread.node.core.clock.now();
    if (!(await thread.execute({ name, data }))) break;
    if (thread.node.core.clock.now() - start < TOO_QUICK_TO_LOOP_MS) break;
  }
}
