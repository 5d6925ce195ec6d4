-- Renames a key of the wrong type, so that the scripts that need the key work again.
--
-- KEYS  1 key, 2 its new name, in the same slot
-- ARGV  1 the type that it must have, 2 how long the renamed key is kept, ms
-- Returns 1 when it was renamed, else 0.

local key, aside, wanted, keep_ms = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local found = redis.call('TYPE', key).ok
if found == 'none' or found == wanted then return 0 end
redis.call('RENAME', key, aside)
redis.call('PEXPIRE', aside, keep_ms)
return 1
