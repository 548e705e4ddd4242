package rules

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// EgressKubeVIP finds source addresses that kube-vip cannot give.
var EgressKubeVIP = &check.Rule{
	ID: "MG5456", Name: "egress-kube-vip", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kube-vip is to give out a source address in a way that it does not know

It rewrites what one pod behind a Service sends, the one that stands in the annotation kube-vip.io/active-endpoint, to the
address of the Service, on the node that holds it. A second pod would leave with the address of its node: the gateway has one
pod, and one address, of IPv4; with more than one rule kube-vip leaves the second address without a use. The pod and the
address are on one node where the address is answered for at layer 2 and elected; by BGP kube-vip puts it on no interface of
that node. A virtual address of a gateway or an exposure is for clients: its Service has other pods.
Source: kube-vip v1.2.3, pkg/services/services.go and egress.go (configureEgress), pkg/endpoints/endpoints.go
(updateAnnotations), pkg/nftables/nftables.go, read 2026-11-21.`,
	Run: func(p *check.Pass) {
		vips := map[netip.Addr]front{}
		for f := range fronts(p.Site) {
			for _, a := range f.addresses {
				if ip, err := netip.ParseAddr(a); err == nil {
					vips[ip] = f
				}
			}
		}
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "kube-vip" {
				continue
			}
			for i, a := range e.Addresses {
				path := site.Join("egressGateways", n, "addresses", site.Index(i))
				ip, err := netip.ParseAddr(a)
				switch {
				case err != nil:
				case i > 0:
					p.Reportf(path, "egress gateway %q has %d addresses, and kube-vip gives the one pod of a gateway one", n, len(e.Addresses)).
						Hintf("one address; or provider: \"host\" with an address on each machine")
				case !ip.Is4():
					p.Reportf(path, "%s of egress gateway %q is of IPv6, and with provider kube-vip the source address is of IPv4", ip, n).Hintf("an address of IPv4")
				case vips[ip].path != "":
					p.Reportf(path, "%s of egress gateway %q is a virtual address of %s, whose pods are others", ip, n, vips[ip].who).Hintf("an address of a pool that no gateway or exposure has").Related(vips[ip].path+".addresses", "where clients come in")
				default:
					for pn, pool := range byKey(p.Site.Pools) {
						if poolHas(pool, ip) && (pool.Announce == nil || pool.Announce.Protocol != "l2") {
							p.Reportf(path, "%s of egress gateway %q is of pool %q, which is not announced at layer 2: kube-vip puts it on no interface", ip, n, pn).
								Hintf("a pool with announce: protocol: \"l2\"; or provider: \"host\"").Related(site.Join("pools", pn), "the pool")
						}
					}
				}
			}
		}
	},
}

// EgressKubeVIPNodes finds a gateway's pod where nobody answers for its address.
var EgressKubeVIPNodes = &check.Rule{
	ID: "MG5457", Name: "egress-kube-vip-nodes", Severity: diag.Error, On: check.OnPlan,
	Doc: `the pod of an egress gateway of kube-vip may run on a node that does not answer for its address

kube-vip holds the address on the node with the pod, and rewrites there: where none of its own pods runs, the gateway's pod
sends with the address of the node, and answers to the other one find nobody.`,
	Run: func(p *check.Pass) {
		for i := range p.Plan.EgressProxies {
			x := &p.Plan.EgressProxies[i]
			if x.Provider != "kube-vip" {
				continue
			}
			at := slices.IndexFunc(p.Plan.Pools, func(o ir.Pool) bool { return o.Name == x.Pods.Pool })
			for k := range p.Plan.Nodes {
				n := &p.Plan.Nodes[k]
				if n.Class == x.Pods.Class && slices.Contains(x.Pods.Racks, n.Rack) && (at < 0 || !slices.Contains(p.Plan.Pools[at].Announcers, n.Name)) {
					p.Reportf(site.Join("egressGateways", x.Pods.Name, "placement", "class"), "the pod of egress gateway %q may run on %s, which does not answer for addresses of its pool %q", x.Pods.Name, n.Name, x.Pods.Pool).
						Hintf("the class that gateways of that pool run on")
					break
				}
			}
			if len(x.Pods.Racks) == 0 {
				p.Reportf(site.Join("egressGateways", x.Pods.Name, "placement", "class"), "no rack that announces pool %q has a node of class %q", x.Pods.Pool, x.Pods.Class).
					Hintf("a class that has nodes there")
			}
		}
	},
}
