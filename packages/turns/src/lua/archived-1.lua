--[[ archived-1
     Says that a session's records up to a seq are on disk. Only ever forward, only by the
     shard's owner; the session leaves the list when nothing is missing.
     KEYS 1 state, 2 shard lease, 3 dirty   ARGV 1 shard fence, 2 sid, 3 seq
     Returns 1 when all is archived, 0 when more came meanwhile, -1 not the shard's owner ]]
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[1] then return -1 end
local s = redis.call('HMGET', KEYS[1], 'seq', 'archivedSeq')
if not s[1] then
  redis.call('ZREM', KEYS[3], ARGV[2])
  return 1
end
local archived = math.max(tonumber(s[2]), tonumber(ARGV[3]))
redis.call('HSET', KEYS[1], 'archivedSeq', archived)
if archived < tonumber(s[1]) then return 0 end
redis.call('ZREM', KEYS[3], ARGV[2])
return 1
