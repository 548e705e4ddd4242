package rules

import (
	"math/bits"
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// maskDepth is how many bits longer a node's range may be than the pod network: the controller manager's for IPv6,
// kubeadm's for both families.
const maskDepth = 16

// NodeCIDRMask finds lengths of nodes' ranges that nothing can be cut to.
var NodeCIDRMask = &check.Rule{
	ID: "MG1150", Name: "node-cidr-mask", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `nodeCIDRMask does not fit podCIDRs: their number, a range wider than the network, or one too narrow

The controller manager does not start, or kubeadm refuses the cluster: no node gets a pod range, and every pod without
the host's network stays in ContainerCreating.
Source: Kubernetes pkg/controller/nodeipam/ipam/cidrset; cmd/kubeadm validation, ValidatePodSubnetNodeMask.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		if len(k.NodeCIDRMask) == 0 || twice(k.PodCIDRs) {
			return
		}
		if len(k.NodeCIDRMask) != len(k.PodCIDRs) {
			p.Reportf("kubernetes.nodeCIDRMask", "nodeCIDRMask has %d length(s) and podCIDRs %d network(s)", len(k.NodeCIDRMask), len(k.PodCIDRs)).
				Related("kubernetes.podCIDRs", "the pod networks").Hintf("give one length for each network, in the same order")
			return
		}
		for i, mask := range k.NodeCIDRMask {
			net, err := netip.ParsePrefix(k.PodCIDRs[i])
			if err != nil {
				continue
			}
			path, network := maskPath(k, i), site.Join("kubernetes", "podCIDRs", site.Index(i))
			switch depth := mask - net.Bits(); {
			case mask > net.Addr().BitLen():
				p.Reportf(path, "a node's range of /%d is longer than an %s address", mask, family(net.Addr().Is4())).Hintf("nodeCIDRMask: a length of %d to %d", net.Bits(), net.Addr().BitLen()).Related(network, "the pod network")
			case depth < 0:
				p.Reportf(path, "a node's range of /%d is wider than the whole pod network %s", mask, net).Related(network, "the pod network").
					Hintf("a length from %d on", net.Bits())
			case depth > maskDepth && (net.Addr().Is6() || k.Distribution == "kubeadm"):
				p.Reportf(path, "a node's range of /%d is more than %d bits longer than the pod network %s", mask, maskDepth, net).Related(network, "the pod network").
					Hintf("at most /%d, or a smaller pod network", net.Bits()+maskDepth)
			}
		}
	},
}

// maskPath is the path of the length for a pod network, which is mostly written as a scalar where there is one.
func maskPath(k site.Kubernetes, i int) string {
	if len(k.NodeCIDRMask) == 1 {
		return "kubernetes.nodeCIDRMask"
	}
	return site.Join("kubernetes", "nodeCIDRMask", site.Index(i))
}

// PodNetworkTooSmall counts the nodes that get a pod range.
var PodNetworkTooSmall = &check.Rule{
	ID: "MG1151", Name: "pod-network-too-small", Severity: diag.Error, On: check.OnSite,
	Doc: `the pod network has fewer ranges than there are nodes

The last nodes to join get no range: they are Ready at times, and none of their pods gets an address. Under a tenth of
ranges left is a warning: pod networks cannot be enlarged in place.
Source: Kubernetes pkg/controller/nodeipam, event CIDRNotAvailable.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		nodes := 0
		for _, r := range p.Site.Racks {
			nodes += len(r.Nodes)
		}
		if len(k.NodeCIDRMask) != len(k.PodCIDRs) || nodes == 0 {
			return
		}
		for i, mask := range k.NodeCIDRMask {
			net, err := netip.ParsePrefix(k.PodCIDRs[i])
			if err != nil || mask < net.Bits() || mask > net.Addr().BitLen() || mask-net.Bits() > 30 {
				continue
			}
			ranges := 1 << (mask - net.Bits())
			if ranges-nodes >= (ranges+9)/10 {
				continue
			}
			r := p.Reportf(site.Join("kubernetes", "podCIDRs", site.Index(i)), "pod network %s has %d ranges of /%d, and the site has %d nodes", net, ranges, mask, nodes).
				Related(maskPath(k, i), "the length of a node's range")
			if better := net.Bits() + bits.Len(uint(nodes)); better > mask && net.Addr().BitLen()-better >= 6 {
				r.Hintf("nodeCIDRMask %d makes %d ranges of %d addresses", better, 1<<(better-net.Bits()), 1<<min(net.Addr().BitLen()-better, 62))
			}
			if ranges >= nodes {
				r.Warning()
			}
		}
	},
}

