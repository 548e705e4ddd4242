package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// EgressNameShared finds services that reach by name what only another one of their namespace declares.
var EgressNameShared = &check.Rule{
	ID: "MG5595", Name: "egress-name-shared", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service reaches a destination outside that another one of its namespace declares

What may leave is decided twice: by the caller's proxy, which with Linkerd and Istio knows what its namespace declares, and by
the network, which knows the pod, and of a destination without addresses the port alone. Two services of one namespace that
declare different destinations on one port, the first by name alone, share them: the first gets to the other's as well.
Consul and Cilium tell services apart; under an ambient mesh or none, names hold nobody to anything.
Source: linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/index/src/outbound (routes of an EgressNetwork hold for all pods of
a namespace); istio.io, ServiceEntry exportTo; read 2026-11-22.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		if kind != "linkerd" && kind != "istio-sidecar" || p.Site.Mesh.EgressPolicy != "registry-only" {
			return
		}
		users := map[string][]placed{} // by namespace
		for s := range services(p.Site) {
			if p.Site.Namespaces[s.namespace].Mesh && s.Workload != "VM" && len(s.Egress) > 0 {
				users[s.namespace] = append(users[s.namespace], s)
			}
		}
		for _, list := range byKey(users) {
			declared := sharedWays(p.Site, list)
			for _, s := range list {
				reportShared(p, s, declared)
			}
		}
	},
}

// sharedWay is a destination of a namespace with the first service that declares it.
type sharedWay struct {
	external string
	by       placed
}

// sharedWays are the destinations of a namespace's services by port. A proxy that has a source address to give sends what is
// for others nowhere.
func sharedWays(s *site.Site, list []placed) map[int][]sharedWay {
	out := map[int][]sharedWay{}
	seen := map[string]bool{}
	for _, by := range list {
		for _, n := range by.Egress {
			e := s.External[n]
			if e == nil || seen[n] {
				continue
			}
			seen[n] = true
			if g := s.EgressGateways[e.Via]; g != nil && byProxy(g.Provider) {
				continue
			}
			for _, port := range byKey(e.Ports) {
				if port.Protocol != "udp" { // which no proxy takes
					out[port.Port] = append(out[port.Port], sharedWay{n, by})
				}
			}
		}
	}
	return out
}

// reportShared reports the first destination that a service gets to beside each that it knows by name alone.
func reportShared(p *check.Pass, s placed, declared map[int][]sharedWay) {
	for i, n := range s.Egress {
		e := p.Site.External[n]
		if e == nil || len(e.Addresses) > 0 {
			continue
		}
		for _, port := range byKey(e.Ports) {
			if port.Protocol == "udp" {
				continue
			}
			k := slices.IndexFunc(declared[port.Port], func(w sharedWay) bool { return !slices.Contains(s.Egress, w.external) })
			if k < 0 {
				continue
			}
			w := declared[port.Port][k]
			p.Reportf(s.path+"."+site.Join("egress", site.Index(i)), "%s reaches %q by name alone, on port %d, and with it %q, which only %s declares", s.full(), n, port.Port, w.external, w.by.full()).
				Related(site.Join("external", w.external), "the other destination").
				Hintf("addresses: […] for %q; or one of the two services in a namespace of its own", n)
			break
		}
	}
}
