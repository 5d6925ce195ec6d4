-- Removes delivered and dead notifications, and renews or ends the claims of their calls: claimed -> claimed or idle.
--
-- KEYS  3 per item: waiting list, claim, the partition's pending calls
-- ARGV  1 claim_ms
--       3 per item: call, token, the entry up to its field `at`; all of a corrupt entry
-- Returns per item { 1, next entry or nil }, or { 0 } when the claim is lost. Then nothing is changed.
--
-- Invariant: the claim ends in the same step as the last entry, so that a later append finds the call idle. The call is
-- then no longer pending.

--- @include "same-text"

local claim_ms = ARGV[1]

--- The entry is the first of its list, unless another program has changed the list.
local function remove(waiting, start)
  local is_start = string.sub(start, -6) == ',"at":'
  local function is_meant(entry)
    return entry and (is_start and string.sub(entry, 1, #start) == start or is_same(entry, start))
  end
  if is_meant(redis.call('LINDEX', waiting, 0)) then return redis.call('LPOP', waiting) end
  for _, entry in ipairs(redis.call('LRANGE', waiting, 1, -1)) do
    if is_meant(entry) then return redis.call('LREM', waiting, 1, entry) end
  end
end

local settled = {}
for i = 1, #KEYS / 3 do
  local waiting, claim, pending = unpack(KEYS, 3 * i - 2, 3 * i)
  local call, token, start = unpack(ARGV, 3 * i - 1, 3 * i + 1)
  if redis.call('GET', claim) ~= token then
    settled[i] = { 0 }
  else
    remove(waiting, start)
    local following = redis.call('LINDEX', waiting, 0)
    if following then
      redis.call('PEXPIRE', claim, claim_ms)
    else
      redis.call('DEL', claim)
      redis.call('SREM', pending, call)
    end
    settled[i] = { 1, following }
  end
end
return settled
