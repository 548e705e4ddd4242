package rules

import (
	"fmt"
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// NetworkInterfaceTaken finds two networks on one interface.
var NetworkInterfaceTaken = &check.Rule{
	ID: "MG1163", Name: "network-interface-taken", Severity: diag.Error, On: check.OnSite,
	Doc: `two further networks of a node class are on one interface

Without a VLAN each they share a segment: machines of one see the broadcasts of the other, a router advertises for both,
and a filter between the two filters nothing.
Source: IEEE 802.1Q; RFC 4861, section 6.2.`,
	Run: func(p *check.Pass) {
		for cn, c := range byKey(p.Site.NodeClasses) {
			first := map[string]string{}
			for n, w := range byKey(c.Networks) {
				path := site.Join("nodeClasses", cn, "networks", n, "interface")
				if other, ok := first[w.Interface]; ok {
					p.Reportf(path, "network %q of class %q is on %s, as network %q is", n, cn, w.Interface, other).
						Related(site.Join("nodeClasses", cn, "networks", other, "interface"), "the other network").
						Hintf("a VLAN each: %s.10, %s.20", w.Interface, w.Interface)
					continue
				}
				first[w.Interface] = n
			}
		}
	},
}

// NetworkTooSmall finds further networks with fewer addresses than nodes.
var NetworkTooSmall = &check.Rule{
	ID: "MG1164", Name: "network-too-small", Severity: diag.Error, On: check.OnSite,
	Doc: `a further network of node classes has fewer addresses than these have nodes

The last machines to be installed find no address left: they join the cluster and reach no storage.
Source: RFC 4632, section 3.1: the number of hosts in a prefix.`,
	Run: func(p *check.Pass) {
		nodes := map[string]int{}
		for _, r := range p.Site.Racks {
			for _, n := range r.Nodes {
				nodes[n.Class]++
			}
		}
		type use struct {
			classes []string
			path    string
		}
		uses := map[string]*use{}
		for cn, c := range byKey(p.Site.NodeClasses) {
			for n, w := range byKey(c.Networks) {
				u := uses[w.CIDR]
				if u == nil {
					u = &use{path: site.Join("nodeClasses", cn, "networks", n, "cidr")}
					uses[w.CIDR] = u
				}
				if !slices.Contains(u.classes, cn) {
					u.classes = append(u.classes, cn)
				}
			}
		}
		for cidr, u := range byKey(uses) {
			r, ok := addressRange(cidr)
			net, err := netip.ParsePrefix(cidr)
			if !ok || err != nil {
				continue
			}
			room, need := rangeSize(r), 0
			for _, edge := range []netip.Addr{r.From(), r.To()} {
				if atEdge(net, edge) {
					room--
				}
			}
			for _, c := range u.classes {
				need += nodes[c]
			}
			if need > room {
				p.Reportf(u.path, "network %s has room for %d machines, and %s %d", cidr, room, theClasses(u.classes), need).Hintf("a wider network: cidr with a shorter length")
			}
		}
	},
}

func theClasses(names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("class %q has", names[0])
	}
	return fmt.Sprintf("the classes %s have", listed(names))
}
