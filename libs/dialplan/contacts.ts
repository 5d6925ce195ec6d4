import { DialEndpoint } from '#libs/contract/plan.ts';

const CONTACT = /^(sofia\/[\w.+-]+\/)(sips?:)?[^@/]*@(.+)$/;

/**
 * The endpoints that reach a number through a user's registered devices. `contacts` is what FreeSWITCH's
 * `sofia_contact` answers: comma-separated endpoints, or `error/user_not_registered`. The user part of each contact is
 * replaced by the number; a contact that is not a plain sofia endpoint is left out, since a device writes it.
 */
export function endpointsOfContacts(contacts: string, number: string): string[] {
  const endpoints = contacts.split(',').map((contact) => {
    const match = CONTACT.exec(contact.trim());
    return match ? `${match[1]}${match[2] ?? ''}${number}@${match[3]}` : '';
  });
  return [...new Set(endpoints)].filter((endpoint) => DialEndpoint.safeParse(endpoint).success);
}
