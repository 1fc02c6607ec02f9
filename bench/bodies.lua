-- Bodies of any dialect. In BODY, @I is an instance's number, one of DISTINCT in turn, and @U one that never comes twice,
-- from OFFSET; or FILE holds bodies, each after a line with its length, sent in turn from OFFSET.
-- Of every hundred, INVALID are cut off in the middle. With DELAY each connection rests for so many milliseconds.

local template = os.getenv("BODY")
local distinct = tonumber(os.getenv("DISTINCT"))
local sent = tonumber(os.getenv("OFFSET"))
local invalid = tonumber(os.getenv("INVALID"))
local rest = tonumber(os.getenv("DELAY"))
local bodies = {}

if os.getenv("FILE") then
  local file = io.open(os.getenv("FILE"), "rb")
  local length = file:read("*n")
  while length do
    file:read(1)
    bodies[#bodies + 1] = file:read(length)
    length = file:read("*n")
  end
  file:close()
end

wrk.method = "POST"
for name, value in os.getenv("HEADERS"):gmatch("([^:\n]+): ([^\n]*)") do
  wrk.headers[name] = value
end

function request()
  sent = sent + 1
  local body = #bodies > 0 and bodies[sent % #bodies + 1] or template:gsub("@%u", {
    ["@I"] = ("%012d"):format(sent % distinct),
    ["@U"] = ("%012d"):format(sent),
  })
  if sent * 37 % 100 < invalid then
    body = body:sub(1, #body / 2)
  end
  return wrk.format(nil, nil, nil, body)
end

if rest > 0 then
  function delay()
    return rest
  end
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout))
end
