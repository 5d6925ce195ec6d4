-- Registers a notifier and removes those without a heartbeat for lease_ms, and foreign members, whose time may be later.
--
-- KEYS  1 sorted set of notifiers by the time of their last heartbeat
-- ARGV  1 instance, 2 lease_ms
-- Returns all notifiers, this one included.
--
-- Invariant: times are by Redis's clock, so that clocks of notifiers may differ.

local notifiers, instance, lease_ms = KEYS[1], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', notifiers, now, instance)
redis.call('ZREMRANGEBYSCORE', notifiers, '-inf', now - lease_ms)
redis.call('ZREMRANGEBYSCORE', notifiers, now + lease_ms, '+inf')
return redis.call('ZRANGE', notifiers, 0, -1)
