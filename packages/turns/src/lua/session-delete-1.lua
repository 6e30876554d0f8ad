--[[ session-delete-1
     Takes a session away from its user. Its turns still end; session-store puts the archive
     aside and removes the rest when everything is on disk.
     KEYS 1 entry, 2 the user's keys, 3 state, 4 dirty   ARGV 1 canonical key, 2 sid
     Returns 1 deleted, 0 the key points elsewhere by now ]]
if redis.call('HGET', KEYS[1], 'sid') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], 'deleted', '1')
redis.call('PERSIST', KEYS[3])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[4], 'NX', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[2])
return 1
