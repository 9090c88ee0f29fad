-- What clients ask, in the proportions of argument 1, for the ids in the file of argument 2, from 250 viewers in each of as
-- many networks as argument 3 says (each of them may ask 50 times a second); few streams are watched by many, as 1 / rank.
-- With argument 4 each connection waits so many milliseconds between two requests.
-- All but those for "plain" say that they take gzip, as every browser and app does; the SDK's server does not compress.
-- Who opens Stremio sees the catalog; who opens a channel asks for its details and its streams at once; who installs asks the manifest.
local shares = { manifest = 5, catalog = 25, meta = 35, stream = 35 }
local ids, sums, networks, pause, which = {}, {}, 1, 0, "mix"

function init(args)
  which, networks, pause = args[1], tonumber(args[3]), tonumber(args[4] or "0")
  for line in io.lines(args[2]) do
    ids[#ids + 1] = line:gsub(":", "%%3A")
    sums[#ids] = (sums[#ids - 1] or 0) + 1 / #ids
  end
  math.randomseed(os.time() + tonumber(tostring({}):sub(8), 16) % 100000)
end

local function popular()
  local wanted, low, high = math.random() * sums[#sums], 1, #sums
  while low < high do
    local middle = math.floor((low + high) / 2)
    if sums[middle] < wanted then low = middle + 1 else high = middle end
  end
  return ids[low]
end

local function rolled()
  local roll = math.random(100)
  for kind, share in pairs(shares) do
    roll = roll - share
    if roll <= 0 then return kind end
  end
end

function request()
  local kind = which == "mix" and rolled() or which
  local path = "/catalog/tv/live-streams.json"
  if kind == "manifest" then
    path = "/manifest.json"
  elseif kind ~= "catalog" and kind ~= "plain" then
    path = "/" .. kind .. "/tv/" .. popular() .. ".json"
  end
  local network = math.random(networks) - 1
  local headers = { ["x-forwarded-for"] = string.format("30.%d.%d.%d", math.floor(network / 250), network % 250, math.random(250)) }
  if kind ~= "plain" then headers["accept-encoding"] = "gzip, deflate, br" end
  return wrk.format("GET", path, headers)
end

function delay()
  return pause
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %f %f %d\n", summary.requests, summary.duration, latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
