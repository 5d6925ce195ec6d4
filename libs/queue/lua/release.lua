-- Ends a claim while notifications wait: claimed -> waiting. The caller must wake the retry job afterwards.
--
-- KEYS  1 waiting list, 2 claim, 3 the partition's pending calls
-- ARGV  1 token, 2 the first entry as it was read, 3 the same with its attempts, or '' if none was made, 4 the call
-- Returns 1, or 0 when the claim is lost. Then nothing is changed.

--- @include "same-text"

local waiting, claim, pending = KEYS[1], KEYS[2], KEYS[3]
local token, entry, attempted, call = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('GET', claim) ~= token then return 0 end
if attempted ~= '' then
  local position = redis.call('LPOS', waiting, entry)
  if not position and is_same(redis.call('LINDEX', waiting, 0), entry) then position = 0 end
  if position then redis.call('LSET', waiting, position, attempted) end
end
redis.call('DEL', claim)
redis.call('SADD', pending, call)
return 1
