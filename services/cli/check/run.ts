import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { allowedVariables } from '#libs/config/settings.ts';
import { type CtiBridgeArguments, DEFAULT_TIMEOUT_MS, parseArguments } from '#libs/contract/arguments.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { checkEndpointSettings, endpointOptions, endpointSettings } from '#libs/http/settings.ts';
import { webhookKey } from '#libs/webhook-signature/webhook-signature.ts';
import { EXIT, type Given, type Terminal, UsageError } from '../command.ts';
import { preview } from './preview.ts';
import { jsonOfNotifications, jsonOfRequest, reportNotifications, reportRequest } from './report.ts';
import { sampleRequest } from './sample.ts';
import { type CheckClient, type RequestResult, sendNotifications, sendRequest } from './send.ts';

const MAX_BODY_BYTES = 256 * 1024;
const KEEP_ALIVE_MS = 5_000;

const shape = { ...endpointSettings, ALLOWED_VARIABLES: allowedVariables() };
const CheckSettings = z.object(shape).superRefine(checkEndpointSettings);

/** The arguments of cti_bridge, read by the parser that the agent uses. */
function endpointOf({ arguments: [url, ...rest], options }: Given): CtiBridgeArguments {
  if (url === undefined || rest.length > 0) throw new UsageError('check takes one URL');
  if (/\s/.test(url)) throw new UsageError('the URL contains a space: write it as %20');
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

function clientOf(given: Given, { env, now }: Terminal): CheckClient {
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

const isDecided = ({ reply }: RequestResult): boolean => reply.result === 'decided';

/** Sends the request, and the notifications with --notify. */
export async function run(given: Given, terminal: Terminal): Promise<number> {
  const endpoint = endpointOf(given);
  const request = sampleRequest(given, terminal.now());
  const http = clientOf(given, terminal);
  const urls = [endpoint.url, ...(endpoint.fallbackUrl === undefined ? [] : [endpoint.fallbackUrl])];
  const requests: RequestResult[] = [];
  for (const url of urls) requests.push(await sendRequest(http, endpoint, url, request));
  const notifications = given.flags.has('notify') ? await sendNotifications(http, endpoint, request) : [];
  await http.client.close();

  const applications = ({ reply }: RequestResult) =>
    reply.result === 'decided' ? preview(reply.plan, request) : [];
  if (given.flags.has('json'))
    terminal.out(
      JSON.stringify({
        request,
        requests: requests.map((one) => jsonOfRequest(one, applications(one))),
        notifications: jsonOfNotifications(notifications),
      }),
    );
  else {
    for (const [index, one] of requests.entries()) {
      if (index > 0) terminal.out('');
      reportRequest(one, request, applications(one), terminal);
    }
    if (notifications.length > 0) reportNotifications(notifications, terminal);
  }
  const good =
    requests.every(isDecided) && notifications.every(({ verdict }) => verdict.kind === 'delivered');
  return good ? EXIT.ok : EXIT.failed;
}
