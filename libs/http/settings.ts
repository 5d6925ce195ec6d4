import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { file, list, networks } from '#libs/config/settings.ts';
import { webhookKey } from '#libs/webhook-signature/webhook-signature.ts';
import { hostPattern } from './address-rules.ts';
import type { EndpointClientOptions } from './client.ts';
import type { SigningSecrets } from './signatures.ts';

const SECRET = /^(?:(?<url>https?:\/\/[^=]+)=)?(?<secret>whsec_.*)$/;

/** `whsec_...` for all endpoints, `https://host=whsec_...` for those of one origin. */
const signingSecrets = () =>
  z
    .string()
    .transform((text, context): SigningSecrets => {
      const secrets: Record<string, string[]> = {};
      const wrong = (nth: number, message: string) =>
        context.addIssue({ code: 'custom', message: `must hold secrets: number ${nth} ${message}` });
      const items = text.split(/[\s,]+/).filter((item) => item !== '');
      for (const [index, item] of items.entries()) {
        const { url, secret = '' } = SECRET.exec(item)?.groups ?? {};
        const origin = url === undefined ? '' : URL.parse(url)?.origin;
        if (secret === '' || origin === undefined) {
          wrong(index + 1, 'is not whsec_... or https://host=whsec_...');
          continue;
        }
        try {
          webhookKey(secret);
          secrets[origin] = [...(secrets[origin] ?? []), secret];
        } catch (error) {
          wrong(index + 1, `is wrong: ${(error as Error).message}`);
        }
      }
      return secrets;
    })
    .meta({ secret: true });

const schemes = () =>
  list().refine(
    (all) => all.length > 0 && all.every((one) => one === 'http' || one === 'https'),
    'must be http, https or both',
  );

const hosts = () =>
  list().refine(
    (all) => all.every((one) => hostPattern(one) !== undefined),
    'must be hosts such as crm.example, *.example.org, [fd00::1]:8080 or *:443',
  );

/** Settings of what calls endpoints: where, how it is known there, and whom it trusts. */
export const endpointSettings = {
  ENDPOINT_SCHEMES: schemes()
    .default(['http', 'https'])
    .describe('http, https or both: with https alone nothing goes to an endpoint in the clear'),
  ENDPOINT_ALLOWED_HOSTS: hosts()
    .default([])
    .describe(
      'the only hosts that may be called, separated by commas: host, *.domain or *, each with :port if need be; every host when empty',
    ),
  ENDPOINT_PRIVATE_NETWORKS: z
    .enum(['allow', 'refuse'], 'must be allow or refuse')
    .default('allow')
    .describe('whether endpoints at private and loopback addresses may be called'),
  ENDPOINT_REFUSED_NETWORKS: networks()
    .default([])
    .describe(
      'networks in which no endpoint is called, separated by commas, beside those of cloud metadata services, which no setting allows',
    ),
  ENDPOINT_SIGNING_SECRETS: signingSecrets()
    .optional()
    .describe(
      'secrets to sign requests with, separated by blanks: whsec_... for every endpoint, https://host=whsec_... for one; all that apply are used, so that secrets can be changed; unsigned without one',
    ),
  ENDPOINT_CA_FILE: file()
    .optional()
    .describe(
      'PEM of the authorities whose certificates endpoints may have, instead of the public ones; read at the start',
    ),
  ENDPOINT_CERT_FILE: file()
    .optional()
    .describe('PEM of a certificate to show to endpoints that ask for one; read at the start'),
  ENDPOINT_KEY_FILE: file().optional().describe('PEM of its key'),
};

type EndpointConfig = z.output<z.ZodObject<typeof endpointSettings>>;

const tlsOf = (config: EndpointConfig) => ({
  ...(config.ENDPOINT_CA_FILE === undefined ? {} : { ca: config.ENDPOINT_CA_FILE }),
  ...(config.ENDPOINT_CERT_FILE === undefined ? {} : { cert: config.ENDPOINT_CERT_FILE }),
  ...(config.ENDPOINT_KEY_FILE === undefined ? {} : { key: config.ENDPOINT_KEY_FILE }),
});

/** For a `superRefine`: what contradicts itself in these settings. */
export function checkEndpointSettings(config: EndpointConfig, context: z.RefinementCtx): void {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  if ((config.ENDPOINT_CERT_FILE === undefined) !== (config.ENDPOINT_KEY_FILE === undefined))
    wrong('ENDPOINT_CERT_FILE and ENDPOINT_KEY_FILE must be set together');
  try {
    createSecureContext(tlsOf(config));
  } catch (error) {
    wrong(
      `ENDPOINT_CA_FILE, ENDPOINT_CERT_FILE or ENDPOINT_KEY_FILE cannot be used: ${(error as Error).message}`,
    );
  }
}

/** What these settings say to the client of endpoints. */
export const endpointOptions = (
  config: EndpointConfig,
): Pick<
  EndpointClientOptions,
  'schemes' | 'allowedHosts' | 'refusedNetworks' | 'refusePrivate' | 'signingSecrets' | 'tls'
> => ({
  schemes: config.ENDPOINT_SCHEMES,
  allowedHosts: config.ENDPOINT_ALLOWED_HOSTS,
  refusedNetworks: config.ENDPOINT_REFUSED_NETWORKS,
  refusePrivate: config.ENDPOINT_PRIVATE_NETWORKS === 'refuse',
  signingSecrets: config.ENDPOINT_SIGNING_SECRETS ?? {},
  tls: tlsOf(config),
});
