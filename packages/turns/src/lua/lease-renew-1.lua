--[[ lease-renew-1
     Extends a session's lease while the caller still runs this turn of it.
     KEYS 1 state, 2 running, 3 due, 4 woken
     ARGV 1 fence, 2 lease in ms, 3 sid, 4 tid
     Returns {1, abort reason or ''} | {-1} the caller no longer runs this turn ]]
local s = redis.call('HMGET', KEYS[1], 'fence', 'abort:' .. ARGV[4], 'cur')
if s[1] ~= ARGV[1] or s[3] ~= ARGV[4] then return {-1} end
local time = redis.call('TIME')
local lease = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2])
redis.call('HSET', KEYS[1], 'lease', lease)
redis.call('ZADD', KEYS[2], lease, ARGV[3])
redis.call('ZADD', KEYS[3], lease, ARGV[3])
redis.call('ZREM', KEYS[4], ARGV[3])
return {1, s[2] or ''}
