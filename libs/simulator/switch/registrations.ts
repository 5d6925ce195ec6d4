/** The registered devices of directory users (mod_sofia's table of registrations). */
export class Registrations {
  readonly #contacts = new Map<string, readonly string[]>();
  readonly #domain: string;

  constructor(domain: string) {
    this.#domain = domain;
  }

  /** Without contacts the user is in the directory but has no device registered. */
  register(user: string, contacts: readonly string[], domain = this.#domain): void {
    this.#contacts.set(key(user, domain), contacts);
  }

  /** Whether the directory has the domain. */
  hasDomain(domain: string): boolean {
    return domain === this.#domain || [...this.#contacts.keys()].some((one) => one.endsWith(`@${domain}`));
  }

  /** undefined if the user is not in the directory. */
  contacts(user: string, domain = ''): readonly string[] | undefined {
    return this.#contacts.get(key(user, domain === '' ? this.#domain : domain));
  }

  /** The output of `sofia_contact [PROFILE/]USER[@DOMAIN][/PREFIX]`. */
  sofiaContact(argument: string): string {
    const [, user = '', domain = '', prefix = ''] =
      /^(?:[^/@]*\/)?([^@/]*)(?:@([^/]*))?(?:\/(.*))?$/.exec(argument.split('~').at(0) ?? '') ?? [];
    const contacts = this.contacts(user, domain) ?? [];
    if (contacts.length === 0) return 'error/user_not_registered';
    return contacts
      .map((contact) => `${prefix}sofia/internal/sip:${contact.replace(/^sips?:/, '')}`)
      .join(',');
  }
}

const key = (user: string, domain: string): string => `${user.toUpperCase()}@${domain}`;
