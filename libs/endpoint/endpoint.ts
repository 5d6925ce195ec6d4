import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
// Relative imports, not #libs: this package is also built and installed on its own.
import { verifyWebhook } from '../webhook-signature/webhook-signature.ts';
import type { Decision, EndpointRequest, Notification } from './contract.ts';
import { messageOfQuery } from './query.ts';
import { RecentIds, type Repeats } from './repeats.ts';

export type { Decision, EndpointRequest, Notification } from './contract.ts';
export type { Repeats } from './repeats.ts';

/** The kinds of notifications: `ring`, `progress`, `answer`, `hangup`, `leg_end`, `transfer`, `recording`. */
export type Action = Notification['action'];
/** The notification with one action, for example `NotificationOf<'hangup'>`. */
export type NotificationOf<A extends Action> = Extract<Notification, { readonly action: A }>;

/** For which calls, and how long, a decision may be used again. */
export interface Caching {
  /**
   * The request fields that the decision depends on, for example `caller_id_number`, `variables.sip_h_X-Tenant`. Calls
   * that differ in another field get the same decision: list every field that `request` reads.
   */
  readonly fields: readonly string[];
  /** Seconds in which calls get the decision without a request. Default: 0. */
  readonly maxAge?: number;
  /** Seconds after that in which they get it when a request fails. Default: 0. */
  readonly staleIfError?: number;
}

export type EndpointOptions = {
  /**
   * The webhook secrets that the operator gave this endpoint (`whsec_...`). A signature made with any of them is
   * valid, so that a secret can be changed without a gap. `'unsigned'` disables the check: for tests only.
   */
  readonly secrets: readonly string[] | 'unsigned';
  /**
   * Decides where a call goes. Without a decision (undefined, answered with 404) and when it throws (500), the dialplan
   * of the call continues. Must answer within the response timeout of the call, 3 s by default.
   */
  readonly request: (call: EndpointRequest) => Decision | undefined | Promise<Decision | undefined>;
  /**
   * Allows the routers to use a decision for further calls, if their operator has listed this endpoint in
   * DECISION_CACHE_ENDPOINTS. Default: each call gets a request.
   */
  readonly caching?: (call: EndpointRequest, decision: Decision) => Caching | undefined;
  /** Remembers the notifications that were handled. Default: the last 100,000, in this process. */
  readonly repeats?: Repeats;
  /** Gets what `request` or a notification function throws. Default: console.error. */
  readonly onError?: (error: unknown) => void;
} & {
  /** Called once for each notification. When it throws or rejects, Dialhook sends the notification again later. */
  readonly [A in Action]?: (notification: NotificationOf<A>, id: string) => void | Promise<void>;
};

/** The endpoint as a function of the Fetch API, for frameworks and runtimes that take one. */
export type Handler = (request: Request) => Promise<Response>;

const MAX_BODY_BYTES = 1024 * 1024;

const cachingHeaders = ({ fields, maxAge = 0, staleIfError = 0 }: Caching): Record<string, string> => ({
  'cache-control': `max-age=${maxAge}, stale-if-error=${staleIfError}`,
  'dialhook-vary': fields.join(', '),
});

const empty = (status: number): Response => new Response(null, { status });

async function bodyOf(request: Request): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Creates an endpoint that checks signatures, calls the function for each message and ignores repetitions.
 *
 *     const endpoint = createEndpoint({
 *       secrets: [process.env.DIALHOOK_SECRET],
 *       request: (call) => ({ dial: { type: 'gateway', gateway: 'gw', number: call.destination_number } }),
 *       hangup: (call) => bill(call.uuid, call.recovered ? 0 : call.billable_ms),
 *     });
 *     createServer(nodeListener(endpoint)).listen(9000);
 *
 * Statuses: 200 with a decision, 404 without one, 204 for a notification, 401 for a wrong signature, 413 for a body of
 * more than 1 MiB, 500 when a function throws. Accepts POST with a JSON body, and GET with a query string.
 * @throws {TypeError} when `secrets` is empty.
 */
export function createEndpoint(options: EndpointOptions): Handler {
  const { secrets, repeats = new RecentIds(), onError = console.error } = options;
  if (secrets.length === 0) throw new TypeError('secrets must contain a secret, or be "unsigned"');
  const inFlight = new Map<string, Promise<void>>();

  const verified = (headers: Headers, content: string | Uint8Array): string | undefined => {
    if (secrets === 'unsigned') return headers.get('webhook-id') ?? crypto.randomUUID();
    try {
      return verifyWebhook(secrets, Object.fromEntries(headers), content).id;
    } catch {
      return undefined;
    }
  };

  async function handle(notification: Notification, id: string): Promise<void> {
    if (await repeats.has(id)) return;
    const handler = options[notification.action] as ((n: Notification, id: string) => unknown) | undefined;
    await handler?.(notification, id);
    await repeats.add(id);
  }

  /** A repetition that arrives while the first one is being handled waits for it and gets the same status. */
  function handleOnce(notification: Notification, id: string): Promise<void> {
    const running = inFlight.get(id);
    if (running) return running;
    const work = handle(notification, id).finally(() => inFlight.delete(id));
    inFlight.set(id, work);
    return work;
  }

  async function answer(message: EndpointRequest | Notification, id: string): Promise<Response> {
    if (message.action === 'request') {
      const decision = await options.request(message);
      if (decision === undefined) return empty(404);
      const caching = options.caching?.(message, decision);
      return Response.json(decision, caching === undefined ? {} : { headers: cachingHeaders(caching) });
    }
    await handleOnce(message, id);
    return empty(204);
  }

  return async (request) => {
    const query = new URL(request.url).search.slice(1);
    const isGet = request.method === 'GET';
    const content = isGet ? query : await bodyOf(request);
    if (content === undefined) return empty(413);
    const id = verified(request.headers, content);
    if (id === undefined) return empty(401);
    try {
      const message: unknown = isGet
        ? messageOfQuery(query)
        : JSON.parse(new TextDecoder().decode(content as Uint8Array));
      return await answer(message as EndpointRequest | Notification, id);
    } catch (error) {
      onError(error);
      return empty(500);
    }
  };
}

async function respond(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = incoming;
  const headers = Object.entries(incoming.headersDistinct).map(([name, values = []]): [string, string] => [
    name,
    values.join(', '),
  ]);
  const body =
    method === 'GET' || method === 'HEAD' ? {} : { body: Readable.toWeb(incoming), duplex: 'half' };
  const answer = await handler(
    new Request(`http://endpoint${url}`, { method, headers, ...body } as RequestInit),
  );
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  outgoing.end(Buffer.from(await answer.arrayBuffer()));
}

/** The endpoint as a listener for `createServer` of node:http, and for frameworks that take such a function. */
export const nodeListener =
  (handler: Handler): RequestListener =>
  (incoming, outgoing) => {
    respond(handler, incoming, outgoing).catch(() => outgoing.destroy());
  };
