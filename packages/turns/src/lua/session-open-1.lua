--[[ session-open-1
     Finds the session a key points at; makes one when there is none, or when the caller
     asks for a new generation of the one it saw (reset). Settings of the entry stay.
     KEYS 1 entry, 2 the user's keys, 3 state of the new sid, 4 state of the sid to be replaced, 5 live
     ARGV 1 new sid, 2 canonical key, 3 uid, 4 lane,
          5 the sid to be replaced, or '' to keep whatever there is,
          6 '1' for a session made for one request: in no list, and gone after ARGV 7 seconds without use
     Returns {sid, 1 when it was made now else 0} ]]
local current = redis.call('HGET', KEYS[1], 'sid')
if current and current ~= ARGV[5] then return {current, 0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'sid', ARGV[1], 'key', ARGV[2], 'updatedAt', now, 'createdAt', now)
redis.call('HDEL', KEYS[1], 'inputTokens', 'outputTokens', 'totalTokens', 'contextTokensUsed', 'modelOverride',
  'aborted', 'title', 'preview', 'compactions', 'runId')
if current and redis.call('EXISTS', KEYS[4]) == 1 then
  redis.call('HSET', KEYS[4], 'replaced', '1')
  redis.call('ZADD', KEYS[5], now, ARGV[5]) -- also when it is cold, so that somebody tidies it away
end
redis.call('HSET', KEYS[3], 'uid', ARGV[3], 'key', ARGV[2], 'lane', ARGV[4],
  'fence', string.format('%.0f', now), 'seq', 0, 'base', 0, 'ctx', 1, 'archivedSeq', 0, 'last', '')
if ARGV[6] == '1' or redis.call('HGET', KEYS[1], 'hidden') then
  redis.call('HSET', KEYS[1], 'hidden', '1')
  redis.call('HSET', KEYS[3], 'hidden', ARGV[7])
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  redis.call('EXPIRE', KEYS[3], ARGV[7]) -- until a turn is accepted
else
  redis.call('ZADD', KEYS[2], now, ARGV[2])
end
return {ARGV[1], 1}
