--[[ begin-1
     Gives the head of a session's inbox to one worker under a fence higher than any before,
     and appends the user's record the first time. The fence follows the server's clock,
     so that it stays ahead even when a failover has lost the last one.
     KEYS 1 state, 2 inbox, 3 turns, 4 log, 5 events, 6 running, 7 due, 8 woken, 9 dirty, 10 live, 11 wanted
     ARGV 1 owner, 2 lease in ms, 3 cap of this user's running turns, 4 channel, 5 sid,
          6 canonical key as JSON, 7 attempts allowed, 8 how long a cold session may stay away in ms,
          9 how soon a worker must look again after 'capped' or 'cold' in ms
     Also the turn's idem key, which only the turn itself names.
     Returns {'empty'} | {'busy', until ms} | {'capped'} | {'cold'} | {'gone'}
          | {'run', fence, content, attempt, abort reason or '', seq of the first record in the context,
             the log's items from there} abort reason 'cold': the archive did not give the session back ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local s = redis.call('HMGET', KEYS[1], 'fence', 'owner', 'lease', 'cur', 'attempts', 'recorded', 'n', 'last', 'seq', 'base', 'ctx', 'cold')
if not s[1] then return {'gone'} end
if s[2] and s[2] ~= '' and s[2] ~= ARGV[1] and tonumber(s[3]) > now then return {'busy', s[3]} end
local tid = redis.call('LINDEX', KEYS[2], 0)
if not tid then
  redis.call('ZREM', KEYS[7], ARGV[5])
  redis.call('ZREM', KEYS[8], ARGV[5])
  return {'empty'}
end
local function looked_after(reply)
  redis.call('ZADD', KEYS[7], now + ARGV[9], ARGV[5])
  redis.call('ZREM', KEYS[8], ARGV[5])
  return {reply}
end
local since = s[12] and tonumber(redis.call('ZSCORE', KEYS[11], ARGV[5]) or now)
if s[12] and now - since < tonumber(ARGV[8]) then
  redis.call('ZADD', KEYS[11], 'NX', now, ARGV[5])
  return looked_after('cold')
end
redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', now)
redis.call('ZREM', KEYS[6], ARGV[5])
if redis.call('ZCARD', KEYS[6]) >= tonumber(ARGV[3]) then return looked_after('capped') end

local fence = string.format('%.0f', math.max(now, tonumber(s[1]) + 1))
local same = s[4] == tid
local attempt = same and tonumber(s[5]) + 1 or 1
local n = same and tonumber(s[7]) or 0
local turn = redis.call('HMGET', KEYS[3], tid, tid .. ':id', tid .. ':rec', tid .. ':idem')
local seq = tonumber(s[9])
if s[6] ~= tid then
  redis.call('RPUSH', KEYS[4], fence .. ' ' .. turn[3])
  seq = seq + 1
  redis.call('ZADD', KEYS[9], 'NX', now, ARGV[5])
  if redis.call('HGET', turn[4], 'tid') == tid then redis.call('HSET', turn[4], 'status', 'running', 'startedAt', now) end
end
local abort = redis.call('HGET', KEYS[1], 'abort:' .. tid) or (s[12] and 'cold') or ''
local last = s[8]
if attempt <= tonumber(ARGV[7]) and abort == '' then
  n = n + 1
  local event = '{"t":"start",' .. turn[2] .. ',"attempt":' .. attempt .. ',"at":' .. string.format('%.0f', now) .. '}'
  last = redis.call('XADD', KEYS[5], fence .. '-*', 'n', n, 'p', s[8], 'e', event)
  redis.call('PUBLISH', ARGV[4], '{"id":"' .. last .. '","prev":"' .. s[8] .. '","sid":"' .. ARGV[5] .. '","key":' .. ARGV[6]
    .. ',"n":' .. n .. ',"e":' .. event .. '}')
end
local lease = string.format('%.0f', now + ARGV[2])
redis.call('HSET', KEYS[1], 'fence', fence, 'owner', ARGV[1], 'lease', lease, 'cur', tid, 'attempts', attempt,
  'recorded', tid, 'n', n, 'k', 0, 'last', last, 'seq', seq, 'begunAt', string.format('%.0f', now))
redis.call('ZADD', KEYS[6], lease, ARGV[5])
redis.call('ZADD', KEYS[7], lease, ARGV[5])
redis.call('ZADD', KEYS[10], now, ARGV[5])
redis.call('ZREM', KEYS[8], ARGV[5])
local first = math.max(tonumber(s[11]), tonumber(s[10]) + 1)
local items = redis.call('LRANGE', KEYS[4], first - 1 - tonumber(s[10]), -1)
return {'run', fence, turn[1], attempt, abort, first, items}
