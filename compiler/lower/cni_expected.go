package lower

import (
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// ciliumExpects are the values on which the tree relies of a Cilium that somebody else installs. Without them its objects
// have no effect, or another one. Keys were read in templates/cilium-configmap.yaml of the chart of Cilium 1.20.2,
// 2026-11-21.
func (l *lowering) ciliumExpects(balancer bool) []ir.CiliumValue {
	s := l.ciliumSettings(balancer)
	var out []ir.CiliumValue
	add := func(value, key, want, why string, from ...string) {
		out = append(out, ir.CiliumValue{Value: value, Key: key, Want: want, Why: why, From: s.From.Of(from...)})
	}
	on := func(b bool) string { return strconv.FormatBool(b) }
	if s.BGP {
		add("bgpControlPlane.enabled", "enable-bgp-control-plane", "true", "no agent opens a session otherwise", "pools")
	}
	if s.Layer2 {
		add("l2announcements.enabled", "enable-l2-announcements", "true", "no agent answers for an address otherwise", "pools")
	}
	if s.Egress {
		add("egressGateway.enabled", "enable-egress-gateway", "true", "no agent reads the policies of source addresses otherwise", "egressGateways")
	}
	add("kubeProxyReplacement", "kube-proxy-replacement", on(s.ReplacesKubeProxy), "what the site says of kube-proxy", "mode")
	if balancer {
		add("defaultLBServiceIPAM", "default-lb-service-ipam", s.ClasslessServices, "Services without a class take addresses otherwise, and each address has an owner here", "pools")
	}
	if s.Tunnel != "" {
		add("routingMode", "routing-mode", "tunnel", "packets between nodes are as large as the site says", "cni")
		add("tunnelProtocol", "tunnel-protocol", s.Tunnel, "filters let nothing else through between nodes", "cni")
	} else {
		if s.Egress {
			add("tunnelProtocol", "tunnel-protocol", s.EgressTunnel, "what goes to a node with a fixed source address is encapsulated, and filters let nothing else through", "egressGateways")
		}
		add("routingMode", "routing-mode", "native", "switches and filters see the addresses of pods", "cni")
	}
	add("cni.exclusive", "cni-exclusive", on(s.Exclusive), "what the site says of other CNI plug-ins", "cni")
	add("socketLB.hostNamespaceOnly", "bpf-lb-sock-hostns-only", on(s.HostSockets), "whether pods see the addresses of Services", "cni")
	if s.NodesByAddress {
		add("policyCIDRMatchMode", "policy-cidr-match-mode", "nodes", "NetworkPolicies admit API servers and kubelets by their addresses, which match no node otherwise", "cni", "kind")
	}
	add("bpf.masquerade", "enable-bpf-masquerade", on(s.BPFMasquerade), "what translates the addresses of pods on their way out", "cni")
	if bgp := l.s.Fabric.BGP; bgp != nil && bgp.Advertise.Pods {
		add("ipam.mode", "ipam", "cluster-pool", "Cilium gives nodes the ranges that they announce", "podCIDRs")
		for version, pods := range map[string]ir.CiliumPods{"4": s.Pods4, "6": s.Pods6} {
			l.ciliumRangeExpects(&out, version, pods, s.From)
		}
	}
	if len(s.Devices) > 0 {
		add("devices", "devices", strings.Join(s.Devices, " "), "Services are served on the node network alone", "nodeClasses", "racks")
	}
	slices.SortFunc(out, func(a, b ir.CiliumValue) int { return strings.Compare(a.Value, b.Value) })
	return out
}

// ciliumRangeExpects adds what gives nodes ranges of pods that switches admit.
func (l *lowering) ciliumRangeExpects(out *[]ir.CiliumValue, version string, pods ir.CiliumPods, from ir.From) {
	if !pods.Network.IsValid() {
		return
	}
	const why = "switches admit ranges of this network and of this length alone"
	*out = append(*out, ir.CiliumValue{Value: "ipam.operator.clusterPoolIPv" + version + "PodCIDRList", Key: "cluster-pool-ipv" + version + "-cidr",
		Want: pods.Network.String(), Why: why, From: from.Of("podCIDRs")})
	if pods.Bits > 0 {
		*out = append(*out, ir.CiliumValue{Value: "ipam.operator.clusterPoolIPv" + version + "MaskSize", Key: "cluster-pool-ipv" + version + "-mask-size",
			Want: strconv.Itoa(pods.Bits), Why: why, From: from.Of("podCIDRs", "nodeCIDRMask")})
	}
}
