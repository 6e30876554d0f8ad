--[[ evict-1
     Takes an idle session's log out of Redis when every record is archived and nothing waits
     or runs; its state stays and says that it is cold, unless a reset has replaced the session.
     Its fence rises, so that the ids of its next events never repeat one that a client has seen.
     KEYS 1 state, 2 inbox, 3 log, 4 events, 5 turns, 6 live   ARGV 1 sid, 2 idle since at most, ms
     Returns 1 evicted, 0 not now ]]
local score = redis.call('ZSCORE', KEYS[6], ARGV[1])
if not score or tonumber(score) > tonumber(ARGV[2]) then return 0 end
local s = redis.call('HMGET', KEYS[1], 'seq', 'archivedSeq', 'owner', 'fence', 'replaced', 'hidden')
if not s[1] then
  redis.call('ZREM', KEYS[6], ARGV[1])
  return 0
end
if redis.call('LLEN', KEYS[2]) > 0 or (s[3] and s[3] ~= '') or s[1] ~= s[2] then return 0 end
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
redis.call('ZREM', KEYS[6], ARGV[1])
if s[5] then
  redis.call('DEL', KEYS[1])
  return 1
end
local time = redis.call('TIME')
local fence = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[4]) + 1)
redis.call('HSET', KEYS[1], 'cold', '1', 'last', '', 'base', s[1], 'fence', string.format('%.0f', fence))
if s[6] then redis.call('EXPIRE', KEYS[1], s[6]) end -- in no list: nobody asks for it later than that
return 1
