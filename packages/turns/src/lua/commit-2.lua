--[[ commit-2
     Ends the running turn: its records, its terminal event, its usage and its money in one
     step. The caller must hold the session's fence and the turn must be the one it began.
     Said again by the same caller it changes nothing and answers alike. Refused where events of the caller
     are missing that a failover has lost (refence-1 says them again): the end's id would be one of theirs.
     KEYS 1 state, 2 inbox, 3 turns, 4 log, 5 events, 6 idem, 7 entry, 8 open, 9 running, 10 due,
          11 ledger, 12 dirty, 13 live, 14 the user's usage of the day, 15 everybody's, 16 budget day, 17 budget holds, 18 woken
     ARGV 1 fence, 2 tid, 3 sid, 4 channel, 5 canonical key as JSON, 6 terminal event as JSON, 7 outcome,
          8 error text or '', 9 idem lifetime in s, 10 how soon the next turn must begin in ms,
          11 hold id or '', 12 cost in micro-USD, 13 seq the context starts at or '', 14 age of events to trim in ms,
          15 lifetime of the usage in s, 16 how many events the caller has said,
          17 number of records, records …, then number of entry members, name value …, then usage member count …
     Returns {1, turns left} | {-1} not the fence | {-2} events are missing | {-3} not the turn that runs ]]
local s = redis.call('HMGET', KEYS[1], 'fence', 'n', 'last', 'seq', 'archivedSeq', 'cur', 'ended', 'k')
if s[1] ~= ARGV[1] then return {-1} end
if s[7] == ARGV[2] then return {1, redis.call('LLEN', KEYS[2])} end
if s[6] ~= ARGV[2] or redis.call('LINDEX', KEYS[2], 0) ~= ARGV[2] then return {-3} end
if tonumber(s[8] or 0) < tonumber(ARGV[16]) then return {-2} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = 18
for i = at, at + ARGV[17] - 1 do redis.call('RPUSH', KEYS[4], ARGV[1] .. ' ' .. ARGV[i]) end
at = at + ARGV[17]
local seq = tonumber(s[4]) + tonumber(ARGV[17])
redis.call('LPOP', KEYS[2])
redis.call('HDEL', KEYS[3], ARGV[2], ARGV[2] .. ':rec', ARGV[2] .. ':id', ARGV[2] .. ':idem')

-- never the events of the turn that ends here, however long it ran
local oldest = math.min(now - ARGV[14], tonumber(ARGV[1]))
if tonumber(s[5]) >= tonumber(s[4]) - 1 then redis.call('XTRIM', KEYS[5], 'MINID', '~', string.format('%.0f', oldest)) end
local n = tonumber(s[2]) + 1
local id = redis.call('XADD', KEYS[5], ARGV[1] .. '-*', 'n', n, 'p', s[3], 'e', ARGV[6])
redis.call('PUBLISH', ARGV[4], '{"id":"' .. id .. '","prev":"' .. s[3] .. '","sid":"' .. ARGV[3] .. '","key":' .. ARGV[5]
  .. ',"n":' .. n .. ',"e":' .. ARGV[6] .. '}')
redis.call('HSET', KEYS[1], 'last', id, 'seq', seq, 'cur', '', 'owner', '', 'lease', 0, 'n', 0, 'k', 0, 'attempts', 0, 'ended', ARGV[2])
redis.call('HDEL', KEYS[1], 'abort:' .. ARGV[2])
if ARGV[13] ~= '' then redis.call('HSET', KEYS[1], 'ctx', ARGV[13]) end

if redis.call('HGET', KEYS[6], 'tid') == ARGV[2] then
  redis.call('HSET', KEYS[6], 'status', ARGV[7], 'endedAt', string.format('%.0f', now), 'error', ARGV[8])
  redis.call('EXPIRE', KEYS[6], ARGV[9])
end
local members = tonumber(ARGV[at])
if redis.call('HGET', KEYS[7], 'sid') == ARGV[3] then
  redis.call('HSET', KEYS[7], 'updatedAt', string.format('%.0f', now))
  for i = at + 1, at + members * 2, 2 do redis.call('HSET', KEYS[7], ARGV[i], ARGV[i + 1]) end
end
for k = 14, 15 do
  for i = at + members * 2 + 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[k], ARGV[i], ARGV[i + 1]) end
  redis.call('EXPIRE', KEYS[k], ARGV[15])
end
if ARGV[11] ~= '' then
  redis.call('HDEL', KEYS[17], ARGV[11])
  redis.call('HINCRBY', KEYS[16], 'spent', ARGV[12])
end
if tonumber(redis.call('ZINCRBY', KEYS[8], -1, ARGV[3])) <= 0 then redis.call('ZREM', KEYS[8], ARGV[3]) end
redis.call('ZREM', KEYS[9], ARGV[3])
redis.call('ZREM', KEYS[18], ARGV[3])
redis.call('HINCRBY', KEYS[11], 'ended', 1)
redis.call('ZADD', KEYS[12], 'NX', now, ARGV[3])
redis.call('ZADD', KEYS[13], now, ARGV[3])
local left = redis.call('LLEN', KEYS[2])
if left > 0 then redis.call('ZADD', KEYS[10], now + ARGV[10], ARGV[3]) else redis.call('ZREM', KEYS[10], ARGV[3]) end
return {1, left}
