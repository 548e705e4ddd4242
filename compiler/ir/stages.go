package ir

// BreakGlass is how the mesh is taken out of the path, in two overlays beside the site's own, which people apply: the
// first lifts what refuses, the second keeps proxies out of pods that start.
type BreakGlass struct {
	Open []Namespace // meshed ones of services: what the mesh refuses there is lifted
	Out  []Namespace // those that leave, as they are without proxies, in their order; empty where the mesh has none in pods
	// Plain are services as pods without proxies call them and are called, where the network admits proxies' ports alone.
	Plain []Service
	// Restarts are the workloads that leave, callers before callees, where that order matters; else empty.
	Restarts []Restart
	// Policies are those of Cilium that hold requests, as they are without: who is admitted at a port may ask for anything.
	Policies []CiliumPolicy
	// Running: pods leave as they run, and none starts anew.
	Running bool
	From    From
}

// Restart is a workload whose pods start anew.
type Restart struct {
	Namespace, Service, Workload string
	Labels                       []KV // of its pods
}

// MigrationStep is one stage of the way to another mode of mutual TLS, as an overlay beside the site's own.
type MigrationStep struct {
	Name       string // observe, permissive, strict
	Permissive bool   // plain text is taken
	Unproxied  bool   // from pods of the mesh too that have no proxy yet
	Next, Back string // names of the stages around it; "": none
}
