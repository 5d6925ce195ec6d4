-- Ends a claim while notifications wait: claimed -> waiting. The caller must wake the retry job afterwards.
--
-- KEYS  1 waiting list, 2 claim
-- ARGV  1 token, 2 the first entry as it was read, 3 the same with its attempts, or '' if none was made
-- Returns 1, or 0 when the claim is lost. Then nothing is changed.

local waiting, claim = KEYS[1], KEYS[2]
local token, entry, attempted = ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', claim) ~= token then return 0 end
if attempted ~= '' then
  local position = redis.call('LPOS', waiting, entry)
  if position then redis.call('LSET', waiting, position, attempted) end
end
redis.call('DEL', claim)
return 1
