import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
// By their paths, not by #libs: this package is also built and installed without the rest.
import { verifyWebhook } from '../webhook-signature/webhook-signature.ts';
import type { Decision, EndpointRequest, Notification } from './contract.ts';
import { messageOfQuery } from './query.ts';
import { RecentIds, type Repeats } from './repeats.ts';

export type { Decision, EndpointRequest, Notification } from './contract.ts';
export type { Repeats } from './repeats.ts';

export type Action = Notification['action'];
/** What is told with one `action`: `NotificationOf<'hangup'>`. */
export type NotificationOf<A extends Action> = Extract<Notification, { readonly action: A }>;

export type EndpointOptions = {
  /** The operator's secrets for this endpoint, several while one is changed; `unsigned` checks nothing. */
  readonly secrets: readonly string[] | 'unsigned';
  /** Where does this call go? Without a decision its dialplan goes on. */
  readonly request: (call: EndpointRequest) => Decision | undefined | Promise<Decision | undefined>;
  /** Which notifications have been worked on; the last 100,000 of this process without it. */
  readonly repeats?: Repeats;
  /** What a function of yours has thrown; written to standard error without it. */
  readonly onError?: (error: unknown) => void;
} & {
  /** Told once of each; when it fails, it is told again later. */
  readonly [A in Action]?: (notification: NotificationOf<A>, id: string) => void | Promise<void>;
};

/** An endpoint as fetch has it: a request in, a response out. */
export type Handler = (request: Request) => Promise<Response>;

const MAX_BODY_BYTES = 1024 * 1024;

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

/** Checks the signature, then hands each message to the function for its action; repeats are dropped. */
export function createEndpoint(options: EndpointOptions): Handler {
  const { secrets, repeats = new RecentIds(), onError = console.error } = options;
  if (secrets.length === 0) throw new TypeError('secrets must hold a secret, or be "unsigned"');
  const inHand = new Map<string, Promise<void>>();

  const verified = (headers: Headers, content: string | Uint8Array): string | undefined => {
    if (secrets === 'unsigned') return headers.get('webhook-id') ?? crypto.randomUUID();
    try {
      return verifyWebhook(secrets, Object.fromEntries(headers), content).id;
    } catch {
      return undefined;
    }
  };

  async function tell(notification: Notification, id: string): Promise<void> {
    if (await repeats.has(id)) return;
    const told = options[notification.action] as ((n: Notification, id: string) => unknown) | undefined;
    await told?.(notification, id);
    await repeats.add(id);
  }

  /** A repeat that comes while the first is worked on waits for it. */
  function tellOnce(notification: Notification, id: string): Promise<void> {
    const running = inHand.get(id);
    if (running) return running;
    const work = tell(notification, id).finally(() => inHand.delete(id));
    inHand.set(id, work);
    return work;
  }

  async function answer(message: EndpointRequest | Notification, id: string): Promise<Response> {
    if (message.action === 'request') {
      const decision = await options.request(message);
      return decision === undefined ? empty(404) : Response.json(decision);
    }
    await tellOnce(message, id);
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

/** The same for `createServer` of node:http, and for frameworks that take such a function. */
export const nodeListener =
  (handler: Handler): RequestListener =>
  (incoming, outgoing) => {
    respond(handler, incoming, outgoing).catch(() => outgoing.destroy());
  };
