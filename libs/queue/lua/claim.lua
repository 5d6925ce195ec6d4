-- Claims a call for its retry job: waiting -> claimed.
--
-- KEYS  1 waiting list, 2 claim, 3 the partition's pending calls
-- ARGV  1 token, 2 claim_ms, 3 the call
-- Returns { busy_ms }     another process has the claim for at most busy_ms
--         { 0 }           the waiting list is empty
--         { 0, entry }    claimed; the first entry of the call
--
-- Invariants: a second run with the same token has the same result. The script writes before any attempt is made, so
-- that a Redis that refuses writes prevents the attempt.

--- @include "longest-claim"

local waiting, claim, pending = KEYS[1], KEYS[2], KEYS[3]
local token, claim_ms, call = ARGV[1], ARGV[2], ARGV[3]

-- GET fails for a key of the wrong type, which is then set aside. SET would overwrite it.
local current = redis.call('GET', claim)
local busy_ms = redis.call('PTTL', claim)
if busy_ms > 0 and busy_ms <= LONGEST_CLAIM_MS and current ~= token then return { busy_ms } end
local first = redis.call('LINDEX', waiting, 0)
if not first then
  redis.call('SREM', pending, call)
  return { 0 }
end
redis.call('SADD', pending, call)
redis.call('SET', claim, token, 'PX', claim_ms)
return { 0, first }
