-- A corrupt entry counts as one of the start of the call. The process that claims the call sets it aside.
local function read(text)
  local ok, entry = pcall(cjson.decode, text)
  if not ok or type(entry) ~= 'table' then entry = {} end
  return { id = entry.id, at = tonumber(entry.at) or 0, order = tonumber(entry.order) or 0 }
end
