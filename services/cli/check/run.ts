import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { allowedVariables } from '#libs/config/settings.ts';
import { type CtiBridgeArguments, DEFAULT_TIMEOUT_MS, parseArguments } from '#libs/contract/arguments.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { checkEndpointSettings, endpointOptions, endpointSettings } from '#libs/http/settings.ts';
import { webhookKey } from '#libs/webhook-signature/webhook-signature.ts';
import { EXIT, type Given, type Terminal, UsageError } from '../command-line.ts';
import { type Asked, type Asker, ask, tell } from './ask.ts';
import { preview } from './preview.ts';
import { jsonOfAsked, jsonOfTold, reportAsked, reportTold } from './report.ts';
import { sampleRequest } from './sample.ts';

const MAX_BODY_BYTES = 256 * 1024;
const KEEP_ALIVE_MS = 5_000;

const shape = { ...endpointSettings, ALLOWED_VARIABLES: allowedVariables() };
const CheckSettings = z.object(shape).superRefine(checkEndpointSettings);

/** The arguments as a dialplan would give them, read by the same code. */
function endpointOf({ arguments: [url, ...rest], options }: Given): CtiBridgeArguments {
  if (url === undefined || rest.length > 0) throw new UsageError('check takes one URL');
  if (/\s/.test(url)) throw new UsageError('the URL holds a blank: write it %20');
  const { 'connect-timeout': connect, 'response-timeout': response, fallback = '' } = options;
  const parsed = parseArguments(
    [url, connect ?? DEFAULT_TIMEOUT_MS, response ?? DEFAULT_TIMEOUT_MS, 1, fallback].join(' '),
  );
  if (!parsed.ok) throw new UsageError(parsed.error);
  return parsed.endpoint;
}

function secretsOf({ lists }: Given): string[] {
  const secrets = [...(lists['secret'] ?? [])];
  try {
    for (const secret of secrets) webhookKey(secret);
  } catch (error) {
    throw new UsageError(`--secret: ${(error as Error).message}`);
  }
  return secrets;
}

function askerOf(given: Given, { env, now }: Terminal): Asker {
  const config = readConfig(CheckSettings, env);
  const options = endpointOptions(config);
  const secrets = secretsOf(given);
  const client = new EndpointClient({
    ...options,
    ...(secrets.length > 0 ? { signingSecrets: { '': secrets } } : {}),
    maxBodyBytes: MAX_BODY_BYTES,
    keepAliveMs: KEEP_ALIVE_MS,
    maxConnectionsPerOrigin: 1,
    userAgent: 'dialhook-check',
  });
  const method = given.flags.has('get') ? 'GET' : 'POST';
  return { client, method, may: variablePolicy(config.ALLOWED_VARIABLES), now };
}

const isDecided = ({ reply }: Asked): boolean => reply.result === 'decided';

/** Asks, and tells if wanted. */
export async function run(given: Given, terminal: Terminal): Promise<number> {
  const endpoint = endpointOf(given);
  const request = sampleRequest(given, terminal.now());
  const asker = askerOf(given, terminal);
  const urls = [endpoint.url, ...(endpoint.fallbackUrl === undefined ? [] : [endpoint.fallbackUrl])];
  const asked: Asked[] = [];
  for (const url of urls) asked.push(await ask(asker, endpoint, url, request));
  const told = given.flags.has('notify') ? await tell(asker, endpoint, request) : [];
  await asker.client.close();

  const applications = ({ reply }: Asked) =>
    reply.result === 'decided' ? preview(reply.plan, request.attempt) : [];
  if (given.flags.has('json'))
    terminal.out(
      JSON.stringify({
        request,
        asked: asked.map((one) => jsonOfAsked(one, applications(one))),
        notifications: jsonOfTold(told),
      }),
    );
  else {
    for (const [index, one] of asked.entries()) {
      if (index > 0) terminal.out('');
      reportAsked(one, applications(one), terminal);
    }
    if (told.length > 0) reportTold(told, terminal);
  }
  const good = asked.every(isDecided) && told.every(({ verdict }) => verdict.kind === 'delivered');
  return good ? EXIT.ok : EXIT.failed;
}
