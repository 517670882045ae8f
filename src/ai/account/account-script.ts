/**
 * The rules of `account-state.ts` in Lua, for Redis: a script runs whole, so that many programs change one account without a lock, and it has
 * the one clock that all of them share. `account-state.built.test.ts` runs both side by side on the same asks.
 *
 * KEYS[1]: the account. ARGV[1]: the ask as JSON. ARGV[2]: a generation, for an account that is not there. ARGV[3]: how long an account is kept
 * that nobody uses, in milliseconds. ARGV[4]: the time, for tests; else Redis's own.
 */
import { horizonMs, hungryMs, memberMs, missing, probesAtOnce, probesMs, probeWaitMs, tolerance, transitMs } from './exchange.ts'

export const accountScript = `
local ask = cjson.decode(ARGV[1])
local now = tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
end
local stored = redis.call('GET', KEYS[1])
local state
if stored then state = cmsgpack.unpack(stored) else
  state = { generation = ARGV[2], buckets = {}, members = {}, answered = false, probes = 0, probesAt = -1e15, pausedUntil = 0 }
  for i = 1, 3 do
    state.buckets[i] = { limit = 0, perMs = 60000, burst = 0, level = 0, at = now, charged = 0, base = 0, count = 0, sum = 0, need = 0, calls = 0 }
  end
end

for id, member in pairs(state.members) do
  if now - member[1] > ${memberMs} then state.members[id] = nil end
end
local member = state.members[ask.member] or { now, -1e15 }
member[1] = now
state.members[ask.member] = member

for _, b in ipairs(state.buckets) do
  local passed = now - b.at
  if passed > 0 then
    b.at = now
    if b.limit > 0 then b.level = math.min(b.burst, b.level + passed * b.limit / b.perMs) end
  end
end

local known = ask.known
if known and known.generation ~= state.generation then
  for i, b in ipairs(state.buckets) do
    local limit, perMs, burst = known.limits[i][1], known.limits[i][2], known.limits[i][3]
    local granted = known.charged[i]
    if b.limit == 0 and limit > 0 then
      b.limit = limit
      b.perMs = perMs
      b.burst = burst
      b.level = math.min(burst, known.level[i] + math.max(0, now - known.now) * limit / perMs) - b.charged
      b.charged = b.charged + granted
      b.base = granted
      b.need = known.due[i]
    elseif granted > b.base then
      b.level = b.level - (granted - b.base)
      b.charged = b.charged + granted - b.base
      b.base = granted
    end
  end
end

local function believed(b)
  b.need = b.calls
  b.count = 0
  b.sum = 0
  b.calls = 0
end
for i, b in ipairs(state.buckets) do
  b.charged = b.charged - ask.back[i]
  if b.limit > 0 then b.level = math.min(b.burst, b.level + ask.back[i]) end
  local told = ask.told and ask.told[i]
  if told and told ~= cjson.null and told.limit > 0 and told.perMs > 0 then
    local rate = told.limit / told.perMs
    local count, sum = told.count or 0, told.sum or 0
    if b.limit ~= told.limit or math.abs(b.perMs - told.perMs) > told.perMs * 0.2 then
      local isNew = b.limit == 0
      b.limit = told.limit
      b.perMs = told.perMs
      if isNew then
        if count > 0 then b.level = sum / count + rate * now - b.charged else b.level = told.burst - b.charged end
      end
      believed(b)
    else
      b.count = b.count + count
      b.sum = b.sum + sum
    end
    b.burst = told.burst
    b.level = math.min(told.burst, b.level)
    if b.count > 0 and b.count >= b.need * ${1 - missing} then
      local likely = math.min(told.burst, b.sum / b.count + rate * now - b.charged)
      local slack = math.max(1, math.min(b.limit * ${tolerance}, b.level / 2))
      local certain = likely - told.step / 2 - b.limit / b.perMs * ${transitMs}
      if likely + told.step / 2 < b.level - slack then b.level = likely
      elseif certain > b.level + slack then b.level = certain end
      believed(b)
    end
    if told.atMost then b.level = math.min(b.level, told.atMost) end
  end
end
if ask.answered then state.answered = true end
if ask.pauseMs then state.pausedUntil = math.max(state.pausedUntil, now + ask.pauseMs) end

local grant, waitMs = { 0, 0, 0 }, 0
local want = ask.want
local function decide()
  member[2] = now
  if now < state.pausedUntil then waitMs = state.pausedUntil - now return end
  local share = 1
  local unknown = not state.answered
  for _, b in ipairs(state.buckets) do if b.limit > 0 then unknown = false end end
  if unknown then
    if now - state.probesAt > ${probesMs} then
      state.probes = 0
      state.probesAt = now
    end
    local sent = math.min(math.max(want[1], 1), ${probesAtOnce} - state.probes)
    state.probes = state.probes + sent
    share = sent / math.max(want[1], 1)
    if share == 0 then waitMs = ${probeWaitMs} return end
  elseif want[1] > 1 then
    local hungry = 0
    for _, other in pairs(state.members) do
      if now - other[2] <= ${hungryMs} then hungry = hungry + 1 end
    end
    local most = want[1]
    for i, b in ipairs(state.buckets) do
      local each = want[i] / want[1]
      if b.limit > 0 and each > 0 then
        most = math.min(most, (b.level + b.limit / b.perMs * ${horizonMs}) / (each * hungry))
      end
    end
    share = math.max(1, math.floor(most)) / want[1]
  end
  for i, b in ipairs(state.buckets) do
    local amount = math.max(0, want[i]) * share
    grant[i] = amount
    b.charged = b.charged + amount
    b.calls = b.calls + math.max(0, want[1]) * share
    if b.limit > 0 then
      b.level = b.level - amount
      if b.level < 0 then waitMs = math.max(waitMs, -b.level * b.perMs / b.limit) end
    end
  end
end
if want[1] > 0 or want[2] > 0 or want[3] > 0 then decide() end

redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', ARGV[3])
local count = 0
for _ in pairs(state.members) do count = count + 1 end
-- As texts: JSON of Redis keeps fourteen digits, fewer than a time in microseconds has.
local out = { state.generation, string.format('%.17g', now), string.format('%.17g', waitMs), tostring(count) }
for i, b in ipairs(state.buckets) do
  for _, value in ipairs({ grant[i], b.charged, b.level, b.limit, b.perMs, b.burst, b.need + b.calls }) do
    out[#out + 1] = string.format('%.17g', value)
  end
end
return out
`
