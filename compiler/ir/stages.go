package ir

// BreakGlass is how the mesh is taken out of the path, in two overlays beside the site's own, which people apply: the
// first lifts what refuses, the second keeps proxies out of pods that start.
type BreakGlass struct {
	Open []Namespace // meshed ones of services: what the mesh refuses there is lifted
	Out  []Namespace // the same as they are without proxies; empty where the mesh has none in pods
	From From
}

// MigrationStep is one stage of the way to another mode of mutual TLS, as an overlay beside the site's own.
type MigrationStep struct {
	Name       string // observe, permissive, strict
	Permissive bool   // plain text is taken
	Next, Back string // names of the stages around it; "": none
}
