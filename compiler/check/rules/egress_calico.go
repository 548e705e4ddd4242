package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// EgressCalicoAddresses finds source addresses that Calico cannot give to the pods of a gateway.
var EgressCalicoAddresses = &check.Rule{
	ID: "MG5490", Name: "egress-calico-addresses", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway of Calico has an address that its pods cannot have, or no address over

Its pods get their addresses out of pools of IPv4 that are made for them. An address that lies in a network of nodes, of pods
or of Services, or in a pool of virtual addresses, is somebody else's: neighbours would look for it on the wire, where nobody
answers. An address is that of one pod, and one address more than pods is needed: the operator's Deployment begins a rollout with a pod more and takes none away
before that one is ready, and without an address it never is.
Source: tigera/operator of 2026-08-21, pkg/render/egressgateway/egressgateway.go (annotation cni.projectcalico.org/ipv4pools;
no strategy of the Deployment), and Kubernetes' apps/v1 defaults (maxSurge and maxUnavailable 25%); read 2026-11-21.`,
	Run: func(p *check.Pass) {
		first := map[netip.Addr]string{}
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "calico" {
				continue
			}
			if len(e.Addresses) == 1 {
				p.Reportf(site.Join("egressGateways", n, "addresses"), "egress gateway %q has one address, and a rollout of its pods needs one more than there are pods", n).
					Hintf("two addresses or more")
			}
			for i, a := range e.Addresses {
				path := site.Join("egressGateways", n, "addresses", site.Index(i))
				ip, err := netip.ParseAddr(a)
				if err != nil {
					continue
				}
				if !ip.Is4() {
					p.Reportf(path, "%s of egress gateway %q is of IPv6, and with provider calico source addresses are of IPv4", ip, n).Hintf("an address of IPv4")
				} else if at, what := takenBy(p.Site, ip); at != "" {
					p.Reportf(path, "%s of egress gateway %q lies in %s", ip, n, what).Related(at, "whose addresses these are").Hintf("an address of no other network of the site")
				} else if first[ip] != "" {
					p.Reportf(path, "%s of egress gateway %q stands twice, and one pod has it", ip, n).Hintf("each address once").Related(first[ip], "first used here")
				} else {
					first[ip] = path
				}
			}
		}
	},
}

// takenBy is the network of the site that an address lies in, with its place; "" for none.
func takenBy(s *site.Site, ip netip.Addr) (at, what string) {
	in := func(networks []string) bool {
		for _, text := range networks {
			if n, err := netip.ParsePrefix(text); err == nil && n.Contains(ip) {
				return true
			}
		}
		return false
	}
	switch {
	case in(s.Kubernetes.PodCIDRs):
		return "kubernetes.podCIDRs", "the network of pods"
	case in(s.Kubernetes.ServiceCIDRs):
		return "kubernetes.serviceCIDRs", "the network of Services"
	}
	for rn, r := range byKey(s.Racks) {
		if in(r.Subnets) {
			return site.Join("racks", rn, "subnets"), "a network of nodes"
		}
	}
	for pn, pool := range byKey(s.Pools) {
		if poolHas(pool, ip) {
			return site.Join("pools", pn), "a pool of virtual addresses"
		}
	}
	return "", ""
}

// EgressCalicoNetwork finds a pod network that does not lead to a gateway's pods.
var EgressCalicoNetwork = &check.Rule{
	ID: "MG5491", Name: "egress-calico-network", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway of Calico needs VXLAN between nodes, and kube-proxy

The addresses of a gateway's pods are of no node's range: with VXLAN Calico itself tells every node where each is. Without it,
and with IP in IP, that is for BGP sessions among the nodes and with the switches, which the site does not describe. Of Calico in place
of kube-proxy, which handles packets in BPF, nothing is known here for this path.
Source: projectcalico/calico of 2026-08-22, felix/calc/l3_route_resolver.go and vxlan_resolver.go (routes of VXLAN pools); Calico
documentation, Overlay networking; read 2026-11-21.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "calico" || k.CNI.Kind != "calico" {
				continue
			}
			path := site.Join("egressGateways", n, "provider")
			if k.CNI.Encapsulation != "vxlan" {
				p.Reportf(path, "the provider of egress gateway %q is calico, and encapsulation %q leads to no pod of it without sessions that the site does not describe", n, k.CNI.Encapsulation).
					Related("kubernetes.cni.encapsulation", "how packets travel").Hintf("encapsulation: \"vxlan\"")
			}
			if k.KubeProxy.Mode == "replaced" {
				p.Reportf(path, "the provider of egress gateway %q is calico, which takes the place of kube-proxy as well", n).
					Related("kubernetes.kubeProxy.mode", "who does the work of kube-proxy").Hintf("kubernetes: kubeProxy: mode: \"nftables\"")
			}
		}
	},
}

