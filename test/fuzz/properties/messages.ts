import fc from 'fast-check';
import { MessageError, readInstruction, readMessage } from '#libs/bus/message.ts';
import type { ControlRequest } from '#libs/contract/control.ts';
import { dialApplications } from '#libs/dialplan/applications.ts';
import { MESSAGES } from '#test/support/bus/messages.ts';
import { dialOf } from '#test/support/dialplan/dial.ts';
import type { Arbitraries } from '../arbitraries.ts';
import { Channel } from '../freeswitch-model.ts';
import { countExecuted, only, same, sorted, timed } from '../property.ts';
import { bytesOf } from '../wire.ts';
import { expectedBridges, resolveUsers } from './bridges.ts';

/** FreeSWITCH splits `uuid_transfer UUID DESTINATION XML CONTEXT` at blanks and takes a leading dash as an option. */
function checkTransfer({ uuid, destination, context }: Extract<ControlRequest, { do: 'transfer' }>): void {
  const words = `${uuid} ${destination} XML ${context ?? 'default'}`.split(/[\s,'"\\|]+/);
  same('words of uuid_transfer', words, [uuid, destination, 'XML', context ?? 'default']);
  if (destination.startsWith('-')) throw new Error(`an option instead of a destination: ${destination}`);
}

/** Returns a copy with `value` at `path`. */
function corrupt(good: unknown, path: readonly number[], value: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof good !== 'object' || good === null) return value;
  const keys = Object.keys(good);
  if (keys.length === 0) return { '': value };
  const key = keys[first % keys.length] ?? '';
  const copy = structuredClone(good) as Record<string, unknown>;
  copy[key] = corrupt(copy[key], rest, value);
  return copy;
}

export const messages = ({ text, contacts }: Arbitraries) =>
  fc.property(
    fc.constantFrom(...MESSAGES),
    fc.array(fc.nat(12), { maxLength: 6 }),
    fc.oneof(fc.jsonValue(), text, fc.dictionary(text, text, { maxKeys: 3 })),
    fc.option(fc.tuple(fc.nat(400), text), { nil: undefined }),
    contacts,
    timed((message, path, value, splice, registered) => {
      const { schema, good } = message;
      const readAs = 'exact' in message ? readInstruction : readMessage;
      const json = JSON.stringify(corrupt(good, path, value));
      const written =
        splice === undefined ? json : json.slice(0, splice[0]) + splice[1] + json.slice(splice[0]);
      const read = only([MessageError], () => readAs(schema, 'subject', Buffer.from(written)));
      if (read === undefined) return;
      same('message after a round trip', readAs(schema, 'subject', Buffer.from(JSON.stringify(read))), read);
      if ('do' in read) {
        countExecuted();
        if (read.do === 'transfer') checkTransfer(read);
      }
      if (!('plan' in read) || !('groups' in read.plan)) return;
      const { plan } = read;
      const groups = resolveUsers(plan, registered);
      if (groups.length === 0) return;
      const dial = dialOf(groups, { plan });
      const { bytes, refused } = bytesOf((call) => call.runAndRelease(dialApplications(dial)));
      same('refused', refused, undefined);
      const channel = new Channel();
      channel.receive(bytes);
      same(
        'dialled legs',
        channel.bridges.map((bridged) => bridged.map(sorted)),
        expectedBridges(dial),
      );
      same('expanded variables', channel.expanded, []);
      countExecuted();
    }),
  );
