-- Finds the pending calls of a partition that need a retry job, and forgets those that have no notifications.
--
-- KEYS  1 the partition's pending calls
--       2 per call: waiting list, claim
-- ARGV  calls
-- Returns the calls whose notifications wait without a claim.

--- @include "longest-claim"

local pending, unclaimed = KEYS[1], {}
for i, call in ipairs(ARGV) do
  local waiting, claim = KEYS[2 * i], KEYS[2 * i + 1]
  local claimed_ms = redis.call('PTTL', claim)
  if redis.call('LLEN', waiting) == 0 then
    redis.call('SREM', pending, call)
  elseif claimed_ms <= 0 or claimed_ms > LONGEST_CLAIM_MS then
    table.insert(unclaimed, call)
  end
end
return unclaimed
