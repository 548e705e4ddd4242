// Package metallb prints MetalLB: layer 2, and BGP by frr-k8s, by FRR in the speaker's pod, or by the speaker itself.
//
// In come the plan's load balancer, peerings and pools. Out go the objects of the phase 10-load-balancer, one file a
// kind, and the values of the chart. The switches' end of each session is printed by other backends from the same
// peerings.
package metallb

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes MetalLB's objects and the values of its chart.
var Backend = backend.Backend{
	Name: "metallb",
	Kind: "loadbalancer",
	Doc:  "address pools, BGP peers, advertisements by BGP and layer 2, and BFD of MetalLB, and the values of its chart",
	Emit: emit,
}

const (
	v1beta1 = "metallb.io/v1beta1"
	v1beta2 = "metallb.io/v1beta2" // of BGPPeer; v1beta1 is deprecated for it
)

func emit(p *ir.Plan, t *artifact.Tree) {
	if p.LoadBalancer.Kind != "metallb" {
		return
	}
	pools(p, t)
	if b := p.LoadBalancer.BFD; b != nil {
		bfdProfile(p, t, b)
	}
	peers(p, t)
	advertisements(p, t)
	layer2(p, t)
	for _, r := range p.Releases {
		if r.Component == "metallb" {
			values(p, t, r)
		}
	}
}

// object writes one object in MetalLB's namespace, the only one in which its controllers look.
func object(p *ir.Plan, y *artifact.YAML, apiVersion, kind, name string, from ir.From, spec func()) {
	backend.Object(y, backend.Meta{
		APIVersion: apiVersion, Kind: kind,
		Namespace: p.LoadBalancer.Namespace, Name: name,
		Labels: backend.ManagedBy(p),
		From:   append(from[:len(from):len(from)], p.From...),
	}, func() { y.Map("spec", spec) })
}

// nodeSelectors writes the one selector that all labels of s must meet.
func nodeSelectors(y *artifact.YAML, s ir.Selector) {
	y.From("", s.From...)
	y.Seq("nodeSelectors", func() {
		y.Item(func() { backend.Expressions(y, s) })
	})
}

// seconds returns a duration as the API takes it.
func seconds(n int) string { return strconv.Itoa(n) + "s" }
