// Package lower turns a checked site into a plan: every default that depends on another field, every session, address
// owner, kernel setting and policy edge is decided here, once.
//
// In: a *site.Site that has passed the guards of check/rules, and the profiles. Out: an *ir.Plan. Lowering cannot fail:
// what it relies on (references that resolve, addresses that parse, releases that are known) the guards have refused
// before. One file a subject; each record names the site paths that it comes from.
package lower

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// Lower decides the plan of a site that stands alone.
func Lower(s *site.Site, set *profile.Set) *ir.Plan { return Among(nil, s, set) }

// Among is Lower for a site of a fleet.
func Among(fleet site.Fleet, s *site.Site, set *profile.Set) *ir.Plan {
	l := &lowering{s: s, fleet: fleet, set: set, p: &ir.Plan{
		Name: s.Name, Region: s.Region, Environment: s.Environment, Owner: s.Owner,
		From: ir.From{"apiVersion", "name"},
	}}
	l.cluster()
	l.mesh()
	l.federation()
	l.pools()
	l.gateways()
	l.services()
	l.machineServices()
	l.exposures()
	l.racks()
	l.hosts()
	l.waves()
	l.hostPods()
	l.packets()
	l.fabric()
	l.loadBalancer()
	l.kubeVIP()
	l.openELB()
	l.external()
	l.cilium()
	l.calico()
	l.egress()
	l.egressProxies()
	l.calicoEgress()
	l.namespaces()
	l.breakGlass()
	l.releases()
	l.linkerd()
	l.serviceMarks()
	l.ciliumPolicies()
	l.consul()
	l.registry()
	l.observability()
	l.secrets()
	l.flows()
	l.switchACLs()
	l.firewalls()
	l.capacity()
	l.patches()
	l.upgrade()
	l.delivery()
	l.checks()
	return l.p
}

// lowering holds the plan in the making. Each step may read what the steps before it have written.
type lowering struct {
	s     *site.Site
	fleet site.Fleet // the sites compiled together, peers of a federation among them; nil for a site alone
	set   *profile.Set
	p     *ir.Plan

	serviceAt map[string]int    // "namespace/name" to the place in p.Services
	calledBy  map[string][]call // the same to who declares a call
}

// byKey yields a map in the order of its keys.
func byKey[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// addr parses an address that the guards have accepted.
func addr(s string) netip.Addr { a, _ := netip.ParseAddr(s); return a }

// prefix parses a prefix that the guards have accepted.
func prefix(s string) netip.Prefix { p, _ := netip.ParsePrefix(s); return p }

func addrs(in []string) []netip.Addr {
	out := make([]netip.Addr, len(in))
	for i, s := range in {
		out[i] = addr(s)
	}
	return out
}

func prefixes(in []string) []netip.Prefix {
	out := make([]netip.Prefix, len(in))
	for i, s := range in {
		out[i] = prefix(s)
	}
	return out
}

// cover returns the fewest prefixes that hold exactly the addresses of prefixes, ranges "first-last" and single
// addresses.
func cover(in []string) []netip.Prefix {
	var b netipx.IPSetBuilder
	for _, s := range in {
		switch {
		case strings.Contains(s, "-"):
			r, _ := netipx.ParseIPRange(s)
			b.AddRange(r)
		case strings.Contains(s, "/"):
			b.AddPrefix(prefix(s))
		default:
			b.Add(addr(s))
		}
	}
	set, _ := b.IPSet()
	return set.Prefixes()
}

// under joins a path with one more level for each field, as a From.
func under(path string, fields ...string) ir.From {
	out := make(ir.From, len(fields))
	for i, f := range fields {
		out[i] = path + "." + f
	}
	return out
}

// minor returns the first two numbers of a version: "1.35.2" is "1.35".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}
