-- Gives back the lease of a partition, if it is still held.
--
-- KEYS  1 lease
-- ARGV  1 holder
-- Returns 1 when it was held, else 0.

local lease, holder = KEYS[1], ARGV[1]
if redis.call('GET', lease) ~= holder then return 0 end
return redis.call('DEL', lease)
