package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// announcedBy is the protocol that announces a pool: bgp, l2 or "".
func announcedBy(s *site.Site, pool string) string {
	if p := s.Pools[pool]; p != nil && p.Announce != nil {
		return p.Announce.Protocol
	}
	return ""
}

// PoolOverlap finds pools that have addresses in common.
var PoolOverlap = &check.Rule{
	ID: "MG1103", Name: "pool-overlap", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two pools, or two entries of one pool, overlap

MetalLB refuses its whole configuration then: every pool of the cluster, old ones included, stops giving out addresses.
Cilium marks one of the pools as conflicting and gives nothing out of it.
Source: MetalLB internal/config, poolsFor; Cilium documentation, LoadBalancer IPAM.`,
	Run: func(p *check.Pass) {
		reportClashes(p, clashes(poolSpans(p.Site), func(a, b *span) bool { return true }))
	},
}

// poolMayNot reports whether a pool may not have addresses of a network. A pool announced by ARP lies in the nodes'
// subnet by nature, and of one that somebody else routes here nobody knows.
func poolMayNot(s *site.Site, pool, other *span) bool {
	if other.kind == spanSubnet || other.kind == spanNetwork {
		return announcedBy(s, pool.owner) == "bgp"
	}
	return true
}

func poolClashes(s *site.Site) []clash {
	return clashes(slices.Concat(poolSpans(s), clusterSpans(s), metalSpans(s)), func(a, b *span) bool {
		if b.kind == spanPool {
			a, b = b, a
		}
		return a.kind == spanPool && b.kind != spanPool && poolMayNot(s, a, b)
	})
}

// PoolOverlapsNetwork finds virtual addresses in networks of something else.
var PoolOverlapsNetwork = &check.Rule{
	ID: "MG1104", Name: "pool-overlaps-network", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool overlaps the network of pods, of Services, of a link or, announced by BGP, of nodes

No load balancer compares its pools with other networks. Machines inside the network look for the virtual address on
their own segment and find nobody, or it shadows a pod, a Service or the far end of a link.
Source: MetalLB internal/config: pools are compared with each other only.`,
	Run: func(p *check.Pass) { reportClashes(p, poolClashes(p.Site)) },
}

// PoolOverlapsAddress finds machines whose address a pool may give out.
var PoolOverlapsAddress = &check.Rule{
	ID: "MG1105", Name: "pool-overlaps-address", Severity: diag.Error, On: check.OnSite,
	Doc: `a pool holds the address of a node, a switch, a gateway, the API, a time source or another machine

The next Service of type LoadBalancer without an address of its own may get it: two machines answer for one address, and
the API or the way out of the rack is gone as soon as the wrong one is believed.
Source: MetalLB internal/config; the check against node addresses of 0.15.0 was taken back.`,
	Run: func(p *check.Pass) {
		met := map[string][]*span{}
		for _, c := range poolClashes(p.Site) {
			met[c[0].path] = append(met[c[0].path], c[1])
		}
		type owned struct {
			netip.Addr
			addressField
		}
		var list []owned
		fields, vips := addresses(p), map[netip.Addr]bool{}
		for _, a := range fields {
			if ip, ok := a.single(); ok && a.role == roleVIP {
				vips[ip] = true
			}
		}
		for _, a := range fields {
			ip, ok := a.single()
			switch {
			case !ok || a.role == roleVIP:
			case a.role == roleBalancer && p.Site.LoadBalancer.Kind == "external": // who holds the address is its business
			case vips[ip]: // used twice, or a call to ourselves by the way outside
			default:
				list = append(list, owned{ip, a})
			}
		}
		slices.SortFunc(list, func(a, b owned) int { return cmp.Or(a.Compare(b.Addr), cmp.Compare(a.path, b.path)) })
		for _, pool := range poolSpans(p.Site) {
			first := sort.Search(len(list), func(i int) bool { return !list[i].Less(pool.From()) })
			var found []owned
			seen := map[string]bool{}
			for _, a := range list[first:] {
				if !pool.Contains(a.Addr) {
					break
				}
				// Where the whole network of the address lies in the pool, that is the fault, and found as such.
				whole := slices.ContainsFunc(met[pool.path], func(s *span) bool { return s.Contains(a.Addr) })
				if !whole && !seen[a.who] {
					seen[a.who] = true
					found = append(found, a)
				}
			}
			for _, a := range found[:min(len(found), maxParties)] {
				if a.role == roleRouterID {
					p.Reportf(pool.path, "%s holds %s, the router ID of %s and mostly its loopback address", pool.who, a.Addr, a.who).Hintf("a pool without it, or another router ID").Related(a.path, "its router ID").Warning()
					continue
				}
				r := p.Reportf(pool.path, "%s holds %s, the address of %s", pool.who, a.Addr, a.who).Related(a.path, "its address")
				if n := len(found) - maxParties; n > 0 {
					r.Hintf("addresses that no machine has: %d more lie in it", n)
				} else {
					r.Hintf("addresses that no machine has: begin the range after it, or end it before")
				}
			}
		}
	},
}

