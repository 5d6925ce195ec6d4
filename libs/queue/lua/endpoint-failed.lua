-- Records a failed attempt at an endpoint.
--
-- KEYS  1 the endpoint's hash, 2 set of known endpoints
-- ARGV  1 origin, 2 error, 3 '1' for a probe, 4 throttle time in ms or '', 5 ms without a success until the endpoint is
--       disabled, 6 ms until failures are forgotten, 7 maximum number of known endpoints, 8 ms between probes of a
--       disabled endpoint
-- Returns 'full' when the maximum is reached, then nothing is changed; 'disabled' when this failure disabled the
--         endpoint; else 'kept'.

--- @include "probe-from"

local endpoint, known = KEYS[1], KEYS[2]
local origin, error_text, is_probe, throttle_ms = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local disable_after_ms, forget_ms = tonumber(ARGV[5]), ARGV[6]
local max_known, disabled_probe_ms = tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if redis.call('SISMEMBER', known, origin) == 0 then
  if redis.call('SCARD', known) >= max_known then return 'full' end
  redis.call('SADD', known, origin)
end
-- A counter that is no number would refuse every failure.
for _, counter in ipairs({ 'failing_since', 'failures', 'throttles' }) do
  local value = redis.call('HGET', endpoint, counter)
  if value and not (string.match(value, '^%d+$') and #value < 16) then
    redis.call('HDEL', endpoint, counter)
  end
end
redis.call('HSETNX', endpoint, 'failing_since', now)
redis.call('HINCRBY', endpoint, 'failures', 1)
redis.call('HSET', endpoint, 'error', error_text)
local got = redis.call('HMGET', endpoint, 'state', 'probe_from', 'failing_since')
local state, probe_from, failing_since = got[1], probe_time(got[2], now), tonumber(got[3])
if is_probe then redis.call('HDEL', endpoint, 'probing') end
if state == 'disabled' then return 'kept' end
if now - failing_since >= disable_after_ms then
  redis.call('HSET', endpoint, 'state', 'disabled', 'by', 'notifier', 'disabled_since', now,
    'probe_from', now + disabled_probe_ms)
  redis.call('PERSIST', endpoint)
  return 'disabled'
end
if throttle_ms and (is_probe or not state) then
  redis.call('HSET', endpoint, 'state', 'throttled', 'probe_from', now + throttle_ms)
  redis.call('HINCRBY', endpoint, 'throttles', 1)
elseif throttle_ms then
  redis.call('HSET', endpoint, 'probe_from', math.max(probe_from or 0, now + throttle_ms))
elseif is_probe then
  redis.call('HDEL', endpoint, 'state', 'probe_from', 'throttles')
end
redis.call('PEXPIRE', endpoint, forget_ms)
return 'kept'
