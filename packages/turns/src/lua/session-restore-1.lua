--[[ session-restore-1
     Puts back a session whose records the archive holds: cold and at rest, under a fence higher than
     those of its records and than the clock. Sets only what is absent. Of the generations of a key the
     newest becomes the current one, in whatever order they come: an older one gives way that this script
     has put there and that has got nothing new since.
     KEYS 1 state, 2 entry, 3 the user's keys, 4 live, 5-8 state, inbox, log, events of the sid the key points at
     ARGV 1 sid, 2 canonical key, 3 uid, 4 lane, 5 seq of the last record, 6 seq the context starts at,
          7 highest fence of its records, 8 fence of its first record, 9 the sid the key points at or '',
          10 last update in ms, 11 lifetime in s of a session made for one request or '',
          12 … name value … of the entry
     Returns 1 restored, 0 Redis has it or its key, -1 a newer generation is there, -2 the key points elsewhere ]]
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if (redis.call('HGET', KEYS[2], 'sid') or '') ~= ARGV[9] then return -2 end
if ARGV[9] ~= '' then
  local there = redis.call('HMGET', KEYS[5], 'generation', 'restored', 'seq')
  if not there[1] or there[2] ~= there[3] or redis.call('LLEN', KEYS[6]) > 0 then return 0 end
  if tonumber(there[1]) >= tonumber(ARGV[8]) then return -1 end
  redis.call('DEL', KEYS[5], KEYS[7], KEYS[8])
  redis.call('ZREM', KEYS[4], ARGV[9])
  redis.call('HDEL', KEYS[2], 'inputTokens', 'outputTokens', 'totalTokens', 'aborted', 'title', 'preview', 'runId')
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'uid', ARGV[3], 'key', ARGV[2], 'lane', ARGV[4],
  'fence', string.format('%.0f', math.max(now, tonumber(ARGV[7]) + 1)), 'seq', ARGV[5], 'base', ARGV[5],
  'ctx', ARGV[6], 'archivedSeq', ARGV[5], 'last', '', 'cold', '1', 'generation', ARGV[8], 'restored', ARGV[5])
redis.call('HSET', KEYS[2], 'sid', ARGV[1], 'key', ARGV[2], 'updatedAt', ARGV[10])
for i = 12, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if ARGV[11] == '' then
  redis.call('ZADD', KEYS[3], ARGV[10], ARGV[2])
else
  redis.call('HSET', KEYS[2], 'hidden', '1')
  redis.call('HSET', KEYS[1], 'hidden', ARGV[11])
  redis.call('EXPIRE', KEYS[1], ARGV[11])
  redis.call('EXPIRE', KEYS[2], ARGV[11])
end
return 1
