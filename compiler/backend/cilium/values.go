package cilium

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// values writes the chart's values: what the site decides, and the few defaults on which the rest of the tree relies.
// Keys were read in install/kubernetes/cilium of Cilium 1.20.2: values.yaml and templates/cilium-configmap.yaml.
func values(p *ir.Plan, t *artifact.Tree, r ir.Release, s *ir.CiliumSettings) {
	y := backend.Values(p, t, r)
	y.From("", s.From.Of("address", "hostname", "port")...)
	y.Comment("Asked for without its Service, which is made reachable by Cilium itself.")
	y.KV("k8sServiceHost", s.APIHost)
	y.KV("k8sServicePort", s.APIPort)
	y.From("", s.From.Of("mode")...)
	y.KV("kubeProxyReplacement", s.ReplacesKubeProxy)
	y.Fixed()
	y.Comment("Agents, operators and proxies read their configuration as they start. Without this a change of it would reach none that runs.")
	y.KV("rollOutCiliumPods", true)
	routing(y, s)
	pods(y, s)
	y.From("", s.From.Of("cni")...)
	if !s.Exclusive {
		y.Comment("The mesh has a CNI plug-in of its own, whose configuration stays.")
	}
	y.Map("cni", func() { y.KV("exclusive", s.Exclusive) })
	if s.HostSockets {
		y.Comment("Not in pods, where the mesh's proxy must see the Service's address.")
	}
	y.Map("socketLB", func() { y.KV("hostNamespaceOnly", s.HostSockets) })
	y.Map("bpf", func() {
		y.KV("masquerade", s.BPFMasquerade)
		y.Comment("Sized by the declared load, not by the memory of each node. The table of addresses in use follows it.")
		y.From("conntrack/size", s.ConnectionsFrom...)
		y.KV("ctTcpMax", s.TCPConnections)
		y.Fixed()
		stackRouting(y, s)
	})
	unmasqueraded(y, s)
	balancer(y, s)
	if s.NodesByAddress {
		y.From("", s.From.Of("cni", "kind")...)
		y.Comment("NetworkPolicies admit API servers and kubelets by their addresses. Left to itself Cilium matches nodes by identity\nalone, and no block of addresses selects one.")
		y.KV("policyCIDRMatchMode", []string{"nodes"})
		y.Fixed()
	}
	meshed(y, s)
	clusterMesh(p, y, s)
	y.Map("hubble", func() {
		y.Map("tls", func() {
			y.Map("auto", func() {
				y.Comment("The chart's own way makes new certificates with every render, and no two are equal.")
				y.KV("method", "cronJob")
			})
		})
		logs(y, s)
	})
	y.Map("operator", func() {
		y.From("", s.From.Of("racks")...)
		y.KV("replicas", s.OperatorReplicas)
		y.Fixed()
		y.KV("rollOutPods", true)
	})
	if s.Metrics {
		y.From("", s.From.Of("scraper", "rules")...)
		y.Map("prometheus", func() { y.KV("enabled", true) })
		y.Fixed()
	}
}

func routing(y *artifact.YAML, s *ir.CiliumSettings) {
	y.From("", s.From.Of("cni")...)
	if s.Tunnel != "" {
		y.KV("routingMode", "tunnel")
		y.KV("tunnelProtocol", s.Tunnel)
	} else {
		y.KV("routingMode", "native")
		y.Comment("Nodes of one segment reach each other's pods directly; all others by way of the switch.")
		y.KV("autoDirectNodeRoutes", s.DirectRoutes)
		y.KV("directRoutingSkipUnreachable", s.DirectRoutes)
		y.From("", s.From.Of("podCIDRs", "cni")...)
		if s.Pods4.Network.IsValid() {
			y.KV("ipv4NativeRoutingCIDR", s.Pods4.Network)
		}
		if s.Pods6.Network.IsValid() {
			y.KV("ipv6NativeRoutingCIDR", s.Pods6.Network)
		}
	}
	if s.Egress {
		y.From("", s.From.Of("egressGateways")...)
		if s.Tunnel == "" {
			y.Comment("Of what goes to a node with a fixed source address, and its answers: nothing else is encapsulated.")
			y.KV("tunnelProtocol", s.EgressTunnel)
		}
		y.Map("egressGateway", func() { y.KV("enabled", true) })
	}
	y.From("", s.From.Of("mtu", "racks")...)
	y.Comment("Of the network between the nodes; Cilium takes off what an encapsulation adds.")
	y.KV("MTU", s.MTU)
	if len(s.Devices) > 0 {
		y.From("", s.From.Of("nodeClasses", "racks")...)
		y.Comment("Those of the node network. Left to itself Cilium takes every interface with a route to a global address: it would\nserve Services on the machines' further networks and translate what leaves by them.")
		y.KV("devices", strings.Join(s.Devices, " "))
	}
	y.Fixed()
}

// pods writes who gives nodes their ranges: Cilium's operator, so that their length is the one that switches admit,
// whatever the controller manager has been told.
func pods(y *artifact.YAML, s *ir.CiliumSettings) {
	y.From("", s.From.Of("podCIDRs")...)
	y.Map("ipv4", func() { y.KV("enabled", s.Pods4.Network.IsValid()) })
	y.Map("ipv6", func() { y.KV("enabled", s.Pods6.Network.IsValid()) })
	y.Map("ipam", func() {
		y.Fixed()
		y.KV("mode", "cluster-pool")
		y.From("", s.From.Of("podCIDRs", "nodeCIDRMask")...)
		y.Map("operator", func() {
			family(y, "4", s, s.Pods4)
			family(y, "6", s, s.Pods6)
		})
	})
}

func family(y *artifact.YAML, version string, s *ir.CiliumSettings, pods ir.CiliumPods) {
	if !pods.Network.IsValid() {
		return
	}
	y.From("", s.From.Of("podCIDRs")...)
	y.KV("clusterPoolIPv"+version+"PodCIDRList", []string{pods.Network.String()})
	if pods.Bits > 0 {
		y.From("", s.From.Of("nodeCIDRMask")...)
		y.KV("clusterPoolIPv"+version+"MaskSize", pods.Bits)
	}
}

// unmasqueraded keeps the addresses of pods where other sites know them (pkg/ipmasq; the range that is routed natively stands
// besides: pkg/datapath/linux/config, IPV4_SNAT_EXCLUSION_DST_CIDR).
func unmasqueraded(y *artifact.YAML, s *ir.CiliumSettings) {
	if len(s.Unmasqueraded) == 0 {
		return
	}
	y.From("", s.UnmasqueradedFrom...)
	y.Comment("Pods of other sites see the addresses of pods here.")
	y.Map("ipMasqAgent", func() {
		y.KV("enabled", true)
		y.Map("config", func() {
			y.Seq("nonMasqueradeCIDRs", func() {
				for _, p := range s.Unmasqueraded {
					y.Elem(p)
				}
			})
			y.Fixed()
			y.Comment("Translated as it is without this list.")
			y.KV("masqLinkLocal", true)
			y.KV("masqLinkLocalIPv6", true)
		})
	})
}

func balancer(y *artifact.YAML, s *ir.CiliumSettings) {
	y.Fixed()
	y.Comment("Addresses for Services that ask by class alone: those of another load balancer, and those without a class, are left alone.")
	y.KV("defaultLBServiceIPAM", s.ClasslessServices)
	y.From("", s.From...)
	y.Map("bgpControlPlane", func() { y.KV("enabled", s.BGP) })
	y.Map("l2announcements", func() { y.KV("enabled", s.Layer2) })
	y.Fixed()
}
