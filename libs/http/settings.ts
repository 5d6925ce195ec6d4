import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { file, list, networks } from '#libs/config/settings.ts';
import { webhookKey } from '#libs/webhook-signature/webhook-signature.ts';
import { hostPattern } from './address-rules.ts';
import type { EndpointClientOptions } from './client.ts';
import type { SigningSecrets } from './signatures.ts';

const SECRET = /^(?:(?<url>https?:\/\/[^=]+)=)?(?<secret>whsec_.*)$/;

/** `whsec_...` for all endpoints, `https://host=whsec_...` for one origin. */
const signingSecrets = () =>
  z
    .string()
    .transform((text, context): SigningSecrets => {
      const secrets: Record<string, string[]> = {};
      const wrong = (nth: number, message: string) =>
        context.addIssue({ code: 'custom', message: `must be a list of secrets: entry ${nth} ${message}` });
      const items = text.split(/[\s,]+/).filter((item) => item !== '');
      for (const [index, item] of items.entries()) {
        const { url, secret = '' } = SECRET.exec(item)?.groups ?? {};
        const origin = url === undefined ? '' : URL.parse(url)?.origin;
        if (secret === '' || origin === undefined) {
          wrong(index + 1, 'must be whsec_... or https://host=whsec_...');
          continue;
        }
        try {
          webhookKey(secret);
          secrets[origin] = [...(secrets[origin] ?? []), secret];
        } catch (error) {
          wrong(index + 1, `is invalid: ${(error as Error).message}`);
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

/** The settings of services that send requests to endpoints. */
export const endpointSettings = {
  ENDPOINT_SCHEMES: schemes()
    .default(['http', 'https'])
    .describe(
      'schemes that endpoint URLs may have, separated by commas; set https alone to refuse unencrypted requests',
    ),
  ENDPOINT_ALLOWED_HOSTS: hosts()
    .default([])
    .describe(
      'hosts that endpoint URLs may have, separated by commas: HOST, *.DOMAIN or *, each optionally with :PORT; every host when empty',
    ),
  ENDPOINT_PRIVATE_NETWORKS: z
    .enum(['allow', 'refuse'], 'must be allow or refuse')
    .default('allow')
    .describe('whether requests to endpoints at private and loopback addresses are allowed'),
  ENDPOINT_REFUSED_NETWORKS: networks()
    .default([])
    .describe(
      'networks in CIDR notation to which no request is sent, separated by commas; cloud metadata services are always refused',
    ),
  ENDPOINT_SIGNING_SECRETS: signingSecrets()
    .optional()
    .describe(
      'secrets that sign requests to endpoints (Standard Webhooks), separated by spaces: whsec_... for every endpoint, https://HOST=whsec_... for one origin, which then uses only its own; several secrets give several signatures, for rotation; without a secret requests are not signed',
    ),
  ENDPOINT_CA_FILE: file()
    .optional()
    .describe(
      'PEM file of the certificate authorities trusted for endpoints, instead of the public ones; read at startup',
    ),
  ENDPOINT_CERT_FILE: file()
    .optional()
    .describe('PEM file of the client certificate for endpoints that request one; read at startup'),
  ENDPOINT_KEY_FILE: file()
    .optional()
    .describe('PEM file of the private key of ENDPOINT_CERT_FILE; read at startup'),
};

type EndpointConfig = z.output<z.ZodObject<typeof endpointSettings>>;

const tlsOf = (config: EndpointConfig) => ({
  ...(config.ENDPOINT_CA_FILE === undefined ? {} : { ca: config.ENDPOINT_CA_FILE }),
  ...(config.ENDPOINT_CERT_FILE === undefined ? {} : { cert: config.ENDPOINT_CERT_FILE }),
  ...(config.ENDPOINT_KEY_FILE === undefined ? {} : { key: config.ENDPOINT_KEY_FILE }),
});

/** For `superRefine`: reports settings that contradict each other. */
export function checkEndpointSettings(config: EndpointConfig, context: z.RefinementCtx): void {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  if ((config.ENDPOINT_CERT_FILE === undefined) !== (config.ENDPOINT_KEY_FILE === undefined))
    wrong('ENDPOINT_CERT_FILE and ENDPOINT_KEY_FILE must be set together');
  try {
    createSecureContext(tlsOf(config));
  } catch (error) {
    wrong(
      `ENDPOINT_CA_FILE, ENDPOINT_CERT_FILE or ENDPOINT_KEY_FILE is invalid: ${(error as Error).message}`,
    );
  }
}

/** The options of `EndpointClient` that follow from these settings. */
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
