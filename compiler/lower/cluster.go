package lower

import (
	"net/netip"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// conntrackEstablished is how long an idle established connection keeps its entry. It is kube-proxy's own default,
// which it writes at every start (pkg/proxy/apis/config/v1alpha1/defaults.go): host files that said otherwise would
// lose. In seconds.
const conntrackEstablished = 86400

func (l *lowering) cluster() {
	k := l.s.Kubernetes
	c := &l.p.Cluster
	*c = ir.Cluster{
		Version: k.Version, Minor: minor(k.Version), Distribution: k.Distribution, Domain: k.ClusterDomain,
		PodCIDRs: prefixes(k.PodCIDRs), ServiceCIDRs: prefixes(k.ServiceCIDRs),
		NodePorts:     nodePorts(k.NodePorts),
		CNI:           ir.CNI{Kind: k.CNI.Kind, Version: k.CNI.Version, Encapsulation: k.CNI.Encapsulation, From: ir.From{"kubernetes.cni", "components.cni.managed"}},
		From:          under("kubernetes", "version", "distribution", "clusterDomain", "podCIDRs", "serviceCIDRs", "nodePorts"),
		APIServerFrom: ir.From{"kubernetes.apiServer", "racks", "nodeClasses"}, // any node may be of the control plane
	}
	c.CNI.NetDir, c.CNI.BinDir, c.CNI.DirsFrom = "/etc/cni/net.d", "/opt/cni/bin", ir.From{"kubernetes.distribution", "kubernetes.cni.kind"}
	if BringsPodNetwork(l.s, l.set) {
		if f := l.set.Distribution(k.Distribution).Supervisor.CNI.Folders; f.Net != "" {
			c.CNI.NetDir, c.CNI.BinDir, c.CNI.OwnDirs = f.Net, f.Bin, true
		}
	}
	if k.GatewayAPI != nil {
		c.GatewayAPI = ir.GatewayAPI{Version: k.GatewayAPI.Version, Channel: k.GatewayAPI.Channel, From: ir.From{"kubernetes.gatewayAPI"}}
	}
	c.KubeProxy = ir.KubeProxy{
		Managed: k.KubeProxy.Mode != "replaced", Mode: k.KubeProxy.Mode,
		ConfigMap:   k.KubeProxy.Mode != "replaced" && l.set.Distribution(k.Distribution).KubeProxy != nil,
		ClusterCIDR: strings.Join(k.PodCIDRs, ","), Established: "24h0m0s",
		BindAddress: "0.0.0.0", StrictARP: k.KubeProxy.Mode == "ipvs",
		From: ir.From{"kubernetes.kubeProxy.mode", "kubernetes.podCIDRs", "kubernetes.distribution"},
	}
	if len(c.PodCIDRs) > 0 && c.PodCIDRs[0].Addr().Is6() {
		c.KubeProxy.BindAddress = "::"
	}
	// A policy sees the API server where the Service "kubernetes" leads: at each control-plane node. The declared
	// address is what kubelets and pods of the host network use.
	c.APIServers = []netip.AddrPort{netip.AddrPortFrom(addr(k.APIServer.Address), uint16(k.APIServer.Port))}
	c.APINames = []string{c.APIServers[0].Addr().String()}
	if k.APIServer.Hostname != "" {
		c.APINames = append(c.APINames, k.APIServer.Hostname)
	}
	c.APIHost = c.APINames[len(c.APINames)-1]
	port := uint16(l.set.Distribution(k.Distribution).APIServerPort)
	for rn, r := range byKey(l.s.Racks) {
		for i := range r.Subnets {
			c.NodeSubnets = append(c.NodeSubnets, prefix(r.Subnets[i]))
		}
		c.NodeSubnetsFrom = append(c.NodeSubnetsFrom, site.Join("racks", rn, "subnets"))
		for nn, n := range byKey(r.Nodes) {
			if len(r.Subnets) == 0 { // it lives on a loopback address
				for _, a := range addrs(n.Address) {
					c.NodeSubnets = append(c.NodeSubnets, netip.PrefixFrom(a, a.BitLen()))
				}
				c.NodeSubnetsFrom = append(c.NodeSubnetsFrom, site.Join("racks", rn, "nodes", nn, "address"))
			}
			if !l.s.NodeClasses[n.Class].ControlPlane {
				continue
			}
			for _, a := range n.Address {
				c.APIServers = append(c.APIServers, netip.AddrPortFrom(addr(a), port))
			}
		}
	}
}

func nodePorts(s string) ir.PortRange {
	first, last, _ := strings.Cut(s, "-")
	a, _ := strconv.ParseUint(first, 10, 16)
	b, _ := strconv.ParseUint(last, 10, 16)
	return ir.PortRange{First: uint16(a), Last: uint16(b)}
}
