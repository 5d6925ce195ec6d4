import { type Group, type Leg, MAX_BRANCHES, type Plan } from '#libs/contract/plan.ts';
import type { DialableGroup } from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';

type UserLeg = Extract<Leg, { user: string }>;
type DialLeg = DialableGroup['legs'][number];

const CONTACTS = 'dialhook_contacts';
/** FreeSWITCH cuts the reply to getvar at 511 bytes. */
const MAX_REPLY_BYTES = 511;
const PIECE_BYTES = 500;
/** Upper bound: about 30 contacts of the maximum length. Contacts beyond it are left out. */
const MAX_BYTES = 16 * 1024;

/**
 * The output of an API command of FreeSWITCH, for example `sofia_contact(USER@DOMAIN)`. Without `full` a socket has no
 * api command, so the output is expanded into a variable and read back: two round trips, in the call's own thread.
 *
 * A device chooses the text of its contact, so the text must never be expanded: `export`, unlike `set`, does not expand
 * its value again, and the pieces of a long output are cut from the output itself, because FreeSWITCH expands the value
 * of a variable that it cuts (switch_channel_expand_variables_check in switch_channel.c).
 */
async function apiOutput(call: OutboundCall, command: string): Promise<string> {
  const read = async (expression: string) => {
    await call.execute('export', `${CONTACTS}=${expression}`);
    return call.getVariable(CONTACTS);
  };
  let output = await read(`\${${command}}`);
  let isComplete = Buffer.byteLength(output) < MAX_REPLY_BYTES;
  for (let offset = MAX_REPLY_BYTES; !isComplete && offset < MAX_BYTES; offset += PIECE_BYTES) {
    const piece = await read(`\${regex(\${${command}}|^.{${offset}}(.{0,${PIECE_BYTES}})|%1|n)}`);
    output += piece;
    isComplete = Buffer.byteLength(piece) < PIECE_BYTES;
  }
  await call.execute('unset', CONTACTS);
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
  const { variables, timeout, delay } = leg;
  return endpointsOfContacts(contacts, leg.number)
    .slice(0, MAX_BRANCHES)
    .map((endpoint) => ({
      endpoint,
      variables,
      timeout,
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
