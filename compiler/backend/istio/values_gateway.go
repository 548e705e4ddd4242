package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// gatewayValues: one gateway of frontend "istio", as a release of the gateway chart.
func (e *emitter) gatewayValues(y *artifact.YAML, g *ir.Gateway) {
	y.Begin(g.From...)
	y.KV("name", g.Release)
	y.From("", e.p.Mesh.From.Of("revision")...)
	y.KV("revision", e.p.Mesh.Revision)
	y.Fixed()
	y.Comment("A fixed number: each replica has its place, and the chart's autoscaler takes no notice of places.")
	y.Map("autoscaling", func() { y.KV("enabled", false) })
	y.From("", g.From.Of("replicas")...)
	y.KV("replicaCount", g.Replicas)
	if g.Replicas > 1 { // the chart makes none for a single pod: it would block every drain
		y.Map("podDisruptionBudget", func() { y.KV("maxUnavailable", 1) })
	}
	y.From("", g.Resources.From...)
	backend.Resources(y, g.Resources)
	y.Fixed()
	podSecurity(y, g)
	if g.ProxyProtocol || e.spire() != nil {
		if !g.ProxyProtocol {
			y.From("", e.p.Mesh.CA.From...)
		}
		y.Map("podAnnotations", func() {
			if g.ProxyProtocol {
				y.From("", g.ViaFrom...)
				proxyProtocol(y)()
			}
			e.gatewayTemplates(y)
		})
	}
	if f := e.p.Federation; e.p.CrossesSites(g) {
		crossSite(y, f)
	}
	backend.Placement(y, g)
	gatewayService(y, g)
}

// proxyProtocol writes the annotation by which the proxy expects a PROXY header on every connection, and refuses one
// without (pilot/pkg/networking/core/gateway.go, needPROXYProtocol; pkg/bootstrap reads it from the pod). The ports of
// probes and metrics do not.
func proxyProtocol(y *artifact.YAML) func() {
	return func() { y.KV("proxy.istio.io/config", `{"gatewayTopology": {"proxyProtocol": {}}}`) }
}

// serviceType is the type of a gateway's Service.
func serviceType(g *ir.Gateway) string {
	if g.NodePorts {
		return "NodePort"
	}
	return "LoadBalancer"
}

// podSecurity writes the pod's security context. It replaces the chart's own, which is the one sysctl that lets the
// proxy bind low ports; the plan lists that one among the others.
func podSecurity(y *artifact.YAML, g *ir.Gateway) {
	y.Map("securityContext", func() {
		seccomp(y)
		backend.PodSysctls(y, g)
	})
}

// gatewayService: the Service that the load balancer gives its addresses to. Its ports are the listeners alone; the
// chart's own list would publish the proxy's health port.
func gatewayService(y *artifact.YAML, g *ir.Gateway) {
	y.Map("service", func() {
		y.KV("type", serviceType(g))
		y.From("", g.From...)
		serviceSpec(y, g)
		backend.Pairs(y, "annotations", g.Annotations)
		y.Seq("ports", func() {
			for _, l := range g.Listeners {
				y.From("", l.From...)
				y.Item(func() {
					y.KV("name", l.Name)
					y.KV("port", l.Port)
					y.KV("targetPort", l.Port)
					if l.NodePort != 0 {
						y.KV("nodePort", l.NodePort)
					}
					y.KV("protocol", "TCP")
				})
			}
		})
		y.Fixed()
	})
}

// serviceSpec writes what both frontends set of a Service's spec besides type and ports.
func serviceSpec(y *artifact.YAML, g *ir.Gateway) {
	if g.LBClass != "" {
		y.KV("loadBalancerClass", g.LBClass)
	}
	if g.Local {
		y.Comment("Keeps the client's address, and takes no second hop.")
		y.KV("externalTrafficPolicy", "Local")
	}
	if dualVIPs(g) {
		y.KV("ipFamilyPolicy", "RequireDualStack")
	}
	if len(g.SourceRanges) > 0 && !g.NodePorts { // who leads to node ports must filter
		y.KV("loadBalancerSourceRanges", ir.Prefixes(g.SourceRanges))
	}
}

// dualVIPs reports whether a gateway has addresses of both families.
func dualVIPs(g *ir.Gateway) bool {
	v4, v6 := false, false
	for _, a := range g.VIPs {
		v4, v6 = v4 || a.Is4(), v6 || a.Is6()
	}
	return v4 && v6
}
