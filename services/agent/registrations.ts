import type { Group, Leg, Plan } from '#libs/contract/plan.ts';
import type { DialableGroup } from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import type { OutboundCall } from '#libs/esl/outbound.ts';

type UserLeg = Extract<Leg, { user: string }>;
type DialLeg = DialableGroup['legs'][number];

const CONTACTS = 'dialhook_contacts';
/** FreeSWITCH cuts the reply to getvar here; a contact that is not whole is left out. */
const MAX_REPLY_BYTES = 511;

const wholeContacts = (reply: string): string =>
  Buffer.byteLength(reply) < MAX_REPLY_BYTES ? reply : reply.slice(0, Math.max(0, reply.lastIndexOf(',')));

/**
 * Where a user's devices are, as FreeSWITCH's registrations have it. Without `full` a socket has no api; expanding
 * sofia_contact in a variable and reading it back takes two round trips in the call's own thread. It has to be
 * `export`: `set` would expand its value a second time, and a device writes its contact.
 */
async function contactsOf(
  call: OutboundCall,
  leg: UserLeg,
  defaultDomain: string | undefined,
): Promise<DialLeg[]> {
  const domain = leg.domain ?? defaultDomain ?? `\${domain_name}`;
  await call.execute('export', `${CONTACTS}=\${sofia_contact(*/${leg.user}@${domain})}`);
  const contacts = wholeContacts(await call.getVariable(CONTACTS));
  await call.execute('unset', CONTACTS);
  return endpointsOfContacts(contacts, leg.number).map((endpoint) => ({
    endpoint,
    variables: leg.variables,
  }));
}

export interface Lookup {
  readonly groups: readonly DialableGroup[];
  /** Users without a registered device; their targets are left out. */
  readonly missing: readonly string[];
}

/** Replaces users by their registered devices. One after the other unless the decision wanted all at once. */
export async function lookUpUsers(
  call: OutboundCall,
  plan: Extract<Plan, { groups: readonly Group[] }>,
  defaultDomain: string | undefined,
): Promise<Lookup> {
  const missing: string[] = [];
  const groups: DialableGroup[] = [];
  for (const group of plan.groups) {
    const together: DialLeg[] = [];
    for (const leg of group.legs) {
      if ('endpoint' in leg) {
        together.push(leg);
        continue;
      }
      const found = await contactsOf(call, leg, defaultDomain);
      if (found.length === 0) missing.push(leg.user);
      if (leg.strategy === 'simultaneous') together.push(...found);
      else groups.push(...found.map((one) => ({ variables: group.variables, legs: [one] })));
    }
    if (together.length > 0) groups.push({ variables: group.variables, legs: together });
  }
  return { groups, missing };
}
