import { BUS } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { ringing } from '#test/support/notifier/progress.ts';
import { until } from '#test/support/until.ts';
import { hostileText, mutateObject, type Random } from './mutate.ts';
import type { Target } from './target.ts';
import type { Way } from './way.ts';

const QUEUE = '{dialhook:retry}:calls';
/** The keys of BullMQ's queue. */
const QUEUE_NAMES = [
  ...['wait', 'active', 'paused', 'delayed', 'prioritized', 'completed', 'failed', 'marker', 'stalled'],
  ...['meta', 'id', 'pc', 'stalled-check', 'limiter', 'events'],
];
const META_FIELDS = ['paused', 'concurrency', 'max', 'duration', 'opts.maxLenEvents', 'version'];

/** Replaces a key by a value of another type, or by one with hostile text. */
function replaced(random: Random, target: Target, key: string, text: string | Buffer): Promise<unknown> {
  const gone = target.redis.multi().del(key);
  const kinds = [
    () => gone,
    () => gone.set(key, text),
    () => gone.set(key, text, 'PX', 10 ** 12),
    () => gone.rpush(key, text),
    () => gone.hset(key, text.length > 0 ? text : 'x', text),
    () => gone.zadd(key, random.pick(['1', '-inf', '+inf', '1e300']), text),
    () => gone.sadd(key, text),
    () => gone.xadd(key, random.pick(['*', '18446744073709551615-1']), 'x', text),
  ];
  return random.pick(kinds)().exec();
}

/** Damages the retry queue: a key, a field, a job of a call or its deduplication. */
function damagedQueue(random: Random, target: Target, uuid: string, text: string): Promise<unknown> {
  const { redis } = target;
  const job = random.chance(0.5) ? `bad-${random.below(1e9)}` : text || 'x';
  const key = (name: string) => `${QUEUE}:${name}`;
  const opts = random.chance(0.5) ? '{}' : text;
  const kinds = [
    () => replaced(random, target, key(random.pick(QUEUE_NAMES)), text),
    () => redis.hset(key('meta'), random.pick(META_FIELDS), random.chance(0.5) ? '1' : text),
    () => redis.hset(key(job), { name: 'call', data: text, opts }),
    () => redis.rpush(key(random.pick(['wait', 'active'])), job),
    () => redis.zadd(key('delayed'), random.pick(['0', '-1', '1e300', '+inf']), job),
    () => replaced(random, target, key(`${random.pick(['de', 'dn'])}:${uuid}`), text),
    async () => {
      const [taken] = await redis.lrange(key('active'), 0, 0);
      if (taken !== undefined) await replaced(random, target, key(`${taken}:lock`), text);
    },
    async () => {
      const [waiting] = await redis.lrange(key('wait'), 0, 0);
      if (waiting !== undefined) await replaced(random, target, key(waiting), text);
    },
  ];
  return Promise.resolve(random.pick(kinds)());
}

/** Damages the keys of a call, or those that calls share. */
function damagedKeys(
  random: Random,
  target: Target,
  uuid: string,
  text: string | Buffer,
  withPending: boolean,
): Promise<unknown> {
  const { redis } = target;
  const tag = `{dialhook:${partitionOf(uuid)}}`;
  const { origin } = new URL(target.url);
  const own = ['waiting', 'seen', 'claim'].map((kind) => `${tag}:${kind}:${uuid}`);
  const shared = [
    ...[`${tag}:lease`, '{dialhook:retry}:checked', '{dialhook:notifiers}'],
    ...(withPending ? [`${tag}:pending`] : []),
    ...['{dialhook:endpoints}:known', `{dialhook:endpoints}:${origin}`],
    ...['{dialhook:dead}:letters', '{dialhook:dead}:times', `{dialhook:dead}:origin:${origin}`],
  ];
  const letter = `bad-${random.below(1e9)}`;
  const kinds = [
    () => replaced(random, target, random.pick(random.chance(0.1) ? shared : own), text),
    () => redis.rpush(`${tag}:waiting:${uuid}`, text),
    () => redis.sadd(`${tag}:pending`, text || 'x'),
    () => redis.zadd('{dialhook:notifiers}', random.pick(['0', '1e300', '+inf']), text || 'x'),
    () => redis.hset(`${tag}:seen:${uuid}`, 'leg-0.ring', text),
    () =>
      redis.hset(`{dialhook:endpoints}:${origin}`, random.pick(['state', 'probe_from', 'failures']), text),
    () =>
      redis
        .multi()
        .hset('{dialhook:dead}:letters', letter, text)
        .zadd('{dialhook:dead}:times', 1, letter)
        .exec(),
  ];
  return Promise.resolve(random.pick(kinds)());
}

/** Of so many cases one damages the retry queue, which all calls share. */
const QUEUE_DAMAGES = 50;

/**
 * Each case damages keys and publishes a notification of a call whose own keys may be damaged. Now and then comes a call
 * whose keys are left alone and whose first attempt fails: it needs the retry queue, and must be delivered.
 */
export const redisWay: Way = {
  name: 'process-redis',
  what: 'keys of the wrong type, corrupt entries and jobs, and a damaged retry queue in Redis',
  atOnce: 4,
  open: async (target) => {
    const good = new Set<string>();
    /** A batch damages jobs or the sets of pending calls: without both nothing knows that a call waits. */
    let damagesQueue: boolean | undefined;
    const publish = (uuid: string, url: string) =>
      target.nats.publish(
        `${BUS.progress}.${partitionOf(uuid)}.fs1`,
        JSON.stringify(ringing(url, uuid, 'leg-1')),
      );
    return {
      close: () => {},
      verify: async () => {
        const lost = () => [...good].filter((uuid) => target.notified(uuid) === undefined);
        const delivered = () =>
          until('every call that needs the retry queue is delivered', () => lost().length === 0);
        // One repair follows another for as long as a damage shows after the last.
        await delivered()
          .catch(delivered)
          .catch((error: Error) => {
            throw new Error(`${error.message}: ${lost().length} of ${good.size}, ${lost().slice(0, 3)}`);
          });
      },
      run: async (random) => {
        const uuid = random.uuid();
        const text = random.chance(0.5)
          ? hostileText(random)
          : JSON.stringify(mutateObject(random, { id: 'x', at: 1 }));
        const bytes = random.chance(0.2) ? Buffer.from(`${text}\xff`, 'latin1') : text;
        damagesQueue ??= random.chance(0.5);
        const damaged =
          damagesQueue && random.below(QUEUE_DAMAGES) === 0
            ? damagedQueue(random, target, uuid, text)
            : damagedKeys(random, target, uuid, bytes, !damagesQueue);
        // A key of the wrong type refuses the command.
        await damaged.catch(() => {});
        publish(uuid, target.url);
        if (!random.chance(0.1)) return;
        const unharmed = random.uuid();
        good.add(unharmed);
        publish(unharmed, target.laterUrl);
      },
    };
  },
};
