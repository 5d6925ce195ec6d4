-- Removes the oldest dead letters beyond the limits, among those that were read.
--
-- KEYS  1 letters, 2 times
--       2 per id: the call's letters, the endpoint's letters; times twice if the letter cannot be read
-- ARGV  1 max, number of dead letters that stay; 2 oldest, those that are older do not
--       2 per id, oldest first: id, the letter as it was read or '' without one
-- Returns per id 1 if it was removed, else 0: another notifier or a replay has removed or replaced it, or the limits are
-- kept by now.
--
-- Invariant: no letter within the limits is removed, however many notifiers do this at once.

--- @include "same-text"

local letters, times = KEYS[1], KEYS[2]
local max, oldest = tonumber(ARGV[1]), tonumber(ARGV[2])

local function is_surplus(id)
  local time = tonumber(redis.call('ZSCORE', times, id))
  return time and (time < oldest or redis.call('ZCARD', times) > max)
end

local function is_unchanged(id, letter)
  local stored = redis.call('HGET', letters, id)
  if not stored then return letter == '' end
  return is_same(stored, letter)
end

local removed = {}
for i = 1, #ARGV / 2 - 1 do
  local of_call, of_origin = KEYS[2 * i + 1], KEYS[2 * i + 2]
  local id, letter = ARGV[2 * i + 1], ARGV[2 * i + 2]
  removed[i] = 0
  if is_surplus(id) and is_unchanged(id, letter) then
    redis.call('HDEL', letters, id)
    redis.call('ZREM', times, id)
    redis.call('ZREM', of_call, id)
    redis.call('ZREM', of_origin, id)
    removed[i] = 1
  end
end
return removed
