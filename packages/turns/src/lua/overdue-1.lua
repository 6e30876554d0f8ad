--[[ overdue-1
     Decides whether a session that was due has been left alone, once for all sweepers: the
     next look is put off, and the one after that knows that waking did not help.
     KEYS 1 due, 2 woken, 3 state, 4 inbox   ARGV 1 sid, 2 how soon somebody must begin in ms
     Returns {uid, canonical key, lane, 1 when it was woken before else 0} | {} nothing to do ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) > now then return {} end
local s = redis.call('HMGET', KEYS[3], 'uid', 'key', 'lane')
if not s[1] or redis.call('LLEN', KEYS[4]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return {}
end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {s[1], s[2], s[3], 1 - redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1])}
