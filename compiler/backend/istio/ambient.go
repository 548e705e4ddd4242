package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

func emitAmbient(p *ir.Plan, t *artifact.Tree) {
	if p.Mesh.Kind != ambientKind {
		return
	}
	e := &emitter{p: p, t: t}
	e.values()
	e.signer()
	e.mtls()
	e.denyByDefault()
	e.denyAtWaypoints()
	e.telemetry()
	e.waypoints()
	e.egressWaypoints()
	e.probes()
	e.gateways()
	e.exposedRoutes()
	e.gatewayPolicies()
	e.eastWestPolicy()
	e.knownServices()
	e.serviceRoutes()
	e.destinationRules()
	e.servicePolicies(backend.Policy)
	e.migrationStages()
	e.breakGlass()
	e.requestPolicies()
	e.requestAuthentications()
	e.rateLimits()
	e.machines()
}

// probes lets kubelets' probes of captured pods through Cilium's policies: the node agent gives them a source address of
// their own, and Cilium takes that for an address outside. No other policy gets stricter by it.
func (e *emitter) probes() {
	c := &e.p.Cluster
	if c.CNI.Kind != "cilium" {
		return
	}
	from := append(append(ir.From{}, c.CNI.From.Of("kind", "cni")...), e.p.Mesh.From.Of("kind")...)
	o := e.objects(backend.Mesh, "CiliumClusterwideNetworkPolicy")
	o.Add(backend.Meta{APIVersion: "cilium.io/v2", Name: "mesh-host-probes", From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.Map("enableDefaultDeny", func() {
				y.KV("egress", false)
				y.KV("ingress", false)
			})
			y.KV("endpointSelector", map[string]string{})
			y.Seq("ingress", func() {
				y.Item(func() {
					y.From("", append(from[:len(from):len(from)], c.From.Of("podCIDRs")...)...)
					y.Seq("fromCIDR", func() {
						v4, v6 := families(c)
						if v4 {
							y.Elem("169.254.7.127/32")
						}
						if v6 {
							y.Elem("fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128")
						}
					})
					y.Fixed()
				})
			})
		})
	})
}
