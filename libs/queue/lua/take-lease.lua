-- Acquires or renews the lease of a partition.
--
-- KEYS  1 lease
-- ARGV  1 holder, 2 lease_ms, 3 max_ms, longer than any lease
-- Returns 'taken' if it was free, 'kept' if the holder had it, 'other' if another notifier has it.
--
-- Invariant: a renewal uses PEXPIRE, which a Redis without free memory still accepts.

local lease, holder, lease_ms, max_ms = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local current = redis.call('GET', lease)
if current == holder then
  redis.call('PEXPIRE', lease, lease_ms)
  return 'kept'
end
-- A lease always expires soon: a key without an expiry, or with a late one, is foreign.
local left_ms = redis.call('PTTL', lease)
if current and left_ms >= 0 and left_ms <= max_ms then return 'other' end
redis.call('SET', lease, holder, 'PX', lease_ms)
return 'taken'
