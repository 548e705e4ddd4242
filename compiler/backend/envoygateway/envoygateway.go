// Package envoygateway prints what Envoy Gateway needs to serve gateways for a mesh that has none of its own.
//
// In comes an *ir.Plan. Out go, where a gateway names the program, the values of its charts (CRDs, controller), in phase
// 30-gateways its GatewayClass, and for each such gateway an EnvoyProxy: where its pods run, how many, and what their
// Service is; and for each route to services of gRPC a BackendTrafficPolicy. The Gateways and their routes are printed by
// package gatewayapi.
//
// Facts about Envoy Gateway in comments were read in envoyproxy/gateway v1.8.3 and v1.9.1, whose releases take the same
// values and kinds as far as they are printed here.
package envoygateway

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// kind is the program, as gateways name it.
const kind = "envoy-gateway"

// Backend prints Envoy Gateway, and nothing for a plan without it.
var Backend = backend.Backend{
	Name: kind,
	Kind: "gateways",
	Doc:  "chart values, class and proxies of Envoy Gateway",
	Emit: emit,
}

const (
	gatewayAPI = "gateway.networking.k8s.io/v1"
	extension  = "gateway.envoyproxy.io/v1alpha1"
)

func emit(p *ir.Plan, t *artifact.Tree) {
	pr := p.Program
	if pr == nil || pr.Kind != kind {
		return
	}
	for _, r := range p.Releases {
		if r.Component == kind {
			y := backend.Values(p, t, r)
			if r.SkipCRDs {
				controllerValues(p, y)
			} else {
				crdValues(y)
			}
		}
	}
	class := backend.NewWriter(p, t, backend.Gateways, "GatewayClass")
	class.Add(backend.Meta{APIVersion: gatewayAPI, Name: pr.Kind, From: pr.From}, func(y *artifact.YAML) {
		y.Map("spec", func() { y.KV("controllerName", pr.Controller) })
	})
	calls(p, t)
	proxies := backend.NewWriter(p, t, backend.Gateways, "EnvoyProxy")
	for i := range p.Gateways {
		if g := &p.Gateways[i]; g.Program.Kind == kind {
			proxies.Add(backend.Meta{APIVersion: extension, Namespace: g.Namespace, Name: g.Parameters.Name, From: g.From},
				func(y *artifact.YAML) {
					y.Map("spec", func() { proxy(y, g, p.Mesh.AccessLogs, p.Mesh.AccessLogsFrom) })
				})
		}
	}
}

// crdValues: the program's own kinds, and not those of the Gateway API, which are there already.
func crdValues(y *artifact.YAML) {
	y.Map("crds", func() {
		y.Map("envoyGateway", func() { y.KV("enabled", true) })
		y.Comment("The cluster has the bundle that the site declares; that of the chart is of the experimental channel.")
		y.Map("gatewayAPI", func() { y.KV("enabled", false) })
	})
}

// controllerValues: two controllers of which one leads, and proxies beside their Gateways.
func controllerValues(p *ir.Plan, y *artifact.YAML) {
	// A template of the chart's own subchart, which --skip-crds does not keep out.
	y.Map("crds", func() {
		y.Comment("The admission policy that guards the bundle of the Gateway API comes with the bundle, and not with the controller.")
		backend.Nested(y, []string{"gatewayAPI", "safeUpgradePolicy"}, func() { y.KV("enabled", false) })
	})
	if !p.Program.Zones {
		y.From("", "racks")
		y.Comment("All nodes are in one zone: no proxy needs to know which, and its webhook would be asked about every pod that gets a node.")
		y.Map("topologyInjector", func() { y.KV("enabled", false) })
		y.Fixed()
	}
	y.Map("deployment", func() {
		y.KV("replicas", 2)
		backend.Nested(y, []string{"pod"}, func() {
			y.Seq("topologySpreadConstraints", func() {
				y.Item(func() {
					y.KV("maxSkew", 1)
					y.KV("topologyKey", "kubernetes.io/hostname")
					y.KV("whenUnsatisfiable", "ScheduleAnyway")
					backend.Nested(y, []string{"labelSelector", "matchLabels"}, func() { y.KV("control-plane", "envoy-gateway") })
				})
			})
		})
	})
	y.Map("podDisruptionBudget", func() { y.KV("minAvailable", 1) })
	y.From("", p.Cluster.From.Of("clusterDomain")...)
	y.KV("kubernetesClusterDomain", p.Cluster.Domain)
	y.Fixed()
	backend.Nested(y, []string{"config", "envoyGateway"}, func() {
		y.Map("gateway", func() { y.KV("controllerName", p.Program.Controller) })
		y.Map("provider", func() {
			y.KV("type", "Kubernetes")
			y.Comment("Proxies stand in the namespace of their Gateway and are named as it is: its policies and its mesh hold for them.")
			backend.Nested(y, []string{"kubernetes", "deploy"}, func() { y.KV("type", "GatewayNamespace") })
		})
	})
}