// EgressCalicoWays finds one address that a namespace reaches on two ways.
var EgressCalicoWays = &check.Rule{
	ID: "MG5492", Name: "egress-calico-ways", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a namespace reaches one address by two destinations, and one is behind an egress gateway of Calico

A policy of source addresses is for all pods of a namespace, and knows destinations by their address: what the other service sends
there would leave by the gateway as well.
Source: Calico Enterprise documentation 3.23, Egress gateway policy (annotation of the namespace; no destination stands in two
rules); read 2026-11-21.`,
	Run: func(p *check.Pass) {
		type key struct {
			namespace string
			ip        netip.Addr
		}
		type way struct{ external, via string }
		first := map[key]way{}
		calico := func(via string) bool {
			g := p.Site.EgressGateways[via]
			return g != nil && g.Provider == "calico"
		}
		for s := range services(p.Site) {
			for i, name := range s.Egress {
				x := p.Site.External[name]
				if x == nil || s.Workload == "VM" {
					continue
				}
				for _, a := range x.Addresses {
					ip, err := netip.ParseAddr(a)
					if err != nil {
						continue
					}
					k := key{s.namespace, ip}
					if f, ok := first[k]; !ok {
						first[k] = way{name, x.Via}
					} else if f.via != x.Via && (calico(f.via) || calico(x.Via)) {
						p.Reportf(site.Join("namespaces", s.namespace, "services", s.name, "egress", site.Index(i)), "namespace %s reaches %s as %q and as %q, which leave the site on different ways", s.namespace, ip, f.external, name).
							Related(site.Join("external", f.external), "the other destination").Hintf("the same via in both, or another namespace")
					}
				}
			}
		}
	},
}

// EgressCalicoMachine finds machines that no gateway takes packets from.
var EgressCalicoMachine = &check.Rule{
	ID: "MG5493", Name: "egress-calico-machine", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a machine outside the cluster uses a destination behind an egress gateway of Calico

Calico takes packets of pods. The machine sends with its own address, which the other end does not know.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, name := range s.Egress {
				x := p.Site.External[name]
				if x == nil || s.Workload != "VM" {
					continue
				}
				if g := p.Site.EgressGateways[x.Via]; g != nil && g.Provider == "calico" {
					p.Reportf(site.Join("namespaces", s.namespace, "services", s.name, "egress", site.Index(i)), "service %s/%s runs on machines, and destination %q is behind egress gateway %q of Calico", s.namespace, s.name, name, x.Via).
						Hintf("a destination of its own without via").Related(site.Join("external", name, "via"), "the way out")
				}
			}
		}
	},
}

// EgressCalicoOptions finds options that nobody reads.
var EgressCalicoOptions = &check.Rule{
	ID: "MG5494", Name: "egress-calico-options", Severity: diag.Error, On: check.OnSite,
	Doc: `an egress gateway has options of Calico, and another provider

Nobody reads them: what was meant to leave by Calico's pods leaves as the other provider has it.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Calico != nil && e.Provider != "calico" {
				p.Reportf(site.Join("egressGateways", n, "calico"), "egress gateway %q has options of calico, and its provider is %q", n, e.Provider).Hintf("leave calico out; or provider: \"calico\"").
					Related(site.Join("egressGateways", n, "provider"), "the provider")
			}
		}
	},
}
