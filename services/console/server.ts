import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ExportQuery, Login, ROLES, type Session } from '#libs/contract/console.ts';
import { plainErrors } from '#libs/contract/plain-errors.ts';
import { problem } from '#libs/contract/problem.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { Access, FailedLogins } from './access.ts';
import type { ConsoleConfig } from './config.ts';
import { ApiError, type ConsoleContext } from './context.ts';
import { FORMATS, fileOf } from './export.ts';
import type { Live } from './live.ts';
import { openApi } from './openapi.ts';
import { servePage } from './page.ts';
import { ROUTES, type Route } from './routes.ts';

const COOKIE = 'dialhook_session';
const MAX_BODY_BYTES = 64 * 1024;
/** A header that the page sends. Another site's page cannot send it without a CORS preflight, which fails. */
const FROM_PAGE = 'x-dialhook';

const tooMany = (ms: number) =>
  new ApiError(429, `too many failed logins: try again in ${Math.ceil(ms / 1000)} s`);

/** Authentication by bearer token or session cookie, and the check of the role. */
class Guard {
  readonly #access: Access;
  readonly #failed = new FailedLogins();

  constructor(config: ConsoleConfig) {
    this.#access = new Access(config);
  }

  /** @throws {ApiError} */
  session(request: FastifyRequest, role: Session['role'] = 'viewer'): Session {
    const session = this.#bearer(request) ?? this.#cookie(request);
    if (session === undefined) throw new ApiError(401, 'not logged in');
    if (ROLES.indexOf(session.role) < ROLES.indexOf(role))
      throw new ApiError(403, `requires the role ${role}`);
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
      throw new ApiError(403, `requests with a session cookie need the header ${FROM_PAGE}`);
    return session;
  }

  #wait(request: FastifyRequest): void {
    const wait = this.#failed.wait(request.ip);
    if (wait > 0) throw tooMany(wait);
  }

  #refused(request: FastifyRequest): ApiError {
    this.#failed.add(request.ip);
    return new ApiError(401, 'unknown token');
  }
}

function parsed<S extends z.ZodType>(
  schema: S | undefined,
  part: 'query' | 'body',
  request: FastifyRequest,
): z.output<S> | undefined {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(request[part] ?? {}, { error: plainErrors });
  if (!result.success) throw new ApiError(400, problem(result.error, `the ${part}`));
  return result.data;
}

function addRoute(app: FastifyInstance, context: ConsoleContext, guard: Guard, route: Route): void {
  app.route({
    method: route.method,
    url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    handler: async (request) => {
      const session = guard.session(request, route.role);
      return route.handle(context, {
        params: request.params as Record<string, string>,
        query: parsed(route.query, 'query', request),
        body: parsed(route.body, 'body', request),
        session,
      });
    },
  });
}

function addSession(app: FastifyInstance, guard: Guard, config: ConsoleConfig, log: Log): void {
  const attributes = (request: FastifyRequest) =>
    ({ path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' }) as const;
  app.get('/api/session', async (request) => guard.session(request));
  app.post('/api/session', async (request, reply) => {
    const { token } = parsed(Login, 'body', request) ?? { token: '' };
    const { session, cookie: value } = guard.logIn(request, token);
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
    guard.session(request);
    reply.clearCookie(COOKIE, attributes(request));
    return { ok: true };
  });
}

function addExport(app: FastifyInstance, context: ConsoleContext, guard: Guard): void {
  app.get('/api/export/calls', async (request, reply) => {
    const session = guard.session(request);
    const query = parsed(ExportQuery, 'query', request);
    if (query === undefined) return;
    const { calls, complete } = await context.all(query);
    context.audit(session, 'export', { which: query, result: 'ok', calls: calls.length, complete });
    const time = new Date().toISOString().slice(0, 19).replaceAll(':', '');
    const name = `calls-${time}${complete ? '' : '-incomplete'}.${query.format}`;
    return reply
      .type(FORMATS[query.format].type)
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(fileOf(calls, query.format));
  });
}

function addLive(app: FastifyInstance, guard: Guard, live: Live): void {
  app.get('/api/events', async (request, reply) => {
    guard.session(request);
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
  app.setNotFoundHandler((_, reply) => answer(reply, 404, 'not found'));
  app.setErrorHandler((error: Error & { statusCode?: number; status?: number }, request, reply) => {
    const status = error instanceof ApiError ? error.status : (error.statusCode ?? 500);
    if (error.message.startsWith('Redis cannot be reached'))
      return answer(reply, 503, 'Redis cannot be reached');
    if (status === 429) reply.header('retry-after', '60');
    if (status < 500 || error instanceof ApiError) return answer(reply, status, error.message);
    log.error('console.request_failed', { err: error, path: request.routeOptions.url });
    return answer(reply, 500, 'internal error; see the log of the console');
  });
}

/** Serves the API and the page. */
export async function serve(
  config: ConsoleConfig,
  context: ConsoleContext,
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
  const readJson = app.getDefaultJsonParser('error', 'error');
  // Some clients send the header with every POST, also without a body.
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null) : readJson(request, body, done),
  );
  await app.register(cookie);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
  answerProblems(app, log);
  const guard = new Guard(config);
  for (const route of ROUTES) addRoute(app, context, guard, route);
  addSession(app, guard, config, log);
  addExport(app, context, guard);
  addLive(app, guard, live);
  app.get('/api/openapi.json', async () => openApi);
  await servePage(app);
  await app.listen({ host: config.CONSOLE_HOST, port: config.CONSOLE_PORT });
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
}
