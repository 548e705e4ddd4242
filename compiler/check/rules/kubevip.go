package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// kubeVIPRules are the guards of what kube-vip cannot do, or meshgen does not write for it.
var kubeVIPRules = []*check.Rule{
	KubeVIPUnannounced,
	KubeVIPSomeRacks,
	KubeVIPCommunities,
	KubeVIPRouterID,
	KubeVIPLayer2Apart,
	KubeVIPUnnumbered,
	KubeVIPControlPlane,
	KubeVIPPort,
}

// KubeVIPUnannounced finds addresses that kube-vip would announce although somebody else routes them.
var KubeVIPUnannounced = &check.Rule{
	ID: "MG4261", Name: "kube-vip-unannounced", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kube-vip serves a pool that nobody is to announce

kube-vip knows no pools: it announces every address that a Service asks for, and has no way to give one and keep quiet.
Source: kube-vip 1.2.3 pkg/services AddOrModify.`,
	Run: onBalancer("kube-vip", func(p *check.Pass) {
		for f := range fronts(p.Site) {
			if pool := p.Site.Pools[f.pool]; pool != nil && pool.Announce == nil {
				p.Reportf(f.path+".pool", "%s takes its addresses from pool %q, which is not announced, and kube-vip announces every address", f.who, f.pool).
					Hintf("pools: %s: announce: protocol: \"bgp\"", f.pool)
			}
		}
	}),
}

// KubeVIPSomeRacks finds addresses that racks would announce whose switches refuse them.
var KubeVIPSomeRacks = &check.Rule{
	ID: "MG4262", Name: "kube-vip-some-racks", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `some racks announce a pool, and with externalTrafficPolicy Cluster kube-vip announces it from all

With Cluster each speaker announces an address as soon as any pod behind it is ready, wherever that is. The switches of
the other racks refuse it, so that nothing breaks but what the site says: it names racks that do not decide.
Source: kube-vip 1.2.3 pkg/endpoints getAllEndpoints.`,
	Run: onBalancer("kube-vip", func(p *check.Pass) {
		for f := range fronts(p.Site) {
			pool := p.Site.Pools[f.pool]
			if pool != nil && pool.Announce != nil && len(pool.Announce.Racks) > 0 && f.policy == "Cluster" {
				p.Reportf(f.path+".externalTrafficPolicy", "%s has externalTrafficPolicy Cluster, and pool %q is announced by racks %s: kube-vip announces it from all", f.who, f.pool, strings.Join(pool.Announce.Racks, ", ")).
					Related(site.Join("pools", f.pool, "announce", "racks"), "the racks").Hintf("externalTrafficPolicy: \"Local\"")
			}
		}
	}),
}

// KubeVIPCommunities finds communities that kube-vip does not send.
var KubeVIPCommunities = &check.Rule{
	ID: "MG4263", Name: "kube-vip-communities", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool has communities, and kube-vip sends none

Its routes have an origin and a next hop, and no other attribute can be given.
Source: kube-vip 1.2.3 pkg/bgp/peers.go getPath.`,
	Run: onBalancer("kube-vip", func(p *check.Pass) { communitiesUnsent(p, "kube-vip") }),
}

// KubeVIPRouterID finds speakers without an IPv4 address to be known by.
var KubeVIPRouterID = &check.Rule{
	ID: "MG4264", Name: "kube-vip-router-id", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kube-vip speaks BGP on nodes whose first address is IPv6

A router ID is written as an IPv4 address. One environment serves all nodes of a rack, so that the ID is each node's own
address, which for the kubelet is its first.
Source: RFC 4271, 4.2; kube-vip 1.2.3 pkg/bgp/server.go Start: RouterId.`,
	Run: onBalancer("kube-vip", func(p *check.Pass) {
		if !announcesBGP(p.Site) {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				if len(n.Address) == 0 {
					continue
				}
				if a, err := netip.ParseAddr(n.Address[0]); err == nil && !a.Is4() {
					p.Reportf(site.Join("racks", rn, "nodes", nn, "address"), "the first address of node %s is %s, and kube-vip has no router ID without an IPv4 address", nn, a).
						Hintf("the IPv4 address first")
					break
				}
			}
		}
	}),
}

// KubeVIPLayer2Apart finds pools at layer 2 that one DaemonSet cannot serve.
var KubeVIPLayer2Apart = &check.Rule{
	ID: "MG4265", Name: "kube-vip-layer2-apart", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kube-vip answers for pools on different interfaces, or in different racks' networks

All pods of kube-vip stand for election for every address at layer 2, and one interface is set for all of them. A node
in another network that is elected answers where nobody asks.
Source: kube-vip 1.2.3 pkg/services/leader.go; environment vip_interface.`,
	Run: onBalancer("kube-vip", func(p *check.Pass) {
		first := ""
		var where []string
		for n, pool := range byKey(p.Site.Pools) {
			if !announces(p.Site, n, "l2") {
				continue
			}
			at := site.Join("pools", n, "announce")
			if names := pool.Announce.Interfaces; len(names) > 1 {
				p.Reportf(at+".interfaces", "pool %q has %d interfaces, and kube-vip answers on one", n, len(names)).Hintf("interfaces with one name, or none: the interface whose network holds the address")
			}
			in := append(slices.Clone(pool.Announce.Interfaces), racksOf(p.Site, pool)...)
			if first == "" {
				first, where = n, in
			} else if !slices.Equal(where, in) {
				p.Reportf(at, "pools %q and %q are on different interfaces or in different racks' networks, and kube-vip serves both from the same nodes", first, n).
					Related(site.Join("pools", first, "announce"), "the other pool").Hintf("loadBalancer: kind: \"metallb\"")
			}
		}
	}),
}