// vipUses lists the virtual addresses that a pool's gateways and exposures ask for.
func vipUses(s *site.Site) map[string][]string {
	out := map[string][]string{}
	for _, g := range byKey(s.Gateways) {
		out[g.Pool] = append(out[g.Pool], g.Addresses...)
	}
	for _, e := range byKey(s.Exposures) {
		out[e.Pool] = append(out[e.Pool], e.Addresses...)
	}
	return out
}

// PoolHeadroom finds pools that are nearly used up.
var PoolHeadroom = &check.Rule{
	ID: "MG1107", Name: "pool-headroom", Severity: diag.Warning, On: check.OnSite,
	Doc: `under a fifth of a pool's addresses is free

A second gateway beside the first, as an upgrade needs it, takes an address of its own; without one its Service stays
pending in the middle of the change. A pool of one address, made for one gateway, is left alone.
Source: MetalLB documentation, AddressPoolUsage alerts: 75 %, 85 % and 95 %.`,
	Run: func(p *check.Pass) {
		uses := vipUses(p.Site)
		for name, pool := range byKey(p.Site.Pools) {
			size := map[bool]int{} // by "is IPv4"
			for _, t := range pool.Addresses {
				if r, ok := addressRange(t); ok {
					size[r.From().Is4()] = min(size[r.From().Is4()]+rangeSize(r), 1<<62)
				}
			}
			used := map[netip.Addr]bool{}
			count := map[bool]int{}
			for _, t := range uses[name] {
				if ip, err := netip.ParseAddr(t); err == nil && !used[ip] && poolHas(pool, ip) {
					used[ip] = true
					count[ip.Is4()]++
				}
			}
			for _, is4 := range []bool{true, false} {
				free := size[is4] - count[is4]
				if size[is4] > 1 && free < (size[is4]+4)/5 {
					p.Reportf(site.Join("pools", name, "addresses"), "pool %q has %d %s addresses, and %d of them are taken", name, size[is4], family(is4), count[is4]).
						Hintf("enlarge it before the next gateway needs one")
				}
			}
		}
	},
}

func family(is4 bool) string {
	if is4 {
		return "IPv4"
	}
	return "IPv6"
}

// L2PoolOutsideSubnet finds virtual addresses that nobody on the segment asks for.
var L2PoolOutsideSubnet = &check.Rule{
	ID: "MG1108", Name: "l2-pool-outside-subnet", Severity: diag.Error, On: check.OnSite,
	Doc: `a pool announced by ARP or neighbour discovery lies in no one subnet of the nodes

A router asks for an address on the segment whose subnet holds it, and only there. For an address outside, or in a range
that reaches beyond the subnet, nobody asks, so nobody's answer helps.
Source: RFC 826; RFC 4861, section 7.2; MetalLB documentation, layer 2 mode.`,
	Run: func(p *check.Pass) {
		var nets []span
		for _, s := range metalSpans(p.Site) {
			if s.kind != spanLink {
				nets = append(nets, s)
			}
		}
		for _, pool := range poolSpans(p.Site) {
			if announcedBy(p.Site, pool.owner) != "l2" || slices.ContainsFunc(nets, func(n span) bool { return holds(&n, &pool) }) {
				continue
			}
			part := slices.IndexFunc(nets, func(n span) bool { return n.Overlaps(pool.IPRange) })
			if part >= 0 {
				p.Reportf(pool.path, "%s is announced by ARP or neighbour discovery, and reaches beyond the %s", pool.who, nets[part].who).Hintf("addresses of this network alone; the rest in a pool that is announced by BGP").
					Related(nets[part].path, "the network")
				continue
			}
			var all []string
			for _, n := range nets {
				if !slices.Contains(all, n.text) {
					all = append(all, n.text)
				}
			}
			p.Reportf(pool.path, "%s is announced by ARP or neighbour discovery, and lies in no network of the nodes (%s)", pool.who, listed(all)).Hintf("addresses of one of these networks; or announce: protocol: \"bgp\"")
		}
	},
}

