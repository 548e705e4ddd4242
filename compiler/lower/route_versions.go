package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// routesNewest is the version of routes that is written where the cluster serves it, since all served versions show one object.
const routesNewest = "v1"

// routeVersions decides at which version of its API a kind of route is written where the newest is not served: the one that
// who serves the gateway reads, which route-kind-not-served holds the bundle to.
func (l *lowering) routeVersions(g *ir.Gateway) {
	if g.Frontend != ir.FrontendGatewayAPI || l.s.Kubernetes.GatewayAPI == nil {
		return
	}
	bundle := l.set.Kubernetes().GatewayAPIRelease(l.s.Kubernetes.GatewayAPI.Version)
	if bundle == nil {
		return // of what it serves nothing is known
	}
	reads := map[string]string{}
	if g.Program.Kind == "" {
		if r := l.meshProfile().Release(l.s.Mesh.Version); r != nil {
			reads = r.GatewayAPI.Reads
		}
	} else if r := l.set.Gateway(g.Program.Kind).Release(g.Program.Version); r != nil {
		reads = r.Reads
	}
	for kind, version := range byKey(reads) {
		if !slices.Contains(bundle.Routes[kind].Of(l.s.Kubernetes.GatewayAPI.Channel), routesNewest) {
			g.RouteVersions = append(g.RouteVersions, ir.KV{Key: kind, Value: version})
		}
	}
}
