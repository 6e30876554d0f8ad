--[[ config-publish-1
     Makes a configuration tree the current one for every service, unless it is already.
     KEYS 1 tree   ARGV 1 hash, 2 tree as JSON, 3 bell, 4 the generation this gateway knows, or '' to publish anyway
     Returns the generation that is current afterwards ]]
local held = redis.call('HMGET', KEYS[1], 'gen', 'hash')
local gen = tonumber(held[1] or 0)
if held[2] == ARGV[1] then return gen end
if ARGV[4] ~= '' and gen > 0 and ARGV[4] ~= tostring(gen) then return gen end
redis.call('HSET', KEYS[1], 'gen', gen + 1, 'hash', ARGV[1], 'tree', ARGV[2])
redis.call('PUBLISH', ARGV[3], gen + 1)
return gen + 1
