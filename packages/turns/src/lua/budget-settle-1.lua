--[[ budget-settle-1
     Turns a hold into what a call really cost, for calls whose turn does not end with them. Said again
     it changes nothing: a settled hold stays for a while, holding nothing. One that ended with its
     lease is settled all the same.
     KEYS 1 budget day, 2 holds   ARGV 1 hold id, 2 micro-USD, 3 how long to remember in ms
     Returns what the day has cost so far ]]
local held = redis.call('HGET', KEYS[2], ARGV[1])
if held and string.find(held, ' settled', 1, true) then return redis.call('HGET', KEYS[1], 'spent') or '0' end
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
redis.call('HSET', KEYS[2], ARGV[1], string.format('0 %.0f settled', ends))
return string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'spent', ARGV[2]))
