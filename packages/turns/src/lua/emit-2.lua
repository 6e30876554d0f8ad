--[[ emit-2
     Adds one event of the running turn to the session's stream and rings the user's channel;
     refused unless the caller's fence is the session's fence and its turn is the one that runs.
     Said again by the same caller, whose reply was lost, it changes nothing and answers alike. One
     that is not the next is refused too: what came before it was lost in a failover (refence-1).
     KEYS 1 state, 2 events
     ARGV 1 fence, 2 channel, 3 sid, 4 canonical key as JSON, 5 tid, 6 event as JSON, 7 which event of this caller it is: 1, 2, …
     Returns {1, abort reason or ''} | {-1} the caller no longer runs this turn | {-2} events before it are missing ]]
local s = redis.call('HMGET', KEYS[1], 'fence', 'n', 'last', 'abort:' .. ARGV[5], 'cur', 'k')
if s[1] ~= ARGV[1] or s[5] ~= ARGV[5] then return {-1} end
local said = tonumber(s[6] or 0)
if tonumber(ARGV[7]) <= said then return {1, s[4] or ''} end
if tonumber(ARGV[7]) > said + 1 then return {-2} end
local n = tonumber(s[2]) + 1
local id = redis.call('XADD', KEYS[2], ARGV[1] .. '-*', 'n', n, 'p', s[3], 'e', ARGV[6])
redis.call('HSET', KEYS[1], 'n', n, 'last', id, 'k', ARGV[7])
redis.call('PUBLISH', ARGV[2], '{"id":"' .. id .. '","prev":"' .. s[3] .. '","sid":"' .. ARGV[3] .. '","key":' .. ARGV[4]
  .. ',"n":' .. n .. ',"e":' .. ARGV[6] .. '}')
return {1, s[4] or ''}