// racksOf are the racks in whose subnets addresses of a pool lie, sorted.
func racksOf(s *site.Site, pool *site.Pool) []string {
	var out []string
	for rn, r := range byKey(s.Racks) {
		if slices.ContainsFunc(r.Subnets, func(text string) bool {
			subnet, err := netip.ParsePrefix(text)
			return err == nil && slices.ContainsFunc(pool.Addresses, func(a string) bool {
				first, _, _ := strings.Cut(a, "-")
				first, _, _ = strings.Cut(first, "/")
				ip, err := netip.ParseAddr(first)
				return err == nil && subnet.Contains(ip)
			})
		}) {
			out = append(out, rn)
		}
	}
	return out
}

// KubeVIPUnnumbered says which sessions of kube-vip have no BFD.
var KubeVIPUnnumbered = &check.Rule{
	ID: "MG4266", Name: "kube-vip-unnumbered", Severity: diag.Note, On: check.OnSite,
	Doc: `a rack has unnumbered links, and kube-vip has no BFD for sessions between loopbacks

Its BFD is that of one hop (UDP port 3784); between loopbacks a switch speaks that of many hops (UDP port 4784). These
sessions go without, on both ends: a node that is gone while its cables are up is noticed when the hold time is over. One
whose cables are down is noticed at once, by the sessions over them.
Source: kube-vip v1.2.3 pkg/bgp/peers.go, 2026-11-21; RFC 5883, section 5.`,
	Run: onBalancer("kube-vip", func(p *check.Pass) {
		if p.Site.Fabric.BGP == nil || p.Site.Fabric.BGP.BFD == nil || !announcesBGP(p.Site) {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing == "unnumbered" && rackAnnounces(p.Site, rn) {
				p.Reportf(site.Join("racks", rn, "homing"), "kube-vip's sessions in rack %q, whose links are unnumbered, have no BFD", rn).
					Related("fabric.bgp.bfd", "what other racks have").Related("fabric.bgp.holdTime", "how long a node may be gone unnoticed")
			}
		}
	}),
}

// KubeVIPControlPlane finds addresses of the API that kube-vip is to move and meshgen cannot set up.
var KubeVIPControlPlane = &check.Rule{
	ID: "MG4267", Name: "kube-vip-control-plane", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kube-vip is to move the address of the Kubernetes API where meshgen cannot set it up

It runs as a static pod, which k3s, RKE2 and kubeadm start from a folder and Talos does not, and takes its release from
loadBalancer.version. It moves the address by ARP or neighbour discovery, so that the networks of all control-plane nodes
must hold it, whether or not the site has BGP.
Source: kube-vip 1.2.3 pkg/manager; profiles of the distributions, staticPods.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		if k.APIServer.Provider != "kube-vip" {
			return
		}
		at := "kubernetes.apiServer.provider"
		if kind := p.Site.LoadBalancer.Kind; kind != "kube-vip" {
			p.Reportf(at, "not supported yet: apiServer.provider \"kube-vip\" beside load balancer %q, which does not say its release", kind).
				Related("loadBalancer.kind", "the load balancer").Hintf("provider: \"external\", or loadBalancer: kind: \"kube-vip\"")
		}
		if d := p.Profiles.Distribution(k.Distribution); d != nil && d.StaticPods == nil {
			p.Reportf(at, "not supported: apiServer.provider \"kube-vip\" with distribution %q, whose machines have no folder of static pods", k.Distribution).
				Related("kubernetes.distribution", "the distribution").Hintf("provider: \"external\" or \"dns\"")
		}
		ip, err := netip.ParseAddr(k.APIServer.Address)
		if err != nil || p.Site.Fabric.BGP == nil { // without BGP: api-address-out-of-reach
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			holds := slices.ContainsFunc(r.Subnets, func(s string) bool {
				n, err := netip.ParsePrefix(s)
				return err == nil && n.Contains(ip)
			})
			for nn, n := range byKey(r.Nodes) {
				if c := p.Site.NodeClasses[n.Class]; c != nil && c.ControlPlane && !holds {
					p.Reportf("kubernetes.apiServer.address", "address %s of the API is in no subnet of rack %q, where control-plane node %s could have to answer for it", ip, rn, nn).
						Related(site.Join("racks", rn, "nodes", nn), "the node").Hintf("control-plane nodes in one network, or provider: \"external\"")
					break
				}
			}
		}
	},
}

// KubeVIPPort finds ports of the API that its servers do not listen on.
var KubeVIPPort = &check.Rule{
	ID: "MG4268", Name: "kube-vip-port", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `kube-vip moves the address of the API, and the declared port is not that of its servers

It puts the address on the machine of an API server and translates no port: who connects to another port finds nobody,
and kube-vip itself asks its machine's API server at the declared one.
Source: kube-vip 1.2.3 pkg/manager/manager.go New.`,
	Run: func(p *check.Pass) {
		api := p.Site.Kubernetes.APIServer
		d := p.Profiles.Distribution(p.Site.Kubernetes.Distribution)
		if api.Provider != "kube-vip" || d == nil || api.Port == int(d.APIServerPort) {
			return
		}
		p.Reportf("kubernetes.apiServer.port", "the API is declared at port %d, and API servers of %s listen on %d", api.Port, p.Site.Kubernetes.Distribution, d.APIServerPort).
			Related("kubernetes.apiServer.provider", "what moves the address").Hintf("port: %d", d.APIServerPort)
	},
}
