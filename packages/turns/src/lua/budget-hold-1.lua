--[[ budget-hold-1
     Reserves the worst case of one model call against the day's limit, all or nothing.
     A hold whose worker died ends with its lease.
     KEYS 1 budget day, 2 holds   ARGV 1 hold id, 2 micro-USD, 3 limit in micro-USD, 4 lease in ms, 5 lifetime of the day in s
     Returns {1, left after this hold} | {0, left now} ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local used = tonumber(redis.call('HGET', KEYS[1], 'spent') or 0)
local holds = redis.call('HGETALL', KEYS[2])
for i = 1, #holds, 2 do
  local amount, ends = string.match(holds[i + 1], '^(%d+) (%d+)')
  if tonumber(ends) <= now then redis.call('HDEL', KEYS[2], holds[i])
  elseif holds[i] ~= ARGV[1] then used = used + tonumber(amount) end
end
local left = tonumber(ARGV[3]) - used
if tonumber(ARGV[2]) > left then return {0, string.format('%.0f', left)} end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f %.0f', ARGV[2], now + ARGV[4]))
redis.call('HSET', KEYS[1], 'limit', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return {1, string.format('%.0f', left - ARGV[2])}
