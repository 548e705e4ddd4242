package rules

import (
	"cmp"
	"fmt"
	"slices"

	"go4.org/netipx"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// spanKind is what a range of addresses is for. Of two that overlap, the later kind is the one to move.
type spanKind int

const (
	spanLink spanKind = iota
	spanSubnet
	spanNetwork
	spanService
	spanPod
	spanPool
)

// span is a range of addresses with its place.
type span struct {
	netipx.IPRange
	kind       spanKind
	path, text string
	who        string // `subnet 10.1.0.0/24 of rack "r1"`
	owner      string // the rack, class, pool or switch it belongs to
	peer       string // of a link: the spine at its other end
	site       int    // in a fleet: whose path it is
}

// clusterSpans are the ranges of pods and Services.
func clusterSpans(s *site.Site) []span {
	var out []span
	for i, t := range s.Kubernetes.PodCIDRs {
		out = addSpan(out, span{kind: spanPod, text: t, who: "pod network " + t, path: site.Join("kubernetes", "podCIDRs", site.Index(i))})
	}
	for i, t := range s.Kubernetes.ServiceCIDRs {
		out = addSpan(out, span{kind: spanService, text: t, who: "Service network " + t, path: site.Join("kubernetes", "serviceCIDRs", site.Index(i))})
	}
	return out
}

// metalSpans are the ranges of machines and of links between switches.
func metalSpans(s *site.Site) []span {
	var out []span
	for rn, r := range byKey(s.Racks) {
		for i, t := range r.Subnets {
			out = addSpan(out, span{kind: spanSubnet, text: t, who: fmt.Sprintf("subnet %s of rack %q", t, rn), owner: rn,
				path: site.Join("racks", rn, "subnets", site.Index(i))})
		}
	}
	for cn, c := range byKey(s.NodeClasses) {
		for n, w := range byKey(c.Networks) {
			out = addSpan(out, span{kind: spanNetwork, text: w.CIDR, who: fmt.Sprintf("network %s (%q of class %q)", w.CIDR, n, cn), owner: cn,
				path: site.Join("nodeClasses", cn, "networks", n, "cidr")})
		}
	}
	return append(out, linkSpans(s)...)
}

// poolSpans are the ranges of virtual addresses.
func poolSpans(s *site.Site) []span {
	var out []span
	for n, pool := range byKey(s.Pools) {
		for i, t := range pool.Addresses {
			out = addSpan(out, span{kind: spanPool, text: t, who: fmt.Sprintf("%s of pool %q", t, n), owner: n,
				path: site.Join("pools", n, "addresses", site.Index(i))})
		}
	}
	return out
}

// addSpan appends a span if its text can be read; what cannot is another rule's.
func addSpan(to []span, s span) []span {
	r, ok := addressRange(s.text)
	if !ok {
		return to
	}
	s.IPRange = r
	return append(to, s)
}

// clash is two spans that overlap; the first is the one to move.
type clash [2]*span

// maxClashes bounds the clashes of one span with those before it, so that a site where everything overlaps takes no more
// than linear time.
const maxClashes = 32

// clashes finds spans that overlap where they may not, in one order.
func clashes(spans []span, bad func(a, b *span) bool) []clash {
	order := make([]*span, len(spans))
	for i := range spans {
		order[i] = &spans[i]
	}
	slices.SortFunc(order, func(a, b *span) int {
		return cmp.Or(a.From().Compare(b.From()), b.To().Compare(a.To()), cmp.Compare(a.site, b.site), cmp.Compare(a.path, b.path))
	})
	var out []clash
	var open []*span // those that may reach the next one
	for _, s := range order {
		open = slices.DeleteFunc(open, func(o *span) bool { return o.To().Less(s.From()) })
		found := 0
		for _, o := range open {
			if found == maxClashes {
				break
			}
			if !bad(o, s) {
				continue
			}
			found++
			if cmp.Or(cmp.Compare(o.kind, s.kind), cmp.Compare(o.site, s.site), cmp.Compare(o.path, s.path)) > 0 {
				out = append(out, clash{o, s})
			} else {
				out = append(out, clash{s, o})
			}
		}
		open = append(open, s)
	}
	return out
}

// maxParties is how many other parties a finding names.
const maxParties = 5

// reportClashes reports one finding for each span to move and each kind of what it meets.
func reportClashes(p *check.Pass, list []clash) (reports []*check.Report) {
	type key struct {
		site int
		path string
		kind spanKind
	}
	group := map[key][]*span{}
	var order []key
	mover := map[key]*span{}
	for _, c := range list {
		k := key{c[0].site, c[0].path, c[1].kind}
		if group[k] == nil {
			order = append(order, k)
		}
		group[k] = append(group[k], c[1])
		mover[k] = c[0]
	}
	for _, k := range order {
		a, others := mover[k], group[k]
		r := p.ReportIn(a.site, a.path, "%s overlaps %s%s: both have %s", a.who, others[0].who, andMore(len(others)-1), common(a, others[0]))
		if a.kind == spanPool {
			r.Hintf("addresses that nothing else has: end the range before, or begin it after")
		} else {
			r.Hintf("a network of its own for one of the two")
		}
		for _, o := range others[:min(len(others), maxParties)] {
			r.RelatedIn(o.site, o.path, "%s", o.who)
		}
		reports = append(reports, r)
	}
	return reports
}

// andMore counts the parties that a message does not name.
func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more", n)
}

