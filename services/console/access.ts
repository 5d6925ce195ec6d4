import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Role, Session } from '#libs/contract/console.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import type { ConsoleConfig } from './config.ts';

interface TokenHolder extends Session {
  readonly digest: Buffer;
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();

const signature = (holder: TokenHolder, text: string): Buffer =>
  createHmac('sha256', holder.digest).update(`dialhook session ${text}`).digest();

/**
 * Tokens with their names and roles, and the sessions made from them. A session is `NAME.EXPIRY.SIGNATURE`, signed with
 * the token's digest. It is not stored: every console with the same tokens accepts it until it expires or its token is
 * removed.
 */
export class Access {
  readonly #holders: readonly TokenHolder[];
  readonly #sessionMs: number;
  readonly #now: () => number;

  constructor(
    config: Pick<ConsoleConfig, 'CONSOLE_VIEWER_TOKENS' | 'CONSOLE_OPERATOR_TOKENS' | 'CONSOLE_SESSION_MS'>,
    now: () => number = Date.now,
  ) {
    const holders = (tokens: ConsoleConfig['CONSOLE_VIEWER_TOKENS'], role: Role) =>
      tokens.map(({ name, token }): TokenHolder => ({ name, role, digest: digestOf(token) }));
    this.#holders = [
      ...holders(config.CONSOLE_VIEWER_TOKENS, 'viewer'),
      ...holders(config.CONSOLE_OPERATOR_TOKENS, 'operator'),
    ];
    this.#sessionMs = config.CONSOLE_SESSION_MS;
    this.#now = now;
  }

  byToken(token: string): Session | undefined {
    return this.#shown(this.#holder(token));
  }

  /** Starts a session. @returns undefined for an unknown token. */
  begin(token: string): { readonly session: Session; readonly cookie: string } | undefined {
    const holder = this.#holder(token);
    const session = this.#shown(holder);
    if (holder === undefined || session === undefined) return undefined;
    const text = `${Buffer.from(holder.name).toString('base64url')}.${this.#now() + this.#sessionMs}`;
    return { session, cookie: `${text}.${signature(holder, text).toString('base64url')}` };
  }

  bySession(cookie: string): Session | undefined {
    const [, text = '', expiry, signed = ''] = /^([\w-]+\.(\d{1,16}))\.([\w-]{43})$/.exec(cookie) ?? [];
    if (expiry === undefined || Number(expiry) <= this.#now()) return undefined;
    const name = Buffer.from(text.split('.')[0] ?? '', 'base64url').toString();
    const given = Buffer.from(signed, 'base64url');
    // During a token rotation one name has two tokens.
    return this.#shown(
      this.#holders.find((holder) => holder.name === name && timingSafeEqual(signature(holder, text), given)),
    );
  }

  #holder(token: string): TokenHolder | undefined {
    const digest = digestOf(token);
    return this.#holders.filter((holder) => timingSafeEqual(holder.digest, digest)).at(0);
  }

  #shown(holder: TokenHolder | undefined): Session | undefined {
    return holder === undefined ? undefined : { name: holder.name, role: holder.role };
  }
}

const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Counts failed logins by address: after `max` within a minute the address is refused until the minute ends. */
export class FailedLogins {
  readonly #failed = new LruMap<string, { count: number; since: number }>(MAX_ADDRESSES);
  readonly #now: () => number;
  readonly #max: number;

  constructor(now: () => number = Date.now, max = 10) {
    this.#now = now;
    this.#max = max;
  }

  /** Time until this address may try again, ms; 0 when it may try now. */
  wait(address: string): number {
    const one = this.#failed.peek(address);
    if (one === undefined) return 0;
    const left = one.since + WINDOW_MS - this.#now();
    if (left <= 0) this.#failed.delete(address);
    return left > 0 && one.count >= this.#max ? left : 0;
  }

  add(address: string): void {
    const one = this.#failed.peek(address);
    if (one !== undefined && one.since + WINDOW_MS > this.#now()) one.count++;
    else this.#failed.set(address, { count: 1, since: this.#now() });
  }
}
