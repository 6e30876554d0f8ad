--[[ archived-1
     Says that a session's records up to a seq are on disk: only ever forward, only by the
     shard's owner, and only while the log holds the very record that was written last (after
     a failover another may stand under that seq). The session leaves the list when nothing is missing.
     KEYS 1 state, 2 shard lease, 3 dirty, 4 log   ARGV 1 shard fence, 2 sid, 3 seq, 4 fence of the record at seq
     Returns 1 when all is archived, 2 the same of a deleted session, which stays in the list
     until it is forgotten; 0 when there is more to write; -1 not the shard's owner ]]
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[1] then return -1 end
local s = redis.call('HMGET', KEYS[1], 'seq', 'archivedSeq', 'base', 'deleted')
if not s[1] then
  redis.call('ZREM', KEYS[3], ARGV[2])
  return 1
end
local seq, archived = tonumber(ARGV[3]), tonumber(s[2])
if seq > archived then
  local item = redis.call('LINDEX', KEYS[4], seq - 1 - tonumber(s[3]))
  if item and string.match(item, '^%d+') == ARGV[4] then
    archived = seq
    redis.call('HSET', KEYS[1], 'archivedSeq', seq)
  end
end
if archived < tonumber(s[1]) then
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[3], 'XX', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[2])
  return 0
end
if s[4] then return 2 end
redis.call('ZREM', KEYS[3], ARGV[2])
return 1