// common says what two spans that overlap have in common.
func common(a, b *span) string {
	from, to := a.From(), a.To()
	if from.Less(b.From()) {
		from = b.From()
	}
	if b.To().Less(to) {
		to = b.To()
	}
	r := netipx.IPRangeFrom(from, to)
	if from == to {
		return from.String()
	}
	if n, ok := r.Prefix(); ok {
		return n.String()
	}
	return r.String()
}

// NetworkOverlap finds networks that have addresses in common.
var NetworkOverlap = &check.Rule{
	ID: "MG1101", Name: "network-overlap", Severity: diag.Error, On: check.OnSite,
	Doc: `two of the networks of pods, Services, racks, links and node classes overlap

A node has one route for an address. Where the pod network covers a rack, traffic to that rack's machines ends in the pod
network: nodes lose each other, or the API, once the route is there, hours after the change that caused it.
Source: Kubernetes documentation, cluster networking: the ranges of pods, Services and nodes do not overlap.`,
	Run: func(p *check.Pass) { reportClashes(p, networkClashes(p.Site)) },
}

func networkClashes(s *site.Site) []clash {
	return clashes(append(clusterSpans(s), metalSpans(s)...), func(a, b *span) bool {
		if a.kind != b.kind {
			return true
		}
		switch a.kind {
		case spanSubnet:
			return false // a rule of its own
		case spanNetwork: // classes share a network; two interfaces of one machine do not
			return a.owner == b.owner || a.IPRange != b.IPRange
		case spanLink:
			return linksClash(a, b)
		}
		return true
	})
}

// RackSubnetsOverlap finds racks whose node networks overlap.
var RackSubnetsOverlap = &check.Rule{
	ID: "MG1102", Name: "rack-subnets-overlap", Severity: diag.Error, On: check.OnSite,
	Doc: `the subnets of racks overlap

Each rack's switches announce its subnets. Where two racks announce the same addresses, the fabric sends traffic for the
nodes of one to the switches of the other, flow by flow. One subnet in several racks is fine where no switch of theirs
routes: it is one layer-2 network then.
Source: RFC 4271, section 9.1.`,
	Run: func(p *check.Pass) {
		var spans []span
		for _, s := range metalSpans(p.Site) {
			if s.kind == spanSubnet {
				spans = append(spans, s)
			}
		}
		routed := func(rack string) bool {
			for _, t := range p.Site.Racks[rack].ToRs {
				if t.ASN != 0 {
					return true
				}
			}
			return false
		}
		reportClashes(p, clashes(spans, func(a, b *span) bool {
			return a.owner == b.owner || a.IPRange != b.IPRange || routed(a.owner) || routed(b.owner)
		}))
	},
}

// AddressInClusterNetwork finds machines in the networks of pods and Services.
var AddressInClusterNetwork = &check.Rule{
	ID: "MG1106", Name: "address-in-cluster-network", Severity: diag.Error, On: check.OnSite,
	Doc: `a machine's address lies in the network of pods or of Services

From a pod or a node, such an address leads to a pod or to nothing: the time source, the API or the other site answers
everywhere but in the cluster.
Source: Kubernetes documentation, cluster networking.`,
	Run: func(p *check.Pass) {
		// What is inside a network that has to move anyway is no fault of its own.
		moving := map[string]bool{}
		for _, c := range networkClashes(p.Site) {
			moving[c[0].path] = true
		}
		inside := slices.DeleteFunc(clusterSpans(p.Site), func(s span) bool { return moving[s.path] })
		for _, a := range addresses(p) {
			ip, ok := a.single()
			if !ok || a.role == roleVIP || a.role == roleRouterID { // pools are compared as a whole; a router ID is a number
				continue
			}
			for i := range inside {
				c := &inside[i]
				if !c.Contains(ip) {
					continue
				}
				r := p.Reportf(a.path, "address %s of %s lies in the %s", ip, a.who, c.who).Related(c.path, "the network").
					Hintf("an address outside of it, or another network for the cluster")
				if a.role == roleExternal {
					r.Warning() // somebody may mean a Service by its address
				}
			}
		}
	},
}
