-- Appends notifications of one partition, and claims the idle calls for which a token is given.
--
-- KEYS  1                       the partition's lease
--       2                       the partition's pending calls
--       3 per entry             its call's waiting list, seen hash, claim
-- ARGV  1 holder                the notifier that must have the lease
--       2 dedup_ms              how long the ids of a call are kept after its last one
--       3 claim_ms              expiry of a new claim
--       6 per entry             the call, field LEG.ACTION, time of the event (a hangup: LAST), lateness, token for a
--                               claim or '', the entry
--       lateness                'optional': late when any later entry was sent; 'final': late when the hangup was sent;
--                               'free': never late
-- Returns per entry: 'claimed', 'behind', 'waiting', 'repeat', 'done' or 'late' (see Placement in claims.ts)
-- Error LEASELOST when another notifier has the lease. Then nothing is changed.
--
-- Invariants
-- - Each id is appended at most once within dedup_ms.
-- - Nothing is inserted before the first entry of a list, which may be in flight.
-- - A claim is made only for a list that was empty, so the entry is the first of its call.
-- - A call whose entry is left to the retry job, or may be, is pending before its message is acknowledged.
-- - A second run with the same arguments (a client resends after a lost connection) returns 'claimed' again.

local LAST = 9007199254740991 -- Number.MAX_SAFE_INTEGER: only leg_end, transfer and recording come after the hangup
local LEFT_TO_JOB = { waiting = true, ['repeat'] = true, behind = true }

--- @include "entry"

local function place_of(waiting, seen, at, lateness)
  local later_seen, ended = 0, false
  for _, seen_at in ipairs(redis.call('HVALS', seen)) do
    if (tonumber(seen_at) or 0) > at then later_seen = later_seen + 1 end
    if tonumber(seen_at) == LAST then ended = true end
  end
  if later_seen == 0 then return false, nil end
  local later_waiting, first_later = 0, nil
  for _, other in ipairs(redis.call('LRANGE', waiting, 1, -1)) do
    local other_at = read(other).at
    if other_at > at then
      later_waiting = later_waiting + 1
      first_later = first_later or other
    end
    if other_at == LAST then ended = false end
  end
  local overtaken = later_seen > later_waiting
  if lateness == 'free' then return false, first_later end
  return ended or (lateness == 'optional' and overtaken), first_later
end

local lease, pending = KEYS[1], KEYS[2]
local holder, dedup_ms, claim_ms = ARGV[1], ARGV[2], ARGV[3]
if redis.call('GET', lease) ~= holder then
  return redis.error_reply('LEASELOST another notifier reads this partition')
end

local function still_waits(waiting, entry)
  local id = cjson.decode(entry).id
  for _, other in ipairs(redis.call('LRANGE', waiting, 0, -1)) do
    if read(other).id == id then return true end
  end
  return false
end

local function append(waiting, seen, claim, field, at, lateness, token, entry)
  if redis.call('HEXISTS', seen, field) == 1 then
    if token ~= '' and redis.call('GET', claim) == token then return 'claimed' end
    return still_waits(waiting, entry) and 'repeat' or 'done'
  end
  local was_empty = redis.call('EXISTS', waiting) == 0
  local late, before = place_of(waiting, seen, at, lateness)
  if late then
    redis.call('HSET', seen, field, at)
    return 'late'
  end
  if before then
    redis.call('LINSERT', waiting, 'BEFORE', before, entry)
  else
    redis.call('RPUSH', waiting, entry)
  end
  redis.call('HSET', seen, field, at)
  if redis.call('EXISTS', claim) == 1 then return 'behind' end
  if was_empty and token ~= '' then
    redis.call('SET', claim, token, 'PX', claim_ms)
    return 'claimed'
  end
  return 'waiting'
end

local placements = {}
for i = 1, (#KEYS - 2) / 3 do
  local waiting, seen, claim = unpack(KEYS, 3 * i, 3 * i + 2)
  local call, field, at, lateness, token, entry = unpack(ARGV, 6 * i - 2, 6 * i + 3)
  placements[i] = append(waiting, seen, claim, field, tonumber(at), lateness, token, entry)
  if LEFT_TO_JOB[placements[i]] then redis.call('SADD', pending, call) end
end
-- PEXPIRE comes last: a Redis without free memory accepts it as a first write, and would then accept all others.
for i = 1, (#KEYS - 2) / 3 do
  redis.call('PEXPIRE', KEYS[3 * i + 1], dedup_ms)
end
return placements
