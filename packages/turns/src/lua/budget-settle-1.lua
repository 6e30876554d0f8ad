--[[ budget-settle-1
     Turns a hold into what a call really cost, for calls whose turn does not end with them.
     KEYS 1 budget day, 2 holds   ARGV 1 hold id, 2 micro-USD
     Returns what the day has cost so far ]]
redis.call('HDEL', KEYS[2], ARGV[1])
return string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'spent', ARGV[2]))
