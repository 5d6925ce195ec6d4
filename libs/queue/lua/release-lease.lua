-- Releases the lease of a partition if the holder still has it.
--
-- KEYS  1 lease
-- ARGV  1 holder
-- Returns 1 if it was released, else 0.

local lease, holder = KEYS[1], ARGV[1]
if redis.call('GET', lease) ~= holder then return 0 end
return redis.call('DEL', lease)
