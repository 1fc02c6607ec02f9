-- SeqDesk heartbeats. DISTINCT instances in turn, or with 0 a new one each time, numbered from OFFSET.

local distinct = tonumber(os.getenv("DISTINCT"))
local offset = tonumber(os.getenv("OFFSET"))
local sent = 0
local body = '{"protocolVersion":1,"instanceId":"3920606d-a8be-4b50-a4d0-%012d","runningVersion":"1.1.130",'
  .. '"installedVersion":"1.1.130","installProfile":{"id":null,"version":null},'
  .. '"update":{"available":false,"latestVersion":null},"database":{"provider":"sqlite"},'
  .. '"runtime":{"platform":"linux","arch":"x64","nodeMajor":20}}'

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["User-Agent"] = "SeqDesk/1.1.130"
wrk.headers["X-SeqDesk-Telemetry-Token"] = "OoAnZS_nR_26p0eeGTzUAJFh9oNXdHYCz1rzA45wKPA"

function request()
  sent = sent + 1
  local number = distinct > 0 and sent % distinct or sent
  return wrk.format(nil, nil, nil, body:format(offset + number))
end

function done(summary, latency)
  io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write
    + summary.errors.timeout))
end
