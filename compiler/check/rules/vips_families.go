package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// VIPFamily finds virtual addresses of a family that Services cannot have.
var VIPFamily = &check.Rule{
	ID: "MG1145", Name: "vip-family", Severity: diag.Error, On: check.OnSite,
	Doc: `a virtual address is of a family that the cluster's Services do not have

The API server refuses a Service with an IP family that has no Service network, so the address is never given out.
Source: Kubernetes pkg/registry/core/service/storage/alloc.go, "not configured on this cluster".`,
	Run: func(p *check.Pass) {
		svc := familySet(p.Site.Kubernetes.ServiceCIDRs)
		for _, a := range addresses(p) {
			ip, ok := a.single()
			if ok && a.role == roleVIP && (svc.v4 || svc.v6) && !svc.has(ip.Is4()) {
				p.Reportf(a.path, "address %s of %s is %s, and Services have no %s network (%s)", ip, a.who, family(ip.Is4()), family(ip.Is4()), strings.Join(p.Site.Kubernetes.ServiceCIDRs, ", ")).
					Related("kubernetes.serviceCIDRs", "the Service networks").
					Hintf("a network of that family in kubernetes.serviceCIDRs, or leave the address out")
			}
		}
	},
}

// VIPsOfOneFamily finds gateways with more addresses than a Service may have.
var VIPsOfOneFamily = &check.Rule{
	ID: "MG1146", Name: "vips-of-one-family", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway or an exposure asks MetalLB for two addresses of one family

MetalLB gives a Service one address for each family, and refuses the whole request otherwise: the Service gets none.
Source: MetalLB controller/service.go, getDesiredLbIPs; internal/ipfamily.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "metallb" {
			return
		}
		see := func(who, path string, addresses []string) {
			first := map[bool]string{}
			for i, t := range addresses {
				is4, ok := familyOf(t)
				if !ok {
					continue
				}
				other, taken := first[is4]
				if taken && other != t { // the same one twice is another rule's
					p.Reportf(path+"."+site.Index(i), "%s asks for %s and %s, and MetalLB gives one %s address to a Service", who, other, t, family(is4)).
						Hintf("a second gateway of its own takes the second address")
				}
				if !taken {
					first[is4] = t
				}
			}
		}
		for n, g := range byKey(p.Site.Gateways) {
			see("gateway "+n, site.Join("gateways", n, "addresses"), g.Addresses)
		}
		for n, e := range byKey(p.Site.Exposures) {
			see("exposure "+n, site.Join("exposures", n, "addresses"), e.Addresses)
		}
	},
}

// PoolFamily finds dual-stack clusters that clients of one family cannot reach.
var PoolFamily = &check.Rule{
	ID: "MG1147", Name: "pool-family", Severity: diag.Warning, On: check.OnSite,
	Doc: `Services have two address families, and no pool has addresses of one of them

The cluster pays for two families, and clients of one find no way in: a Service that requires both stays pending.
Source: Kubernetes documentation, IPv4/IPv6 dual-stack; MetalLB documentation, IPv6 and dual-stack Services.`,
	Run: func(p *check.Pass) {
		s := p.Site
		svc, pods := familySet(s.Kubernetes.ServiceCIDRs), familySet(s.Kubernetes.PodCIDRs)
		if len(s.Pools) == 0 || !svc.v4 || !svc.v6 || !pods.v4 || !pods.v6 {
			return
		}
		var all []string
		for _, pool := range s.Pools {
			all = append(all, pool.Addresses...)
		}
		have := familySet(all)
		if have.v4 == have.v6 {
			return
		}
		at := indexOfFamily(s.Kubernetes.ServiceCIDRs, !have.v4)
		p.Reportf("pools", "Services have %s addresses (%s), and no pool has any", family(!have.v4), s.Kubernetes.ServiceCIDRs[at]).
			Related(site.Join("kubernetes", "serviceCIDRs", site.Index(at)), "the Service network")
	},
}

// GatewayFamily advises an address in each family that is there.
var GatewayFamily = &check.Rule{
	ID: "MG1148", Name: "gateway-family", Severity: diag.Note, On: check.OnSite,
	Doc: `a gateway has an address in one family, and its pool and the cluster have two

Clients of the other family reach it through translation at best, and their addresses are those of the translator in logs
and in sourceRanges.
Source: RFC 6877; Kubernetes documentation, IPv4/IPv6 dual-stack.`,
	Run: func(p *check.Pass) {
		svc := familySet(p.Site.Kubernetes.ServiceCIDRs)
		var free *freeAddresses
		for n, g := range byKey(p.Site.Gateways) {
			pool := p.Site.Pools[g.Pool]
			if pool == nil {
				continue
			}
			own, room := familySet(g.Addresses), familySet(pool.Addresses)
			for _, is4 := range both {
				if own.has(is4) || !own.has(!is4) || !room.has(is4) || !svc.has(is4) {
					continue
				}
				if free == nil {
					free = newFreeAddresses(p.Site)
				}
				like := netip.IPv6Unspecified()
				if is4 {
					like = netip.IPv4Unspecified()
				}
				r := p.Reportf(site.Join("gateways", n, "addresses"), "gateway %q has no %s address, and its pool %q has them", n, family(is4), g.Pool).
					Related(site.Join("pools", g.Pool, "addresses"), "the pool's addresses")
				free.hint(r, pool.Addresses, like)
			}
		}
	},
}

// PoolIPv6Unsupported finds IPv6 pools that nobody can announce.
var PoolIPv6Unsupported = &check.Rule{
	ID: "MG1149", Name: "pool-ipv6-unsupported", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool announced by BGP has IPv6 addresses, and what speaks BGP cannot announce them

MetalLB in native mode refuses the advertisement together with all of its configuration.
Source: MetalLB internal/config/validation.go, native mode.`,
	Run: func(p *check.Pass) {
		s := p.Site
		name := ""
		if m := s.LoadBalancer.MetalLB; m != nil {
			name = m.Backend
		}
		profile := p.Profiles.LoadBalancer(s.LoadBalancer.Kind)
		backend := profile.Backend(name)
		if backend == nil || backend.IPv6 || s.LoadBalancer.Kind == "openelb" { // openelb-ipv6 says it, at layer 2 too
			return
		}
		for pn, pool := range byKey(s.Pools) {
			i := slices.IndexFunc(pool.Addresses, func(t string) bool {
				is4, ok := familyOf(t)
				return ok && !is4
			})
			if i >= 0 && announcedBy(s, pn) == "bgp" {
				p.Reportf(site.Join("pools", pn, "addresses", site.Index(i)), "pool %q has IPv6 addresses (%s), and %s announces none with backend %s", pn, pool.Addresses[i], s.LoadBalancer.Kind, name).
					Hintf("backend %q announces both families", profile.DefaultBackend).Related("loadBalancer.metallb.backend", "the backend")
			}
		}
	},
}
