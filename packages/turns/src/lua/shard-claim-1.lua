--[[ shard-claim-1
     Makes one archiver the owner of a shard, or extends its ownership. A new owner gets a
     fence higher than any before; fences name archive files, so they never repeat.
     KEYS 1 lease   ARGV 1 owner, 2 lease in ms
     Returns {fence} | {'', until ms} held by another ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'until')
if held[1] and held[1] ~= ARGV[1] and tonumber(held[3]) > now then return {'', held[3]} end
local fence = held[2]
if held[1] ~= ARGV[1] or tonumber(held[3]) <= now then
  fence = string.format('%.0f', math.max(now, tonumber(held[2] or 0) + 1))
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', fence, 'until', string.format('%.0f', now + ARGV[2]))
return {fence}
