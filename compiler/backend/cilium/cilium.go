// Package cilium prints Cilium: the values of its chart where meshgen installs it as the pod network, and its objects
// where it is the load balancer or gives out
// fixed source addresses.
//
// In come the plan's Cilium record and its release. Out go charts/<site>/cilium/values.yaml and the objects of the phase
// 10-load-balancer, and 40-policy for source addresses, one file a kind. The switches' end of each session is printed by other backends from the same
// peerings.
package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes Cilium's objects and the values of its chart.
var Backend = backend.Backend{
	Name: "cilium",
	Kind: "loadbalancer",
	Doc:  "values of Cilium's chart, and its address pools, BGP configurations, advertisements and layer-2 policies",
	Emit: emit,
}

// Versions of the API. CiliumL2AnnouncementPolicy has no other; the rest of v2alpha1 is deprecated.
const (
	v2       = "cilium.io/v2"
	v2alpha1 = "cilium.io/v2alpha1"
)

func emit(p *ir.Plan, t *artifact.Tree) {
	c := p.Cilium
	if c == nil {
		return
	}
	clusters(p, t, c)
	peers(p, t, c)
	adverts(p, t, c)
	pools(p, t, c)
	layer2(p, t, c)
	egress(p, t)
	if c.Settings == nil {
		return
	}
	for _, r := range p.Releases {
		if r.Component == "cilium" {
			values(p, t, r, c.Settings)
		}
	}
	upgrade(p, t, c.Settings)
}

// object writes one object. All kinds are cluster-scoped.
func object(p *ir.Plan, y *artifact.YAML, apiVersion, kind, name string, labels []ir.KV, from ir.From, spec func()) {
	backend.Object(y, backend.Meta{
		APIVersion: apiVersion, Kind: kind, Name: name,
		Labels: append(backend.ManagedBy(p), labels...),
		From:   append(from[:len(from):len(from)], p.From...),
	}, func() { y.Map("spec", spec) })
}

// routesLabel is on each advertisement; a peer selects by it.
const routesLabel = "meshgen.dev/routes"

// namespaceLabel is what Cilium adds to the labels of a Service before it holds a selector against them
// (operator/pkg/lbipam/service_store.go, pkg/bgp/manager/reconciler/service.go, pkg/l2announcer/l2announcer.go).
const namespaceLabel = "io.kubernetes.service.namespace"

// in writes a selector with one term.
func in(y *artifact.YAML, field, key string, values []string) {
	y.Map(field, func() {
		backend.Expressions(y, ir.Selector{Terms: []ir.Term{{Key: key, Values: values}}})
	})
}
