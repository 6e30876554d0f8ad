--[[ idem-restore-1
     Remembers again that a message was answered, so that the same idempotency key makes no second turn.
     KEYS 1 idem, 2 run
     ARGV 1 sid, 2 tid, 3 status, 4 error text or '', 5 started at in ms, 6 ended at in ms, 7 lifetime in s
     Returns 1 remembered, 0 Redis knows the key ]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'sid', ARGV[1], 'tid', ARGV[2], 'status', ARGV[3], 'error', ARGV[4],
  'startedAt', ARGV[5], 'endedAt', ARGV[6])
redis.call('EXPIRE', KEYS[1], ARGV[7])
redis.call('SET', KEYS[2], KEYS[1], 'EX', ARGV[7], 'NX')
return 1
