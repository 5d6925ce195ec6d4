-- Decides whether a notification may be sent to an endpoint now.
--
-- KEYS  1 the endpoint's hash
-- ARGV  1 probe_ms, maximum duration of a probe; 2 disabled_probe_ms, time between probes of a disabled endpoint
-- Returns { 'healthy' | 'failing' | 'probe' | 'wait' | 'disabled', number, probing }
--         number: for 'probe' how often the endpoint was throttled in a row, for 'wait' the ms left
--         probing: for 'wait' 1 if a probe is in flight, which takes at most the ms left
--
-- Invariant: at most one probe is in flight, unless it takes longer than probe_ms.

--- @include "probe-from"

local endpoint = KEYS[1]
local probe_ms, disabled_probe_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local got = redis.call('HMGET', endpoint, 'state', 'probe_from', 'probing', 'throttles', 'failures')
local state, probing, throttles, failures = got[1], got[3], got[4], got[5]
-- Without a time a throttled endpoint is probed now.
local probe_from = probe_time(got[2], now)
if not state then return { failures and 'failing' or 'healthy', 0, 0 } end
if probe_from and now >= probe_from then
  local busy_ms = state == 'disabled' and disabled_probe_ms or probe_ms
  redis.call('HSET', endpoint, 'probe_from', now + busy_ms, 'probing', 1)
  return { 'probe', tonumber(throttles) or 0, 0 }
end
if state == 'disabled' then return { 'disabled', 0, 0 } end
if not probe_from then
  redis.call('HSET', endpoint, 'probe_from', now + probe_ms, 'probing', 1)
  return { 'probe', tonumber(throttles) or 0, 0 }
end
return { 'wait', probe_from - now, probing and 1 or 0 }
