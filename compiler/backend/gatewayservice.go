package backend

import (
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// GatewayService writes the specification of a Service that has the addresses of a gateway, over the pods that its
// selector takes.
func GatewayService(y *artifact.YAML, g *ir.Gateway) {
	if g.NodePorts {
		y.KV("type", "NodePort")
	} else {
		y.KV("type", "LoadBalancer")
		if g.LBClass != "" {
			y.KV("loadBalancerClass", g.LBClass)
		}
	}
	if g.Local {
		y.Comment("Keeps the client's address, and takes no second hop: a node without a pod takes nothing.")
		y.KV("externalTrafficPolicy", "Local")
	}
	if len(g.SourceRanges) > 0 {
		y.KV("loadBalancerSourceRanges", ir.Prefixes(g.SourceRanges))
	}
	Families(y, g.VIPs)
	Pairs(y, "selector", g.Selector)
	y.Seq("ports", func() {
		for i := range g.Listeners {
			l := &g.Listeners[i]
			y.From("", l.From...)
			y.Item(func() {
				y.KV("name", strings.ToLower(l.Name))
				y.KV("port", l.Port)
				y.KV("targetPort", l.ContainerPort())
				y.KV("protocol", "TCP")
				if l.NodePort != 0 {
					y.KV("nodePort", l.NodePort)
				}
			})
		}
	})
	y.Fixed()
}

// Families writes the families of a Service's addresses: without them it has the cluster's first one alone.
func Families(y *artifact.YAML, vips []netip.Addr) {
	v4, v6 := false, false
	for _, a := range vips {
		v4, v6 = v4 || a.Is4(), v6 || a.Is6()
	}
	switch {
	case v4 && v6:
		y.KV("ipFamilyPolicy", "RequireDualStack")
	case v6:
		y.KV("ipFamilies", []string{"IPv6"})
	default:
		y.KV("ipFamilies", []string{"IPv4"})
	}
}