const (
	minServices    = 10 // addresses: cluster DNS takes the tenth
	maxServiceBits = 20 // kubeadm: of the host part
)

// ServiceNetworkSize finds Service networks that are too small or too large.
var ServiceNetworkSize = &check.Rule{
	ID: "MG1152", Name: "service-network-size", Severity: diag.Error, On: check.OnSite,
	Doc: `a Service network has too few addresses for the site's Services, or more than the installer admits

Without a free address the API server refuses the next Service, with the release that contains it half installed.
kubeadm refuses networks of more than 20 host bits, and of less than ten addresses: cluster DNS has the tenth.
Source: Kubernetes cmd/kubeadm/app/constants, MinimumAddressesInServiceSubnet and MaximumBitsForServiceSubnet.`,
	Run: func(p *check.Pass) {
		need := 2 // the API and cluster DNS
		for svc := range services(p.Site) {
			if !svc.Headless && len(svc.Ports) > 0 {
				need++
			}
		}
		need += len(p.Site.Gateways) + len(p.Site.Exposures)
		for i, text := range p.Site.Kubernetes.ServiceCIDRs {
			r, ok := addressRange(text)
			net, err := netip.ParsePrefix(text)
			if !ok || err != nil {
				continue
			}
			path := site.Join("kubernetes", "serviceCIDRs", site.Index(i))
			host := net.Addr().BitLen() - net.Bits()
			switch size := rangeSize(r); {
			case size < minServices:
				p.Reportf(path, "Service network %s has %d addresses, and cluster DNS takes the tenth", text, size).Hintf("at least a /%d", net.Addr().BitLen()-8)
			case size-2 < need: // the first and the last are not given out
				p.Reportf(path, "Service network %s has %d addresses, and the site declares %d Services", text, size-2, need).Hintf("a wider network: a shorter length than /%d", net.Bits())
			case host > maxServiceBits && p.Site.Kubernetes.Distribution == "kubeadm":
				p.Reportf(path, "Service network %s is a /%d, and kubeadm admits nothing wider than a /%d", text, net.Bits(), net.Addr().BitLen()-maxServiceBits).
					Hintf("%s", netip.PrefixFrom(net.Addr(), net.Addr().BitLen()-16))
			}
		}
	},
}

// APIOnOneNode finds an API address that goes down with one machine.
var APIOnOneNode = &check.Rule{
	ID: "MG1153", Name: "api-on-one-node", Severity: diag.Error, On: check.OnSite,
	Doc: `the address of the API is that of one node

When this machine is gone, so is the API for all nodes, though the other control-plane nodes are well: kubelets, the
mesh's control plane and the load balancer stop learning of changes. On a node that is no control plane nobody answers.
Source: Kubernetes documentation, creating highly available clusters with kubeadm: controlPlaneEndpoint.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes.APIServer
		api, err := netip.ParseAddr(k.Address)
		if err != nil || k.Provider == "kube-vip" { // address-used-twice
			return
		}
		control, at, isControl := 0, "", false
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				c := p.Site.NodeClasses[n.Class]
				plane := c != nil && c.ControlPlane
				if plane {
					control++
				}
				for _, a := range n.Address {
					if ip, err := netip.ParseAddr(a); err == nil && ip == api && c != nil {
						at, isControl = site.Join("racks", rn, "nodes", nn), plane
					}
				}
			}
		}
		switch {
		case at == "":
		case !isControl:
			p.Reportf("kubernetes.apiServer.address", "the API has the address %s of node %s, which is no control-plane node", api, nodeName(at)).Hintf("the address of a control-plane node, or one that no node has").Related(at+".address", "the node")
		case control > 1:
			p.Reportf("kubernetes.apiServer.address", "the API has the address %s of node %s, one of %d control-plane nodes", api, nodeName(at), control).Related(at+".address", "the node").
				Hintf("give the API an address of its own that moves between them").Warning()
		}
	},
}
