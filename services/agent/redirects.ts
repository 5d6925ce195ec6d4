import { z } from 'zod';
import { list } from '#libs/config/settings.ts';
import { DialEndpoint } from '#libs/contract/plan.ts';
import { DialNumber, HostPort, SipName } from '#libs/contract/text.ts';
import { percentDecoded } from '#libs/net/url.ts';

/** A host to which a redirect may lead, and the sofia profile that dials it. */
export interface RedirectHost {
  readonly profile: string;
  /** In lower case. */
  readonly host: string;
  /** Undefined: any port. */
  readonly port: string | undefined;
}

const HOST_PORT = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/;

function redirectHost(text: string): RedirectHost | undefined {
  const [hostPort = '', profile = 'external', ...more] = text.split('/').toReversed();
  if (more.length > 0 || !SipName.safeParse(profile).success || !HostPort.safeParse(hostPort).success)
    return undefined;
  const [, host = '', port] = HOST_PORT.exec(hostPort) ?? [];
  return { profile, host: host.toLowerCase(), port };
}

/** The setting REDIRECT_ALLOWED_HOSTS: `HOST`, `HOST:PORT` or `PROFILE/HOST:PORT`, separated by commas. */
export const redirectHosts = () =>
  list().transform((names, context) =>
    names.map((name) => {
      const host = redirectHost(name);
      if (host !== undefined) return host;
      context.addIssue({
        code: 'custom',
        message: `must be hosts such as pbx.example, 10.0.0.9:5080 or internal/[fd00::1]:5080; ${name} is not one`,
      });
      return z.NEVER;
    }),
  );

const SIP_URI = /^sip:([^@?]+)@(\[[\da-f:.]+\]|[\w.-]+)(?::(\d+))?(?:[;?].*)?$/i;

/**
 * The dial string endpoint for the SIP URI of a redirect. Only number, host and port are taken from it, because the
 * called party chose it: parameters such as maddr would send the INVITE elsewhere. Undefined when the host is not
 * allowed, or the URI has no number that can be dialled.
 */
export function redirectEndpoint(uri: string, allowed: readonly RedirectHost[]): string | undefined {
  const [, user = '', name = '', port] = SIP_URI.exec(uri) ?? [];
  const host = name.toLowerCase();
  const number = DialNumber.safeParse(percentDecoded(user));
  const by = allowed.find((one) => one.host === host && (one.port ?? port) === port);
  if (!number.success || by === undefined) return undefined;
  const endpoint = `sofia/${by.profile}/${number.data}@${host}${port === undefined ? '' : `:${port}`}`;
  return DialEndpoint.safeParse(endpoint).success ? endpoint : undefined;
}
