--[[ abort-1
     Marks unfinished turns of a session as to be aborted. The running one is told at once;
     a waiting one ends without a model call when its turn comes, so that order is kept.
     KEYS 1 state, 2 inbox, 3 turns
     ARGV 1 `"run":<run id as JSON>,` or '' for all, 2 stop reason, 3 control channel, 4 sid
     Returns id fragments (JSON members tid, run, shown) of the turns concerned ]]
local hit = {}
for _, tid in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local id = redis.call('HGET', KEYS[3], tid .. ':id')
  if id and string.find(id .. ',', ARGV[1], 1, true) then
    redis.call('HSETNX', KEYS[1], 'abort:' .. tid, ARGV[2])
    redis.call('PUBLISH', ARGV[3], '{"sid":"' .. ARGV[4] .. '","tid":"' .. tid .. '"}')
    hit[#hit + 1] = id
  end
end
return hit
