package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// VIPOutsidePool finds a virtual address that nobody may give out.
var VIPOutsidePool = &check.Rule{
	ID: "MG6002", Name: "vip-outside-pool", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway's address is not in its pool

The load balancer refuses the address, and the Service stays pending.
Source: MetalLB controller, Allocate; Cilium documentation, LoadBalancer IPAM.`,
	Run: func(p *check.Pass) { outsidePool(p, func(f front) bool { return f.gateway != nil }) },
}

// outsidePool reports the virtual addresses of gateways or exposures that their pools do not have.
func outsidePool(p *check.Pass, of func(front) bool) {
	var free *freeAddresses
	for f := range fronts(p.Site) {
		pool := p.Site.Pools[f.pool]
		if !of(f) || pool == nil || slices.ContainsFunc(pool.Addresses, unreadable) {
			continue
		}
		for i, a := range f.addresses {
			ip, err := netip.ParseAddr(a)
			if err != nil || poolHas(pool, ip) {
				continue
			}
			if free == nil {
				free = newFreeAddresses(p.Site)
			}
			r := p.Reportf(f.path+".addresses."+site.Index(i), "address %s of %s is not in pool %q (%s)", a, f.who, f.pool, strings.Join(pool.Addresses, ", ")).
				Related(site.Join("pools", f.pool, "addresses"), "the pool's addresses")
			free.hint(r, pool.Addresses, ip)
		}
	}
}

// unreadable reports whether an entry of a pool is one that address-form refuses.
func unreadable(entry string) bool {
	_, err := netip.ParsePrefix(entry)
	_, ok := addressRange(entry)
	return err != nil && !ok
}

func poolHas(pool *site.Pool, ip netip.Addr) bool {
	_, ok := poolEntry(pool, ip)
	return ok
}

// poolEntry is the prefix or range of a pool that holds an address, host bits or not.
func poolEntry(pool *site.Pool, ip netip.Addr) (string, bool) {
	for _, s := range pool.Addresses {
		if strings.Contains(s, "-") {
			if r, ok := addressRange(s); ok && r.Contains(ip) {
				return s, true
			}
		} else if n, err := netip.ParsePrefix(s); err == nil && n.Contains(ip) {
			return s, true
		}
	}
	return "", false
}

// VIPAtEdge finds virtual addresses that look like a network or a broadcast.
var VIPAtEdge = &check.Rule{
	ID: "MG1110", Name: "vip-network-or-broadcast", Severity: diag.Error, On: check.OnSite,
	Doc: `a virtual address is that of a network or its broadcast

On the nodes' segment nobody can have such an address: machines answer it as a broadcast, or not at all. Announced as a
host route it works in the fabric; firewalls and home routers on the way drop addresses that end in .0 or .255 as those
of a smurf attack, so a few clients never get through.
Source: RFC 1122, section 3.2.1.3; RFC 4291, section 2.6.1; MetalLB documentation, avoidBuggyIPs.`,
	Run: func(p *check.Pass) {
		edges := edgesOf(p.Site)
		var free *freeAddresses
		for _, a := range addresses(p) {
			ip, ok := a.single()
			if !ok || a.role != roleVIP {
				continue
			}
			hint := func(r *check.Report) *check.Report {
				if free == nil {
					free = newFreeAddresses(p.Site)
				}
				free.hint(r, a.within, ip)
				return r
			}
			if s := edges[ip]; s != nil {
				hint(p.Reportf(a.path, "address %s of %s is the network or the broadcast address of the %s", ip, a.who, s.who).Related(s.path, "the network"))
				continue
			}
			entry, ok := poolEntry(&site.Pool{Addresses: a.within}, ip)
			if !ok {
				continue
			}
			n, err := netip.ParsePrefix(entry)
			switch b := ip.As16(); {
			case ip.Is4() && (b[15] == 0 || b[15] == 255):
				hint(p.Reportf(a.path, "address %s of %s ends in .%d, and some clients' networks drop such addresses", ip, a.who, b[15]).Warning())
			case err == nil && ip.Is4() && atEdge(n, ip):
				hint(p.Reportf(a.path, "address %s of %s is the network or the broadcast address of %s, and whoever knows that as a subnet drops it", ip, a.who, entry).Warning())
			}
		}
	},
}
