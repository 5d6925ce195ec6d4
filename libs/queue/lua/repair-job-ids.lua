-- Lets the counter of job ids continue at the time if it holds no time in ms. In one script: a job that another notifier
-- adds between a deletion and a new start would begin at 1 and replace a job that has this id.
--
-- KEYS  1 BullMQ's counter
-- ARGV  1 time, ms

local counter, now = KEYS[1], ARGV[1]
local id = redis.call('GET', counter)
if not id or #id < 13 or #id > 15 or id:find('%D') then redis.call('SET', counter, now) end
