-- Removes dead letters unless they were replaced since they were read.
--
-- KEYS  1 letters, 2 times
--       2 per letter: the call's letters, the endpoint's letters
-- ARGV  2 per letter: id, the letter as it was read
-- Returns the number removed.

--- @include "same-text"

local letters, times = KEYS[1], KEYS[2]
local removed = 0
for i = 1, #ARGV / 2 do
  local of_call, of_origin = KEYS[2 * i + 1], KEYS[2 * i + 2]
  local id, letter = ARGV[2 * i - 1], ARGV[2 * i]
  if is_same(redis.call('HGET', letters, id), letter) then
    redis.call('HDEL', letters, id)
    redis.call('ZREM', times, id)
    redis.call('ZREM', of_call, id)
    redis.call('ZREM', of_origin, id)
    removed = removed + 1
  end
end
return removed
