import { DialEndpoint } from '#libs/contract/plan.ts';

const CONTACT = /^(sofia\/[\w.+-]+\/)(sips?:)?[^@/]*@(.+)$/;

/**
 * The dial string endpoints that call `number` at a user's registered devices. `contacts` is the reply of FreeSWITCH's
 * `sofia_contact`: comma-separated endpoints, or `error/user_not_registered`. The number replaces the user part of each
 * contact. A contact that is not a plain sofia endpoint is left out, because a device chooses its text.
 */
export function endpointsOfContacts(contacts: string, number: string): string[] {
  const endpoints = contacts.split(',').map((contact) => {
    const match = CONTACT.exec(contact.trim());
    return match ? `${match[1]}${match[2] ?? ''}${number}@${match[3]}` : '';
  });
  return [...new Set(endpoints)].filter((endpoint) => DialEndpoint.safeParse(endpoint).success);
}
