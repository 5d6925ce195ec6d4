-- Deletes the state of an endpoint unless it is disabled, so that another endpoint can be stored.
--
-- KEYS  1 the endpoint's hash, 2 set of known endpoints
-- ARGV  1 origin
-- Returns 1 if it was deleted, else 0.

local endpoint, known, origin = KEYS[1], KEYS[2], ARGV[1]
if redis.call('HGET', endpoint, 'state') == 'disabled' then return 0 end
redis.call('DEL', endpoint)
redis.call('SREM', known, origin)
return 1
