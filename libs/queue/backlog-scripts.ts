const LAST = Number.MAX_SAFE_INTEGER;

/**
 * KEYS: the reader's lease; for each entry its call's list, ids and hold, and its endpoint. ARGV: the lease's holder, ms
 * for which ids are remembered, ms of a hold; for each entry its id in the call, when it happened, whether it may be left
 * out, the token of a hold or nothing, the entry.
 */
export const APPEND = `
local function place(waiting, seen, at, optional, text)
  local laterSeen, ended, behindHead = 0, false, {}
  for _, seenAt in ipairs(redis.call('HVALS', seen)) do
    if tonumber(seenAt) > at then laterSeen = laterSeen + 1 end
    ended = ended or tonumber(seenAt) == ${LAST}
  end
  if laterSeen > 0 then
    for _, other in ipairs(redis.call('LRANGE', waiting, 1, -1)) do
      local otherAt = cjson.decode(other).at
      if otherAt > at then table.insert(behindHead, other) end
      if otherAt == ${LAST} then ended = false end
    end
    if ended or (optional and laterSeen > #behindHead) then return 'late' end
  end
  if behindHead[1] then redis.call('LINSERT', waiting, 'BEFORE', behindHead[1], text)
  else redis.call('RPUSH', waiting, text) end
  return 'new'
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('LEASELOST another notifier reads the stream') end
local placed = {}
for i = 1, (#KEYS - 1) / 4 do
  local waiting, seen, held, endpoint = unpack(KEYS, 4 * i - 2, 4 * i + 1)
  local field, at, optional, token, text = unpack(ARGV, 5 * i - 1, 5 * i + 3)
  if redis.call('HEXISTS', seen, field) == 1 then
    placed[i] = token ~= '' and redis.call('GET', held) == token and 'mine' or 'repeat'
  else
    local first = redis.call('EXISTS', waiting) == 0
    placed[i] = place(waiting, seen, tonumber(at), optional == '1', text)
    redis.call('HSET', seen, field, at)
    if placed[i] == 'new' then
      if redis.call('EXISTS', held) == 1 then placed[i] = 'held'
      elseif first and token ~= '' and redis.call('EXISTS', endpoint) == 0 then
        redis.call('SET', held, token, 'PX', ARGV[3])
        placed[i] = 'mine'
      end
    end
  end
  redis.call('PEXPIRE', seen, ARGV[2])
end
return placed`;

/** KEYS: the call's list. ARGV: entries. */
export const INSERT = `
local waiting = {}
for i, text in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local entry = cjson.decode(text)
  waiting[i] = { id = entry.id, at = entry.at, order = entry.order, text = text }
end
for _, text in ipairs(ARGV) do
  local entry, there, place = cjson.decode(text), false, #waiting + 1
  for i = #waiting, 1, -1 do
    there = there or waiting[i].id == entry.id
    local other = waiting[i]
    if other.at > entry.at or (other.at == entry.at and other.order > entry.order) then place = i end
  end
  if not there then
    local later = waiting[place]
    if later then redis.call('LINSERT', KEYS[1], 'BEFORE', later.text, text)
    else redis.call('RPUSH', KEYS[1], text) end
    table.insert(waiting, place, { id = entry.id, at = entry.at, order = entry.order, text = text })
  end
end`;

/**
 * KEYS: for each entry its call's list, the lock. ARGV: for each the lock's token, the entry, ms of a hold or nothing.
 * Gives for each whether the lock was there, the next entry.
 */
export const SETTLE = `
local settled = {}
for i = 1, #KEYS / 2 do
  local waiting, lock = KEYS[2 * i - 1], KEYS[2 * i]
  local token, text, ms = unpack(ARGV, 3 * i - 2, 3 * i)
  if redis.call('GET', lock) ~= token then settled[i] = { 0 }
  else
    redis.call('LREM', waiting, 1, text)
    local following = redis.call('LINDEX', waiting, 0)
    if ms ~= '' then
      if following then redis.call('PEXPIRE', lock, ms) else redis.call('DEL', lock) end
    end
    settled[i] = { 1, following }
  end
end
return settled`;

/** KEYS: the call's list, its hold. Gives the ms for which it is held at most, the first entry. */
export const HEAD = `
local ms = redis.call('PTTL', KEYS[2])
if ms > 0 then return { ms } end
return { 0, redis.call('LINDEX', KEYS[1], 0) }`;

/** KEYS: a hold. ARGV: its token. */
export const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;
