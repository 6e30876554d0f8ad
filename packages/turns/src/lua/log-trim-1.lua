--[[ log-trim-1
     Shortens a long session's log in Redis to what the next turns may need; only archived
     records go, and none that the model's context still starts before; nothing of a cold session,
     whose records must come back to where they ended.
     KEYS 1 state, 2 log   ARGV 1 records to keep at least
     Returns how many records went ]]
local s = redis.call('HMGET', KEYS[1], 'base', 'ctx', 'archivedSeq', 'seq', 'cold')
if not s[1] or s[5] then return 0 end
local newest = math.min(tonumber(s[2]) - 1, tonumber(s[3]), tonumber(s[4]) - ARGV[1])
local drop = newest - tonumber(s[1])
if drop <= 0 then return 0 end
redis.call('LTRIM', KEYS[2], drop, -1)
redis.call('HSET', KEYS[1], 'base', newest)
return drop