// holds reports whether one span lies in another whole.
func holds(outer, inner *span) bool {
	return outer.Contains(inner.From()) && outer.Contains(inner.To())
}

// listed joins names, the first few of many.
func listed(names []string) string {
	switch {
	case len(names) == 0:
		return "they have none"
	case len(names) > maxParties:
		return strings.Join(names[:maxParties], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// L2PoolSegments finds nodes that would answer for an address on the wrong segment.
var L2PoolSegments = &check.Rule{
	ID: "MG1109", Name: "l2-pool-segments", Severity: diag.Error, On: check.OnSite,
	Doc: `nodes that may announce a layer-2 pool live in other subnets than the pool

One node at a time answers for an address, elected without a look at its subnet. When it is one of another segment, nobody
hears its answer: the address is dead until the next election.
Source: MetalLB speaker, layer2_controller ShouldAnnounce.`,
	Run: func(p *check.Pass) {
		subnets := slices.DeleteFunc(metalSpans(p.Site), func(s span) bool { return s.kind != spanSubnet })
		for gn, g := range byKey(p.Site.Gateways) {
			if announcedBy(p.Site, g.Pool) != "l2" {
				continue
			}
			for i, text := range g.Addresses {
				ip, err := netip.ParseAddr(text)
				if err != nil || !poolHas(p.Site.Pools[g.Pool], ip) {
					continue
				}
				home := slices.IndexFunc(subnets, func(s span) bool { return s.Contains(ip) })
				if home < 0 {
					continue // another network of the nodes, or none: another rule's
				}
				node, rack, away := elsewhere(p.Site, g.Placement.Class, ip, subnets[home].IPRange.Contains)
				if away > 0 {
					p.Reportf(site.Join("gateways", gn, "addresses", site.Index(i)), "address %s of gateway %q lies in the %s, and %d of the nodes of its class %q in another: node %s",
						ip, gn, subnets[home].who, away, g.Placement.Class, node).
						Related(subnets[home].path, "the subnet").Related(site.Join("racks", rack, "nodes", node, "address"), "a node elsewhere").
						Hintf("one pool and gateway for each segment, or announce the pool by BGP")
				}
			}
		}
	},
}

// elsewhere counts the nodes of a class with no address in a subnet, and names the first.
func elsewhere(s *site.Site, class string, like netip.Addr, in func(netip.Addr) bool) (node, rack string, n int) {
	for rn, r := range byKey(s.Racks) {
		for nn, m := range byKey(r.Nodes) {
			if m.Class != class {
				continue
			}
			near := slices.ContainsFunc(m.Address, func(a string) bool {
				ip, err := netip.ParseAddr(a)
				return err != nil || in(ip)
			})
			if !near {
				if n == 0 {
					node, rack = nn, rn
				}
				n++
			}
		}
	}
	return node, rack, n
}

// PoolUnused advises to drop pools that nobody takes from.
var PoolUnused = &check.Rule{
	ID: "MG1114", Name: "pool-unused", Severity: diag.Note, On: check.OnSite,
	Doc: `no gateway and no exposure takes an address from a pool

It is open to any Service of type LoadBalancer that somebody creates by hand, and the switches admit its addresses.
Source: MetalLB documentation, autoAssign.`,
	Run: func(p *check.Pass) {
		uses := vipUses(p.Site)
		for name := range byKey(p.Site.Pools) {
			if len(uses[name]) == 0 {
				p.Reportf(site.Join("pools", name), "no gateway and no exposure takes an address from pool %q", name)
			}
		}
	},
}
