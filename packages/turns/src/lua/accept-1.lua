--[[ accept-1
     Takes a turn into a session's inbox, once for each idempotency key. After this the
     turn will end, whatever dies. While no turn runs the fence follows the clock, so that an event's
     id tells its age and never repeats one that a failover has lost.
     KEYS 1 idem, 2 entry, 3 inbox, 4 turns, 5 state, 6 events, 7 the user's keys, 8 open,
          9 due, 10 ledger, 11 live, 12 wanted, 13 run
     ARGV 1 sid, 2 tid, 3 content, 4 user's record, 5 id fragment (JSON members tid, run, shown),
          6 channel, 7 canonical key as JSON, 8 idem lifetime in s, 9 how soon somebody must begin in ms,
          10-12 caps: turns of this session, of this user, of all; 13 canonical key, 14 title
     Returns {'dup', sid, tid, status, error} | {'moved', sid} | {'busy', 'session'|'user'|'all'}
          | {'ok', the user's sessions that wait or run, 1 when the session must come back from the archive} ]]
local seen = redis.call('HMGET', KEYS[1], 'sid', 'tid', 'status', 'error')
if seen[1] then return {'dup', seen[1], seen[2], seen[3], seen[4] or ''} end
local current = redis.call('HGET', KEYS[2], 'sid')
local state = redis.call('HMGET', KEYS[5], 'fence', 'last', 'cold', 'cur', 'hidden')
if current ~= ARGV[1] or not state[1] then return {'moved', current ~= ARGV[1] and current or ''} end

local waiting = redis.call('LLEN', KEYS[3])
if waiting >= tonumber(ARGV[10]) then return {'busy', 'session'} end
local mine = 0
local open = redis.call('ZRANGE', KEYS[8], 0, -1, 'WITHSCORES')
for i = 2, #open, 2 do mine = mine + tonumber(open[i]) end
if mine >= tonumber(ARGV[11]) then return {'busy', 'user'} end
local counts = redis.call('HMGET', KEYS[10], 'accepted', 'ended')
if (tonumber(counts[1] or 0)) - (tonumber(counts[2] or 0)) >= tonumber(ARGV[12]) then return {'busy', 'all'} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'sid', ARGV[1], 'tid', ARGV[2], 'status', 'waiting', 'acceptedAt', now)
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('SET', KEYS[13], KEYS[1], 'EX', ARGV[8])
redis.call('RPUSH', KEYS[3], ARGV[2])
redis.call('HSET', KEYS[4], ARGV[2], ARGV[3], ARGV[2] .. ':rec', ARGV[4], ARGV[2] .. ':id', ARGV[5], ARGV[2] .. ':idem', KEYS[1])

local fence = state[1]
if (state[4] or '') == '' then fence = string.format('%.0f', math.max(now, tonumber(fence))) end
local id = redis.call('XADD', KEYS[6], fence .. '-*', 'n', 0, 'p', state[2], 'e', '{"t":"accepted",' .. ARGV[5] .. '}')
redis.call('HSET', KEYS[5], 'last', id, 'fence', fence)
redis.call('PUBLISH', ARGV[6], '{"id":"' .. id .. '","prev":"' .. state[2] .. '","sid":"' .. ARGV[1] .. '","key":' .. ARGV[7]
  .. ',"n":0,"e":{"t":"accepted",' .. ARGV[5] .. '}}')

redis.call('HSET', KEYS[2], 'updatedAt', now)
redis.call('HSETNX', KEYS[2], 'title', ARGV[14])
if state[5] then
  redis.call('EXPIRE', KEYS[2], state[5])
  redis.call('PERSIST', KEYS[5]) -- it must not go before its turns
else
  redis.call('ZADD', KEYS[7], now, ARGV[13])
end
redis.call('ZINCRBY', KEYS[8], 1, ARGV[1])
redis.call('ZADD', KEYS[9], 'NX', now + ARGV[9], ARGV[1])
redis.call('HINCRBY', KEYS[10], 'accepted', 1)
redis.call('ZADD', KEYS[11], now, ARGV[1])
if state[3] then
  if waiting == 0 then redis.call('ZREM', KEYS[12], ARGV[1]) end -- an old wait that failed must not shorten this one
  redis.call('ZADD', KEYS[12], 'NX', now, ARGV[1])
end
return {'ok', redis.call('ZCARD', KEYS[8]), state[3] and 1 or 0}
