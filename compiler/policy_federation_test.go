package compiler

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/site"
)

// crosses reports whether a gateway leads callers of other sites to a service: network policies then let its pods in, and
// the service's own proxy, which sees whose certificate it is, does not take that of the gateway.
func (d declared) crosses(gateway, callee string, port int) bool {
	g := d.s.Gateways[gateway]
	if g == nil || g.Purpose != "federation" {
		return false
	}
	s := d.service(callee)
	admitted := slices.ContainsFunc(s.Allow, func(a site.Allow) bool {
		return slices.ContainsFunc(a.From, func(c string) bool { return strings.Contains(c, ":") })
	})
	for _, p := range s.Ports {
		if p.Port == port {
			return admitted && p.Protocol != "udp"
		}
	}
	return false
}
