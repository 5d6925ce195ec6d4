import { type Group, type Leg, MAX_LEGS, type Plan } from '#libs/contract/plan.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { decodeText } from '#libs/esl/text.ts';
import { MAX_PIECE_BYTES, readExpression } from './read-expression.ts';

type UserLeg = Extract<Leg, { user: string }>;
type DialLeg = DialableGroup['legs'][number];

const CONTACTS = 'dialhook_contacts';
const PIECE_BYTES = 500;
/** Upper bound: about 30 contacts of the maximum length. Contacts beyond it are left out. */
const MAX_BYTES = 16 * 1024;

/**
 * The output of an API command of FreeSWITCH, for example `sofia_contact(USER@DOMAIN)`.
 *
 * A device chooses the text of its contact, so the text must never be expanded: the pieces of a long output are cut from
 * the output itself, because FreeSWITCH expands the value of a variable that it cuts
 * (switch_channel_expand_variables_check in switch_channel.c).
 */
async function apiOutput(call: OutboundCall, command: string): Promise<string> {
  const pieces = [await readExpression(call, CONTACTS, `\${${command}}`)];
  let isComplete = pieces[0] === undefined || pieces[0].length < MAX_PIECE_BYTES;
  for (let offset = MAX_PIECE_BYTES; !isComplete && offset < MAX_BYTES; offset += PIECE_BYTES) {
    const expression = `\${regex(\${${command}}|^.{${offset}}(.{0,${PIECE_BYTES}})|%1|n)}`;
    const piece = await readExpression(call, CONTACTS, expression);
    pieces.push(piece);
    isComplete = piece.length < PIECE_BYTES;
  }
  await call.execute('unset', CONTACTS);
  const output = decodeText(Buffer.concat(pieces));
  return isComplete ? output : output.slice(0, Math.max(0, output.lastIndexOf(',')));
}

/** A user's registered devices. */
async function contactsOf(
  call: OutboundCall,
  leg: UserLeg,
  defaultDomain: string | undefined,
): Promise<DialLeg[]> {
  const domain = leg.domain ?? defaultDomain ?? `\${domain_name}`;
  const contacts = await apiOutput(call, `sofia_contact(*/${leg.user}@${domain})`);
  const { variables, timeout, progress_timeout, delay } = leg;
  return endpointsOfContacts(contacts, leg.number)
    .slice(0, MAX_LEGS)
    .map((endpoint) => ({
      endpoint,
      variables,
      timeout,
      progress_timeout,
      delay,
    }));
}

export interface Lookup {
  readonly groups: readonly DialableGroup[];
  /** Users without a registered device. Their targets are not in `groups`. */
  readonly missing: readonly string[];
}

/** Replaces users by their registered devices, dialled one after the other unless the strategy is `simultaneous`. */
export async function lookUpUsers(
  call: OutboundCall,
  plan: Extract<Plan, { groups: readonly Group[] }>,
  defaultDomain: string | undefined,
): Promise<Lookup> {
  const missing: string[] = [];
  const groups: DialableGroup[] = [];
  for (const group of plan.groups) {
    const simultaneous: DialLeg[] = [];
    for (const leg of group.legs) {
      if ('endpoint' in leg) {
        simultaneous.push(leg);
        continue;
      }
      const found = await contactsOf(call, leg, defaultDomain);
      if (found.length === 0) missing.push(leg.user);
      if (leg.strategy === 'simultaneous') simultaneous.push(...found);
      else groups.push(...found.map((one) => ({ variables: group.variables, legs: [one] })));
    }
    if (simultaneous.length > 0) groups.push({ variables: group.variables, legs: simultaneous });
  }
  return { groups, missing };
}
