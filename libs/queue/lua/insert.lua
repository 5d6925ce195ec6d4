-- Inserts replayed dead letters into the waiting list of their call, in the order of the events.
--
-- KEYS  1 waiting list, 2 claim, 3 the partition's pending calls
-- ARGV  1 the call, then entries
--
-- The state of an idle call becomes waiting. That of a claimed or waiting call does not change. The caller must wake the
-- retry job afterwards.
--
-- Invariants
-- - An id that is in the list already is not inserted.
-- - Nothing is inserted before the first entry of the list of a claimed call, which may be in flight: append.lua counts
--   it as sent.

local waiting, claim, pending, call = KEYS[1], KEYS[2], KEYS[3], ARGV[1]

--- @include "entry"

-- The lowest index before which an entry is inserted.
local lowest = redis.call('EXISTS', claim) == 1 and 2 or 1
local all = {}
for i, text in ipairs(redis.call('LRANGE', waiting, 0, -1)) do
  local entry = read(text)
  all[i] = { id = entry.id, at = entry.at, order = entry.order, text = text }
end
for argument = 2, #ARGV do
  local text = ARGV[argument]
  local entry, known, place = cjson.decode(text), false, #all + 1
  for i = #all, 1, -1 do
    local other = all[i]
    known = known or other.id == entry.id
    local is_later = other.at > entry.at or (other.at == entry.at and other.order > entry.order)
    if is_later and i >= lowest then place = i end
  end
  if not known then
    local later = all[place]
    if later then
      redis.call('LINSERT', waiting, 'BEFORE', later.text, text)
    else
      redis.call('RPUSH', waiting, text)
    end
    table.insert(all, place, { id = entry.id, at = entry.at, order = entry.order, text = text })
  end
end
redis.call('SADD', pending, call)
