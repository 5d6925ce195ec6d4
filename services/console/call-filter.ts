import type { CallFilter, CallSummary } from '#libs/contract/console.ts';
import { originOf } from '#libs/net/url.ts';
import type { CallRecord } from './call-record.ts';

const includes = (text: string | undefined, part: string): boolean =>
  text?.toLowerCase().includes(part) ?? false;

function matchesText(call: CallSummary, part: string): boolean {
  const { uuid, from, to, from_name, endpoint, node, result, cause } = call;
  return (
    [uuid, from, to, from_name, endpoint].some((one) => includes(one, part)) ||
    [node, result, cause].some((one) => one?.toLowerCase() === part)
  );
}

type Match<Value> = (record: CallRecord, value: Value) => boolean;

/** The values of a filter as they are compared: text in lower case, times in epoch ms. */
const comparable = ({ q, uuid, number, since, until, ...rest }: CallFilter) => ({
  ...rest,
  q: q?.trim().toLowerCase(),
  uuid: uuid?.toLowerCase(),
  number: number?.toLowerCase(),
  since: since === undefined ? undefined : Date.parse(since),
  until: until === undefined ? undefined : Date.parse(until),
});
type Comparable = ReturnType<typeof comparable>;

const MATCHES: { readonly [Field in keyof CallFilter]-?: Match<NonNullable<Comparable[Field]>> } = {
  q: ({ summary }, part) => matchesText(summary, part),
  uuid: ({ summary }, prefix) => summary.uuid.toLowerCase().startsWith(prefix),
  number: ({ summary }, part) => includes(summary.from, part) || includes(summary.to, part),
  node: ({ summary }, node) => summary.node === node,
  result: ({ summary }, result) => summary.result === result,
  cause: ({ summary }, cause) => summary.cause === cause,
  outcome: ({ summary }, outcome) => summary.outcome === outcome,
  endpoint: ({ summary: { endpoint } }, wanted) =>
    endpoint !== undefined && (endpoint === wanted || originOf(endpoint) === wanted),
  gateway: ({ summary }, gateway) => summary.gateways?.includes(gateway) ?? false,
  slower_than: ({ decisions }, ms) => decisions.some((one) => one >= ms),
  notifications: ({ summary: { notifications: all } }, state) =>
    state === 'pending' ? all.published > all.delivered + all.dead : all.dead > 0,
  state: ({ ended }, state) => (state === 'ended') === (ended !== ''),
  since: ({ summary }, ms) => Date.parse(summary.started) >= ms,
  until: ({ summary }, ms) => Date.parse(summary.started) < ms,
};

/** @returns whether a call has all properties that the filter asks for. */
export function matcher(filter: CallFilter): (record: CallRecord) => boolean {
  const wanted = comparable(filter);
  const all = Object.entries(MATCHES).flatMap(([field, match]) => {
    const value = wanted[field as keyof CallFilter];
    return value === undefined ? [] : [(record: CallRecord) => (match as Match<unknown>)(record, value)];
  });
  return (record) => all.every((matches) => matches(record));
}
