-- Deletes the state of an endpoint, which makes it healthy.
--
-- KEYS  1 the endpoint's hash, 2 set of known endpoints
-- ARGV  1 origin
-- Returns 1 if it was disabled, else 0.

local endpoint, known, origin = KEYS[1], KEYS[2], ARGV[1]
local was_disabled = redis.call('HGET', endpoint, 'state') == 'disabled'
redis.call('DEL', endpoint)
redis.call('SREM', known, origin)
return was_disabled and 1 or 0
