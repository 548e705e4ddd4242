// Package ciliummesh prints the mesh of the pod network Cilium.
//
// In comes an *ir.Plan. Out go, where the mesh is Cilium, in phase 30-gateways a GatewayClass and a
// CiliumGatewayClassConfig for each gateway, and in phase 40-policy the CiliumNetworkPolicies of namespaces and services,
// the one of all gateways, the HTTPRoutes between services, and the
// CiliumEnvoyConfigs of those whose requests are repeated or whose failing pods are taken out; where the site is joined with
// others, the ServiceExports of what they call. The Gateways and their routes are printed by package
// gatewayapi, the chart's values by package cilium.
//
// Facts about Cilium in comments were read in cilium/cilium v1.20.2.
package ciliummesh

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend prints the mesh of Cilium, and nothing for another mesh.
var Backend = backend.Backend{
	Name: "cilium-mesh",
	Kind: "mesh",
	Doc:  "classes of gateways, policies and routes between services of Cilium",
	Emit: emit,
}

const (
	v2           = "cilium.io/v2"
	v2alpha1     = "cilium.io/v2alpha1"
	gatewayAPI   = "gateway.networking.k8s.io/v1"
	multiCluster = "multicluster.x-k8s.io/v1beta1" // sigs.k8s.io/mcs-api v0.5.2, which Cilium 1.20.2 installs
	// controller is Cilium's own (operator/pkg/gateway-api/cell.go, defaultControllerName).
	controller = "io.cilium/gateway-controller"
)

func emit(p *ir.Plan, t *artifact.Tree) {
	m := p.CiliumMesh
	if m == nil {
		return
	}
	classes(p, t)
	policies(p, t, m)
	routes(p, t, m)
	proxied(p, t, m)
	exports(p, t, m)
}

// exports: other sites know these Services as <service>.<namespace>.svc.clusterset.local.
func exports(p *ir.Plan, t *artifact.Tree, m *ir.CiliumMesh) {
	o := backend.NewWriter(p, t, backend.Policy, "ServiceExport")
	for i := range m.Exports {
		e := &m.Exports[i]
		o.Add(backend.Meta{APIVersion: multiCluster, Namespace: e.Namespace, Name: e.Service, From: e.From}, func(*artifact.YAML) {})
	}
}

// classes: a class for each gateway, with what the Gateway API has no words for.
func classes(p *ir.Plan, t *artifact.Tree) {
	class := backend.NewWriter(p, t, backend.Gateways, "GatewayClass")
	config := backend.NewWriter(p, t, backend.Gateways, "CiliumGatewayClassConfig")
	for i := range p.Gateways {
		g := &p.Gateways[i]
		ref := g.ClassParameters
		if ref.Name == "" {
			continue
		}
		class.Add(backend.Meta{APIVersion: gatewayAPI, Name: g.APIClass, From: g.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.KV("controllerName", controller)
				y.Map("parametersRef", func() {
					y.KV("group", ref.Group)
					y.KV("kind", ref.Kind)
					y.KV("namespace", g.Namespace)
					y.KV("name", ref.Name)
				})
			})
		})
		config.Add(backend.Meta{APIVersion: v2alpha1, Namespace: g.Namespace, Name: ref.Name, From: g.From}, func(y *artifact.YAML) {
			backend.Nested(y, []string{"spec", "service"}, func() { service(y, g) })
		})
	}
}

// service is what the Service of a gateway is like. Every node's proxy answers for it.
func service(y *artifact.YAML, g *ir.Gateway) {
	y.KV("type", "LoadBalancer")
	y.From("", g.From.Of("externalTrafficPolicy")...)
	y.KV("externalTrafficPolicy", trafficPolicy(g.Local))
	y.Fixed()
	if g.LBClass != "" {
		y.KV("loadBalancerClass", g.LBClass)
	}
	y.Comment("Clients come to the address: no node listens on a port of its own.")
	y.KV("allocateLoadBalancerNodePorts", g.NodePorts)
	if len(g.SourceRanges) > 0 {
		y.From("", g.From.Of("sourceRanges")...)
		y.KV("loadBalancerSourceRanges", ir.Prefixes(g.SourceRanges))
		y.Comment("Whoever is in none of them is refused.")
		y.KV("loadBalancerSourceRangesPolicy", "Allow")
		y.Fixed()
	}
}

func trafficPolicy(local bool) string {
	if local {
		return "Local"
	}
	return "Cluster"
}
