// Each is one step on what `Endpoints` keeps: its fields are described there.

const OFF_PROBE_MS = 60 * 60 * 1000;

/** Of more endpoints nothing is kept, whoever makes up their names; one that is off is never given up for another. */
const MAX_KNOWN = 10_000;

// Redis's own clock, so that notifiers whose clocks differ agree.
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** KEYS: the endpoint's hash. ARGV: the longest that a probe can take, ms. Gives what to do, ms or a count, probing. */
export const ENTER = `${NOW}
local got = redis.call('HMGET', KEYS[1], 'state', 'probe_from', 'probing', 'throttles', 'failures')
local state, from = got[1], tonumber(got[2])
if not state then return { got[5] and 'failing' or 'healthy', 0, 0 } end
if from and now >= from then
  local lease = state == 'off' and ${OFF_PROBE_MS} or tonumber(ARGV[1])
  redis.call('HSET', KEYS[1], 'probe_from', now + lease, 'probing', 1)
  return { 'probe', tonumber(got[4]) or 0, 0 }
end
if state == 'off' then return { 'off', 0, 0 } end
return { 'wait', from - now, got[3] and 1 or 0 }`;

/** KEYS: its hash, the set of all. ARGV: origin, whether it was a probe. Gives 1 when that has switched it on. */
export const SUCCEEDED = `
local got = redis.call('HMGET', KEYS[1], 'state', 'probe_from')
if got[1] and not (ARGV[2] == '1' and got[2]) then
  redis.call('HDEL', KEYS[1], 'failing_since', 'failures', 'error')
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return got[1] == 'off' and 1 or 0`;

/**
 * KEYS: its hash, the set of all. ARGV: origin, error, whether it was a probe, ms to throttle or nothing, ms without a
 * success until it is switched off, ms until failures are forgotten. Gives 1 when that has switched it off.
 */
export const FAILED = `${NOW}
local max = ${MAX_KNOWN}
local origin, err, probe, throttle = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
if redis.call('SADD', KEYS[2], origin) == 1 and redis.call('SCARD', KEYS[2]) > max then
  local other = redis.call('SRANDMEMBER', KEYS[2])
  local key = string.sub(KEYS[1], 1, -#origin - 1) .. other
  local kept = other == origin or redis.call('HGET', key, 'state') == 'off'
  redis.call('SREM', KEYS[2], kept and origin or other)
  if kept then return 0 end
  redis.call('DEL', key)
end
redis.call('HSETNX', KEYS[1], 'failing_since', now)
redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HSET', KEYS[1], 'error', err)
local got = redis.call('HMGET', KEYS[1], 'state', 'probe_from', 'failing_since')
local state, from = got[1], tonumber(got[2])
if probe then redis.call('HDEL', KEYS[1], 'probing') end
if state == 'off' then return 0 end
if now - got[3] >= tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], 'state', 'off', 'by', 'notifier', 'off_since', now, 'probe_from', now + ${OFF_PROBE_MS})
  redis.call('PERSIST', KEYS[1])
  return 1
end
if throttle and (probe or not state) then
  redis.call('HSET', KEYS[1], 'state', 'throttled', 'probe_from', now + throttle)
  redis.call('HINCRBY', KEYS[1], 'throttles', 1)
elseif throttle then
  redis.call('HSET', KEYS[1], 'probe_from', math.max(from, now + throttle))
elseif probe then
  redis.call('HDEL', KEYS[1], 'state', 'probe_from', 'throttles')
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 0`;

/** KEYS: its hash, the set of all. ARGV: origin. */
export const DISABLE = `${NOW}
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'state', 'off', 'by', 'operator', 'off_since', now)
redis.call('HDEL', KEYS[1], 'probe_from', 'probing')
redis.call('PERSIST', KEYS[1])`;
