--[[ shard-release-1
     Lets another archiver have a shard at once. The fence stays, so that the next is higher.
     KEYS 1 lease   ARGV 1 owner
     Returns 1 released, 0 it was another's ]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', 0)
return 1
