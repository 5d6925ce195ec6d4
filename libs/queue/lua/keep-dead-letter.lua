-- Stores a dead letter and replaces one with the same id.
--
-- KEYS  1 letters, 2 times, 3 the call's letters, 4 the endpoint's letters
-- ARGV  1 id, 2 time it became a dead letter, 3 its position in the call, 4 the dead letter

local letters, times, of_call, of_origin = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, time, at, letter = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('HSET', letters, id, letter)
redis.call('ZADD', times, time, id)
redis.call('ZADD', of_call, at, id)
redis.call('ZADD', of_origin, time, id)
