--[[ config-publish-1
     Makes a configuration the current one for every service, where the reason is good enough.
     KEYS 1 tree, 2 what this gateway's file said when it last looked
     ARGV 1 hash, 2 tree as JSON, 3 raw text, 4 bell, 5 path of the file, 6 lifetime of KEYS 2 in s,
          7 reason: 'start' not by a file that was in force before and was not edited since;
            'edit' somebody edited the file; 'write' a client wrote it; 'fill' only where there is none
     Field `file:<path>`: the hash of the last file of that name that won as 'start' or 'edit', and of
     all texts that were written since. A new host that brings one of these brings something old.
     Returns the generation that is current afterwards ]]
local hash, reason, history = ARGV[1], ARGV[7], 'file:' .. ARGV[5]
local held = redis.call('HMGET', KEYS[1], 'gen', 'hash', history)
local gen, known = tonumber(held[1] or 0), held[3] or ''
if reason == 'fill' then
  redis.call('EXPIRE', KEYS[2], ARGV[6])
  if gen > 0 then return gen end
else
  local before = redis.call('GET', KEYS[2])
  redis.call('SET', KEYS[2], hash, 'EX', ARGV[6])
  local old = before == hash or (not before and string.find(known, hash, 1, true))
  if reason == 'start' and gen > 0 and old then return gen end
end
if reason == 'write' then
  if not string.find(known, hash, 1, true) then known = string.sub(known .. ' ' .. hash, -20000) end
else
  known = hash
end
redis.call('HSET', KEYS[1], history, known)
if held[2] == hash then return gen end
redis.call('HSET', KEYS[1], 'gen', gen + 1, 'hash', hash, 'tree', ARGV[2], 'raw', ARGV[3])
redis.call('PUBLISH', ARGV[4], gen + 1)
return gen + 1
