-- Removes endpoints without stored state from the set of known endpoints. The state of an endpoint that is not disabled
-- expires.
--
-- KEYS  1 set of known endpoints
--       1 per endpoint: its hash
-- ARGV  origins

local known = KEYS[1]
for i, origin in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[i + 1]) == 0 then redis.call('SREM', known, origin) end
end
