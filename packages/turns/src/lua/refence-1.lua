--[[ refence-1
     Says a running attempt over again under a higher fence, after a failover has lost some of its events.
     The ids of the lost ones may have been given to other events since; under the new fence none repeats
     one that a client has seen. The attempt and its lease stay as they are. Said again by the same caller,
     whose reply was lost, it changes nothing and answers alike.
     KEYS 1 state, 2 events
     ARGV 1 fence, 2 channel, 3 sid, 4 canonical key as JSON, 5 tid, 6 how many events of this caller these stand for,
          7 events as JSON …, the first without its end: `"attempt":…,"at":…}` is added to it
     Returns {1, new fence} | {-1} the caller no longer runs this turn ]]
local s = redis.call('HMGET', KEYS[1], 'fence', 'n', 'last', 'cur', 'attempts', 'begunAt', 'refenced')
if s[1] and s[4] == ARGV[5] and s[7] == ARGV[1] .. '>' .. s[1] then return {1, s[1]} end
if s[1] ~= ARGV[1] or s[4] ~= ARGV[5] then return {-1} end
local time = redis.call('TIME')
local fence = string.format('%.0f', math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[1]) + 1))
local n, last = tonumber(s[2]), s[3]
for i = 7, #ARGV do
  local event = ARGV[i]
  if i == 7 then event = event .. '"attempt":' .. s[5] .. ',"at":' .. s[6] .. '}' end
  n = n + 1
  local id = redis.call('XADD', KEYS[2], fence .. '-*', 'n', n, 'p', last, 'e', event)
  redis.call('PUBLISH', ARGV[2], '{"id":"' .. id .. '","prev":"' .. last .. '","sid":"' .. ARGV[3] .. '","key":' .. ARGV[4]
    .. ',"n":' .. n .. ',"e":' .. event .. '}')
  last = id
end
redis.call('HSET', KEYS[1], 'fence', fence, 'n', n, 'last', last, 'k', ARGV[6], 'refenced', ARGV[1] .. '>' .. fence)
return {1, fence}
