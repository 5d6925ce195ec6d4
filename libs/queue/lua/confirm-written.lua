-- Confirms that this server has the data written before a mark, and writes a key, because WAIT counts only writes of its
-- own connection.
--
-- KEYS  1 the mark, 2 a key to write
-- ARGV  1 number of the mark
-- Returns 1, or 0 when this server has neither the mark nor a later one, because it is another primary.

local mark, waited, number = KEYS[1], KEYS[2], ARGV[1]
local written = tonumber(redis.call('GET', mark))
if not written or written < tonumber(number) then return 0 end
redis.call('SET', waited, number)
return 1
