import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { ResponseHeaders } from '#libs/http/types.ts';

/** How long, and for which calls, the endpoint allows its decision to be used again. */
export interface CachePermission {
  /** Milliseconds from the answer in which the decision is used without a request. */
  readonly freshMs: number;
  /** Milliseconds after `freshMs` in which it is used when a request fails. */
  readonly staleMs: number;
  /** Fields of the request in which calls must agree to share the decision; sorted. */
  readonly fields: readonly string[];
}

/** Fields of the request that identify who calls whom, from where. All others differ from call to call. */
export const SHARED_FIELDS = [
  ...(['node', 'caller_id_number', 'caller_id_name', 'destination_number', 'caller_id_withheld'] as const),
  ...(['asserted_number', 'context', 'network_addr'] as const),
] as const;
const VARIABLE = /^variables\.([\w.-]{1,128})$/;
const MAX_FIELDS = 32;
const DIRECTIVE = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;"]+)))?/g;
/** Nothing may be stored, or the answer is for one user. */
const FORBIDS = ['no-store', 'no-cache', 'private'];

const text = (headers: ResponseHeaders, name: string): string => [headers[name] ?? []].flat().join(',');

/** The directives of Cache-Control by name. Of a repeated one the first counts. */
function directives(headers: ResponseHeaders): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text(headers, 'cache-control').matchAll(DIRECTIVE)) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, quoted ?? plain ?? '');
  }
  return found;
}

/** Milliseconds of a number of seconds; 0 for anything else. */
const milliseconds = (seconds: string | undefined): number =>
  /^\d{1,10}$/.test(seconds ?? '') ? Number(seconds) * 1000 : 0;

const isField = (name: string): boolean =>
  (SHARED_FIELDS as readonly string[]).includes(name) || VARIABLE.test(name);

/**
 * The permission in `Cache-Control` (max-age, stale-if-error), `Age` and `Dialhook-Vary` of an answer. Undefined without
 * one; a text when the endpoint seems to want it, but one of the headers is missing or wrong.
 */
export function cachePermission(headers: ResponseHeaders): CachePermission | string | undefined {
  const given = directives(headers);
  if (FORBIDS.some((name) => given.has(name))) return undefined;
  const age = milliseconds(text(headers, 'age').trim());
  const maxAge = milliseconds(given.get('max-age'));
  const freshMs = Math.max(0, maxAge - age);
  const afterwards = given.has('must-revalidate') ? 0 : milliseconds(given.get('stale-if-error'));
  // An intermediate cache may have used up a part of the time in which the decision is stale, too.
  const staleMs = Math.max(0, afterwards - Math.max(0, age - maxAge));
  if (freshMs + staleMs === 0) return undefined;
  const fields = text(headers, 'dialhook-vary')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (fields.length === 0)
    return 'Dialhook-Vary is missing: it must list the request fields that the decision depends on';
  const wrong = fields.findIndex((one) => !isField(one));
  if (wrong !== -1 || fields.length > MAX_FIELDS)
    return `Dialhook-Vary: entry ${(wrong === -1 ? MAX_FIELDS : wrong) + 1} must be one of at most ${MAX_FIELDS}: ${SHARED_FIELDS.join(', ')}, variables.NAME`;
  return { freshMs, staleMs, fields: [...new Set(fields)].toSorted() };
}

/** The values of these fields in a request; null for a channel variable that the call does not have. */
export const valuesOf = (request: EndpointRequest, fields: readonly string[]): unknown[] =>
  fields.map((field) => {
    const [, variable] = VARIABLE.exec(field) ?? [];
    if (variable === undefined) return request[field as (typeof SHARED_FIELDS)[number]];
    return Object.hasOwn(request.variables, variable) ? request.variables[variable] : null;
  });
