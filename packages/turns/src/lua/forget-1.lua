--[[ forget-1
     Removes what is left of a deleted session once its archive has been put aside.
     KEYS 1 state, 2 inbox, 3 turns, 4 log, 5 events, 6 live, 7 dirty, 8 wanted   ARGV 1 sid
     Returns 1 removed, 0 something still waits, runs or is not archived ]]
local s = redis.call('HMGET', KEYS[1], 'deleted', 'seq', 'archivedSeq', 'owner')
if not s[1] then return 0 end
if redis.call('LLEN', KEYS[2]) > 0 or (s[4] and s[4] ~= '') or s[2] ~= s[3] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
for i = 6, 8 do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 1
