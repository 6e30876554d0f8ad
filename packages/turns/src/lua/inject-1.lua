--[[ inject-1
     Appends a record that no turn made (an operator's note) and announces it.
     KEYS 1 state, 2 log, 3 events, 4 entry, 5 the user's keys, 6 dirty, 7 live
     ARGV 1 sid, 2 record, 3 event as JSON, 4 channel, 5 canonical key as JSON, 6 canonical key
     Returns the record's seq | 0 when the session's log is not in Redis or the session is deleted ]]
local s = redis.call('HMGET', KEYS[1], 'fence', 'last', 'seq', 'cold', 'deleted', 'hidden')
if not s[1] or s[4] or s[5] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('RPUSH', KEYS[2], s[1] .. ' ' .. ARGV[2])
local id = redis.call('XADD', KEYS[3], s[1] .. '-*', 'n', 0, 'p', s[2], 'e', ARGV[3])
redis.call('PUBLISH', ARGV[4], '{"id":"' .. id .. '","prev":"' .. s[2] .. '","sid":"' .. ARGV[1] .. '","key":' .. ARGV[5]
  .. ',"n":0,"e":' .. ARGV[3] .. '}')
local seq = tonumber(s[3]) + 1
redis.call('HSET', KEYS[1], 'last', id, 'seq', seq)
redis.call('PERSIST', KEYS[1])
if redis.call('HGET', KEYS[4], 'sid') == ARGV[1] then
  redis.call('HSET', KEYS[4], 'updatedAt', now)
  if s[6] then redis.call('EXPIRE', KEYS[4], s[6]) else redis.call('ZADD', KEYS[5], now, ARGV[6]) end
end
redis.call('ZADD', KEYS[6], 'NX', now, ARGV[1])
redis.call('ZADD', KEYS[7], now, ARGV[1])
return seq
