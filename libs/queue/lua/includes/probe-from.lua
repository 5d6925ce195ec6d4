-- RETRY_AFTER_MAX_MS is at most 7 days, and RETRY_JITTER at most doubles it.
local LONGEST_THROTTLE_MS = 15 * 86400000

-- The time of the next probe, or nil. A time that no throttle reaches is corrupt.
local function probe_time(text, now)
  local at = tonumber(text)
  return at and at <= now + LONGEST_THROTTLE_MS and at or nil
end
