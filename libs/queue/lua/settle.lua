-- Removes delivered and dead notifications, and renews or ends the claims of their calls: claimed -> claimed or idle.
--
-- KEYS  2 per item: waiting list, claim
-- ARGV  1 claim_ms
--       2 per item: token, entry
-- Returns per item { 1, next entry or nil }, or { 0 } when the claim is lost. Then nothing is changed.
--
-- Invariant: the claim ends in the same step as the last entry, so that a later append finds the call idle.

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
