-- Whether a stored text, or false, is the one that the client has read. The client reads bytes that are not UTF-8, which
-- another program has written, as U+FFFD: only ASCII is compared then.
local function is_same(stored, read)
  local function ascii(text) return (text:gsub('[\128-\255]', '')) end
  return stored == read or (stored and ascii(stored) == ascii(read))
end
