--[[ repair-1
     Looks for what no script leaves behind (a key lost or changed from outside, a sweep that does not run)
     in one session, and sets it right when it is asked to. What it says and what it changes is one decision.
     KEYS 1 state, 2 inbox, 3 due, 4 woken, 5 the user's running, 6 the user's open
     ARGV 1 sid, 2 how long a turn may be overdue in ms, 3 '1' to set right, '0' to look
     Returns of these: 'lease' held though nothing runs · 'due' a turn waits and nobody will look ·
       'running' and 'open' counted though it is not so · 'lost' turns wait for a session that is gone ]]
local found = {}
local fix = ARGV[3] == '1'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local s = redis.call('HMGET', KEYS[1], 'uid', 'cur', 'owner', 'lease', 'fence')
local waiting = redis.call('LLEN', KEYS[2])
local current = s[2] or ''
if not s[1] and waiting > 0 then found[#found + 1] = 'lost' end

if s[1] and (current ~= '' or (s[3] or '') ~= '') and (current == '' or redis.call('LINDEX', KEYS[2], 0) ~= current) then
  found[#found + 1] = 'lease'
  current = ''
  if fix then
    redis.call('HSET', KEYS[1], 'fence', string.format('%.0f', math.max(now, tonumber(s[5]) + 1)),
      'cur', '', 'owner', '', 'lease', 0, 'attempts', 0, 'n', 0, 'k', 0)
  end
end

if s[1] and waiting > 0 then
  local score = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[1]) or 0)
  if score < now - ARGV[2] and (current == '' or tonumber(s[4] or 0) <= now) then
    found[#found + 1] = 'due'
    if fix then redis.call('ZADD', KEYS[3], now, ARGV[1]) end
  end
end

if current == '' and redis.call('ZSCORE', KEYS[5], ARGV[1]) then
  found[#found + 1] = 'running'
  if fix then redis.call('ZREM', KEYS[5], ARGV[1]) end
end

local counted = tonumber(redis.call('ZSCORE', KEYS[6], ARGV[1]) or 0)
if counted ~= waiting and (s[1] or waiting == 0) then
  found[#found + 1] = 'open'
  if fix and waiting == 0 then redis.call('ZREM', KEYS[6], ARGV[1])
  elseif fix then redis.call('ZADD', KEYS[6], waiting, ARGV[1]) end
end
return found
