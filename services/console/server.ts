import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Login, ROLES, type Session } from '#libs/contract/console.ts';
import { problem } from '#libs/contract/problem.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { Access, FailedLogins } from './access.ts';
import type { ConsoleConfig } from './config.ts';
import type { Live } from './live.ts';
import { openApi } from './openapi.ts';
import { servePage } from './page.ts';
import { ROUTES, type Route } from './routes.ts';
import { ApiError, type World } from './world.ts';

const COOKIE = 'dialhook_session';
const MAX_BODY_BYTES = 64 * 1024;
/** What the page sends and another site's page cannot send without being asked. */
const FROM_PAGE = 'x-dialhook';

const tooMany = (ms: number) => new ApiError(429, `too many failed logins: wait ${Math.ceil(ms / 1000)} s`);

/** Who asks, by token or session, and whether that may be. */
class Gate {
  readonly #access: Access;
  readonly #failed = new FailedLogins();

  constructor(config: ConsoleConfig) {
    this.#access = new Access(config);
  }

  /** @throws {ApiError} */
  session(request: FastifyRequest, role: Session['role'] = 'viewer'): Session {
    const session = this.#bearer(request) ?? this.#cookie(request);
    if (session === undefined) throw new ApiError(401, 'log in first');
    if (ROLES.indexOf(session.role) < ROLES.indexOf(role))
      throw new ApiError(403, `only an ${role} may do that`);
    return session;
  }

  logIn(request: FastifyRequest, token: string) {
    this.#wait(request);
    const begun = this.#access.begin(token);
    if (begun === undefined) throw this.#refused(request);
    return begun;
  }

  #bearer(request: FastifyRequest): Session | undefined {
    const [, token] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) return undefined;
    this.#wait(request);
    const session = this.#access.byToken(token);
    if (session === undefined) throw this.#refused(request);
    return session;
  }

  #cookie(request: FastifyRequest): Session | undefined {
    const session = this.#access.bySession(request.cookies[COOKIE] ?? '');
    if (session !== undefined && request.method !== 'GET' && request.headers[FROM_PAGE] === undefined)
      throw new ApiError(403, `with a session such requests need the header ${FROM_PAGE}`);
    return session;
  }

  #wait(request: FastifyRequest): void {
    const wait = this.#failed.wait(request.ip);
    if (wait > 0) throw tooMany(wait);
  }

  #refused(request: FastifyRequest): ApiError {
    this.#failed.add(request.ip);
    return new ApiError(401, 'this token is not known');
  }
}

function parsed<S extends z.ZodType>(schema: S | undefined, value: unknown): z.output<S> | undefined {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value ?? {});
  if (!result.success) throw new ApiError(400, problem(result.error));
  return result.data;
}

function addRoute(app: FastifyInstance, world: World, gate: Gate, route: Route): void {
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    handler: async (request) => {
      const session = gate.session(request, route.role);
      return route.handle(world, {
        params: request.params as Record<string, string>,
        query: parsed(route.query, request.query),
        body: parsed(route.body, request.body),
        session,
      });
    },
  });
}

function addSession(app: FastifyInstance, gate: Gate, config: ConsoleConfig, log: Log): void {
  const attributes = (request: FastifyRequest) =>
    ({ path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' }) as const;
  app.get('/api/session', async (request) => gate.session(request));
  app.post('/api/session', async (request, reply) => {
    const { token } = parsed(Login, request.body) ?? { token: '' };
    const { session, cookie: value } = gate.logIn(request, token);
    log.info('call.control', {
      audit: true,
      who: session.name,
      role: session.role,
      what: 'log in',
      address: request.ip,
    });
    reply.setCookie(COOKIE, value, { ...attributes(request), maxAge: config.CONSOLE_SESSION_MS / 1000 });
    return session;
  });
  app.delete('/api/session', async (request, reply) => {
    gate.session(request);
    reply.clearCookie(COOKIE, attributes(request));
    return { ok: true };
  });
}

function addLive(app: FastifyInstance, gate: Gate, live: Live): void {
  app.get('/api/events', async (request, reply) => {
    gate.session(request);
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    if (!live.listen(raw)) raw.end();
  });
}

function answerProblems(app: FastifyInstance, log: Log): void {
  const answer = (reply: FastifyReply, status: number, error: string) => reply.code(status).send({ error });
  app.setNotFoundHandler((_, reply) => answer(reply, 404, 'there is nothing here'));
  app.setErrorHandler((error: Error & { statusCode?: number; status?: number }, request, reply) => {
    const status = error instanceof ApiError ? error.status : (error.statusCode ?? 500);
    if (error.message.startsWith('Redis cannot be reached'))
      return answer(reply, 503, 'Redis cannot be reached');
    if (status === 429) reply.header('retry-after', '60');
    if (status < 500 || error instanceof ApiError) return answer(reply, status, error.message);
    log.error('console.request_failed', { err: error, path: request.routeOptions.url });
    return answer(reply, 500, 'a fault of the console; its log says more');
  });
}

/** Serves the API and the page. @returns the port, and what ends it. */
export async function serve(
  config: ConsoleConfig,
  world: World,
  live: Live,
  log: Log,
): Promise<{ port: number; close: () => Promise<void> }> {
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    requestTimeout: 15_000,
    routerOptions: { maxParamLength: 400 },
    trustProxy: config.CONSOLE_TRUSTED_PROXIES.length > 0 ? config.CONSOLE_TRUSTED_PROXIES : false,
  });
  app.removeContentTypeParser('text/plain');
  await app.register(cookie);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
  answerProblems(app, log);
  const gate = new Gate(config);
  for (const route of ROUTES) addRoute(app, world, gate, route);
  addSession(app, gate, config, log);
  addLive(app, gate, live);
  app.get('/api/openapi.json', async () => openApi);
  await servePage(app);
  await app.listen({ host: config.CONSOLE_HOST, port: config.CONSOLE_PORT });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}
