-- Records a success of an endpoint that was not healthy.
--
-- KEYS  1 the endpoint's hash, 2 set of known endpoints
-- ARGV  1 origin, 2 '1' for a probe
-- Returns 1 if this enabled the endpoint, else 0.
--
-- Invariant: only a probe makes a throttled or disabled endpoint healthy. Other successes reset its failures.

local endpoint, known = KEYS[1], KEYS[2]
local origin, is_probe = ARGV[1], ARGV[2] == '1'
local got = redis.call('HMGET', endpoint, 'state', 'probe_from')
local state, probe_from = got[1], got[2]
if state and not (is_probe and probe_from) then
  redis.call('HDEL', endpoint, 'failing_since', 'failures', 'error')
  return 0
end
redis.call('DEL', endpoint)
redis.call('SREM', known, origin)
return state == 'disabled' and 1 or 0
