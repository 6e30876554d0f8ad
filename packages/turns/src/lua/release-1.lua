--[[ release-1
     Gives a running turn back, so that any worker may begin it at once: what its worker did does not
     count as an attempt. The fence moves on, so that nothing this worker still says is heard.
     KEYS 1 state, 2 running, 3 due, 4 woken
     ARGV 1 fence, 2 sid, 3 tid
     Returns 1 released, 0 the caller no longer runs this turn ]]
local s = redis.call('HMGET', KEYS[1], 'fence', 'cur', 'attempts')
if s[1] ~= ARGV[1] or s[2] ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', tonumber(s[1]) + 1), 'owner', '', 'lease', 0,
  'attempts', math.max(0, tonumber(s[3]) - 1))
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[2])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[3], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[2])
return 1
