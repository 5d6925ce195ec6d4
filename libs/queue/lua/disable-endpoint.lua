-- Disables an endpoint until an operator enables it: no probes.
--
-- KEYS  1 the endpoint's hash, 2 set of known endpoints
-- ARGV  1 origin

local endpoint, known, origin = KEYS[1], KEYS[2], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SADD', known, origin)
redis.call('HSET', endpoint, 'state', 'disabled', 'by', 'operator', 'disabled_since', now)
redis.call('HDEL', endpoint, 'probe_from', 'probing')
redis.call('PERSIST', endpoint)
