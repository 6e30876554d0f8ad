--[[ rehydrate-1
     Puts the newest records of a cold session back in front of what has come since, unless
     somebody has done so already.
     KEYS 1 state, 2 log, 3 live, 4 wanted
     ARGV 1 sid, 2 seq before the first record given, 3 seq of the last, 4 items …
     Returns 1 done, 0 the session is not cold, -1 the records do not end where the session went cold
     (it stays wanted, so that its turns end in time) ]]
local s = redis.call('HMGET', KEYS[1], 'cold', 'base')
if s[1] and s[2] ~= ARGV[3] then return -1 end
redis.call('ZREM', KEYS[4], ARGV[1])
if not s[1] then return 0 end
local time = redis.call('TIME')
for i = #ARGV, 4, -1 do redis.call('LPUSH', KEYS[2], ARGV[i]) end
redis.call('HSET', KEYS[1], 'base', ARGV[2])
redis.call('HDEL', KEYS[1], 'cold')
redis.call('PERSIST', KEYS[1])
redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
return 1
