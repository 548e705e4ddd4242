// Package calico prints the objects by which Calico announces ranges of pods to the switches, and those by which Calico
// Enterprise gives what pods send outside a fixed source address.
//
// In come the plan's peerings, where Calico holds the nodes' ends of them, and its egress gateways of provider calico. Out go
// a BGPConfiguration, BGPPeers, a BGPFilter, an IPAMConfiguration and, where pods of other sites are reached, IPPools in which
// nothing is given out, in the phase 10-load-balancer, as those of any other
// speaker; and IPPools, EgressGateways, which the operator makes Deployments
// of, and EgressGatewayPolicies in the phase 03-egress: from a namespace that names a policy which is not there, Calico lets
// nothing out. Field names and what they do: tigera/operator of 2026-08-21, api/v1/egressgateway_types.go and pkg/imports/crds,
// and the Calico Enterprise documentation 3.23, Configure egress gateways, on-premises, and Egress gateway policy; read
// 2026-11-21.
package calico

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes Calico's announcements and egress gateways.
var Backend = backend.Backend{
	Name: "calico",
	Kind: "calico",
	Doc:  "ranges of pods that Calico announces, with its peers and filter; egress gateways of Calico Enterprise: pools of source addresses, gateways and who goes by them",
	Emit: emit,
}

const (
	v3         = "projectcalico.org/v3"
	operatorV1 = "operator.tigera.io/v1"
)

const poolComment = `Addresses for the pods of egress gateways, which ask for a pool by name; no node gives one to another pod. One address is
one block, so that a pod on any node can have any of them. The switches need a route to each: see NORTH-SOUTH.md.`

const policyComment = `The annotation of a Namespace leads its pods here. A destination that is not named is routed as ever. Who may send is for
the NetworkPolicies to say; while no pod of a gateway runs, what is for it goes nowhere.`

func emit(p *ir.Plan, t *artifact.Tree) {
	announcements(p, t)
	e := p.CalicoEgress
	if e == nil {
		return
	}
	y := backend.Objects(p, t, backend.Egress, "IPPool")
	y.From("", e.From...)
	y.Comment(poolComment)
	y.Fixed()
	for i := range e.Gateways {
		for _, pool := range e.Gateways[i].Pools {
			o := backend.Meta{APIVersion: v3, Kind: "IPPool", Name: pool.Name, Labels: backend.ManagedBy(p), From: pool.From}
			backend.Object(y, o, func() { y.Map("spec", func() { writePool(y, &pool) }) })
		}
	}
	y = backend.Objects(p, t, backend.Egress, "EgressGatewayPolicy")
	y.From("", e.From...)
	y.Comment(policyComment)
	y.Fixed()
	for i := range e.Policies {
		o := &e.Policies[i]
		m := backend.Meta{APIVersion: v3, Kind: "EgressGatewayPolicy", Name: o.Name, Labels: backend.ManagedBy(p), From: o.From}
		backend.Object(y, m, func() { y.Map("spec", func() { writeRules(y, o) }) })
	}
	y = backend.Objects(p, t, backend.Egress, "EgressGateway")
	for i := range e.Gateways {
		g := &e.Gateways[i]
		m := backend.Meta{APIVersion: operatorV1, Kind: "EgressGateway", Namespace: g.Pods.Namespace, Name: g.Pods.Release, Labels: backend.ManagedBy(p), From: g.From}
		backend.Object(y, m, func() { y.Map("spec", func() { writeGateway(y, g) }) })
	}
}

func writePool(y *artifact.YAML, pool *ir.CalicoPool) {
	y.From("", pool.From...)
	y.KV("cidr", pool.Network)
	y.KV("blockSize", pool.Network.Addr().BitLen())
	y.KV("allowedUses", []string{"Workload"})
	y.KV("nodeSelector", "!all()")
	y.Comment("The address itself is what the other end knows.")
	y.KV("natOutgoing", false)
	y.Comment("As all pods here: nodes reach the gateway's without the switches, and no BGP among nodes is needed for it.")
	y.KV("vxlanMode", "Always")
	y.KV("ipipMode", "Never")
	y.Fixed()
}

func writeRules(y *artifact.YAML, o *ir.CalicoPolicy) {
	y.Seq("rules", func() {
		for i := range o.Rules {
			r := &o.Rules[i]
			y.From("", r.From...)
			y.Item(func() {
				y.KV("description", "external "+r.External)
				y.Map("destination", func() { y.KV("cidr", r.Destination) })
				y.Map("gateway", func() {
					y.KV("namespaceSelector", "projectcalico.org/name == '"+r.GatewayNamespace+"'")
					y.KV("selector", r.Label.Key+" == '"+r.Label.Value+"'")
				})
			})
		}
		y.Fixed()
	})
}

func writeGateway(y *artifact.YAML, g *ir.CalicoGateway) {
	y.From("", g.From...)
	y.Comment("One fewer than addresses: a rollout begins with a pod more, and waits for it.")
	y.KV("replicas", g.Pods.Replicas)
	y.Seq("ipPools", func() {
		for _, pool := range g.Pools {
			y.Item(func() { y.KV("name", pool.Name) })
		}
	})
	y.Map("template", func() {
		y.Map("metadata", func() { backend.Pairs(y, "labels", []ir.KV{g.Label}) })
		y.Map("spec", func() {
			backend.PlacementFor(y, &g.Pods, "Where the switches have their routes to: a pod elsewhere is reached by a detour.", "go on with their addresses")
		})
	})
	y.Fixed()
}
