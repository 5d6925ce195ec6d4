-- Removes notifications that are delivered or dead, and renews or ends their calls' claims: claimed -> claimed or idle.
--
-- KEYS  2 per item: waiting list, claim
-- ARGV  1 claim_ms
--       2 per item: token, entry
-- Returns per item { 1, next entry or nil } or { 0 } when the claim is lost; nothing is changed then.
--
-- Invariant: without a next entry the claim is gone, in the same step: what is appended later finds the call idle.

local claim_ms = ARGV[1]
local settled = {}
for i = 1, #KEYS / 2 do
  local waiting, claim = KEYS[2 * i - 1], KEYS[2 * i]
  local token, entry = ARGV[2 * i], ARGV[2 * i + 1]
  if redis.call('GET', claim) ~= token then
    settled[i] = { 0 }
  else
    redis.call('LREM', waiting, 1, entry)
    local following = redis.call('LINDEX', waiting, 0)
    if following then
      redis.call('PEXPIRE', claim, claim_ms)
    else
      redis.call('DEL', claim)
    end
    settled[i] = { 1, following }
  end
end
return settled
