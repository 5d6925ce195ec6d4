-- Claims a call for its retry job: waiting -> claimed.
--
-- KEYS  1 waiting list, 2 claim
-- ARGV  1 token, 2 claim_ms
-- Returns { busy_ms }     another process has the claim for at most busy_ms
--         { 0 }           the waiting list is empty
--         { 0, entry }    claimed; the first entry of the call
--
-- Invariants: a second run with the same token has the same result. The script writes before any attempt is made, so
-- that a Redis that refuses writes prevents the attempt.

local waiting, claim = KEYS[1], KEYS[2]
local token, claim_ms = ARGV[1], ARGV[2]
local busy_ms = redis.call('PTTL', claim)
if busy_ms > 0 and redis.call('GET', claim) ~= token then return { busy_ms } end
local first = redis.call('LINDEX', waiting, 0)
if not first then return { 0 } end
redis.call('SET', claim, token, 'PX', claim_ms)
return { 0, first }
