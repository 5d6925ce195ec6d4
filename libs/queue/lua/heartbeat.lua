-- Registers a notifier and forgets those of which nothing was heard for the time of a lease.
--
-- KEYS  1 sorted set of notifiers by the time of their last heartbeat
-- ARGV  1 instance, 2 lease_ms
-- Returns all notifiers, this one included.
--
-- Invariant: times are those of Redis's clock, so that notifiers whose clocks differ agree.

local notifiers, instance, lease_ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', notifiers, now, instance)
redis.call('ZREMRANGEBYSCORE', notifiers, '-inf', now - lease_ms)
return redis.call('ZRANGE', notifiers, 0, -1)
