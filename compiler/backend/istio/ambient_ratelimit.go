package istio

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// waypointLimit bounds the requests to a service at its waypoint, whose pods count each for itself. A waypoint serves all
// services of the namespace, and has a chain of filters for each port of each of them: the name of the chain holds the
// patch to the service. istiod applies patches for inbound listeners of sidecars to those of waypoints as well; a context
// of their own is in the API and without effect (istio/istio 1.31.0 pilot/pkg/networking/core/listener_waypoint.go,
// buildWaypointInternal; listener_builder.go, patchListeners; pilot/pkg/model/policyattachment.go; read 2026-11-21).
func (e *emitter) waypointLimit(y *artifact.YAML, s *ir.Service) {
	target(y, gatewayAPIGroup, "Gateway", e.p.Mesh.Waypoint.Name)
	y.Comment("Each pod of the waypoint counts for itself.")
	y.Seq("configPatches", func() {
		http, _ := httpPorts(s.Ports)
		for _, p := range http {
			y.From("", append(append(ir.From{}, p.From...), s.From...)...)
			limitPatch(y, s.RateLimit, fmt.Sprintf("inbound-vip|%d|http|%s", p.Port, s.Host))
			y.Fixed()
		}
	})
}
