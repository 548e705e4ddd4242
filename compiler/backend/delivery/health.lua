local health = {status = "Progressing", message = "not compared yet"}
if obj.status == nil or obj.status.health == nil or obj.status.health.status == nil then
  return health
end
health.status = obj.status.health.status
health.message = obj.status.health.message or ""
local labels = obj.metadata.labels or {}
local policy = obj.spec.syncPolicy or {}
if labels["meshgen.dev/site"] == nil or policy.automated == nil then
  return health
end
local sync = obj.status.sync or {}
local operation = obj.status.operationState or {}
if sync.status ~= "Synced" and operation.phase ~= "Succeeded" then
  health.status = "Progressing"
  health.message = "waits for its first sync"
end
return health
