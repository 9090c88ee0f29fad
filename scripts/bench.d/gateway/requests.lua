-- What clients ask, in the proportions of argument 1, for the ids in the file of argument 2, from 250 viewers in each of as
-- many networks as argument 3 says (each of them may ask 50 times a second);
-- with argument 4 each connection waits so many milliseconds between two requests.
local shares = { catalog = 5, meta = 20, stream = 75 }
local ids, networks, pause, which = {}, 1, 0, "mix"

function init(args)
  which, networks, pause = args[1], tonumber(args[3]), tonumber(args[4] or "0")
  for line in io.lines(args[2]) do ids[#ids + 1] = line:gsub(":", "%%3A") end
  math.randomseed(os.time() + tonumber(tostring({}):sub(8), 16) % 100000)
end

function request()
  local kind, roll = which, math.random(100)
  if which == "mix" then
    kind = roll <= shares.catalog and "catalog" or roll <= shares.catalog + shares.meta and "meta" or "stream"
  end
  local path = "/catalog/tv/live-streams.json"
  if kind == "manifest" then
    path = "/manifest.json"
  elseif kind ~= "catalog" then
    path = "/" .. kind .. "/tv/" .. ids[math.random(#ids)] .. ".json"
  end
  local network = math.random(networks)
  return wrk.format("GET", path, { ["x-forwarded-for"] = string.format("30.%d.%d.%d", math.floor(network / 250), network % 250, math.random(250)) })
end

function delay()
  return pause
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %f %f %d\n", summary.requests, summary.duration, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
