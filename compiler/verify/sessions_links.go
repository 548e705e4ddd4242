package verify

import (
	"net/netip"
	"slices"

	"go4.org/netipx"
)

// checkLinks reads the sessions over cables to nodes that live on loopback addresses. The nodes' own routing holds the
// other end, which no file of the tree has: what is held against it are the machines of the inventory and the sessions
// between loopbacks, which nothing but these cables makes possible.
func (s *sessionSet) checkLinks() {
	cabled := map[[2]string]bool{} // switch, node
	groups := map[*switchPeer]*netipx.IPSetBuilder{}
	first := map[*switchPeer]*End{}
	var order []*switchPeer
	for _, e := range s.links {
		key := [2]string{e.Device, e.peerHint}
		if cabled[key] {
			s.fault(ruleSessions, e, "%s has two sessions over cables to %s", e.Device, e.peerHint)
		}
		cabled[key] = true
		if groups[e.policy] == nil {
			groups[e.policy], first[e.policy] = &netipx.IPSetBuilder{}, e
			order = append(order, e.policy)
		}
		if a, err := netip.ParseAddr(s.inventory.hosts[e.peerHint].address); err == nil {
			groups[e.policy].Add(a)
		}
		for _, n := range s.objects.nodes {
			for _, text := range n.sources {
				if a, err := netip.ParseAddr(text); err == nil && n.name == e.peerHint {
					groups[e.policy].Add(a)
				}
			}
		}
		if e.Passive {
			s.fault(ruleSessions, e, "%s waits for %s, which waits too: the routing of nodes takes the session", e.Device, e.peerHint)
		}
	}
	for _, policy := range order {
		s.checkLinkGroup(first[policy], mustSet(groups[policy]))
	}
	for i := range s.pairs {
		a, b := &s.pairs[i].A, &s.pairs[i].B
		if a.conf != nil || !a.Multihop {
			continue
		}
		if !cabled[[2]string{b.Device, a.Device}] {
			s.fault(ruleSessions, b, "the session of %s and %s runs between loopback addresses, and %s has no session over a cable to it", a.Device, b.Device, b.Device)
		}
		if own := hostPrefix(a.PeerAddress); !slices.Contains(b.conf.networks, own.String()) {
			s.fault(ruleSessions, b, "%s does not announce %s, to which %s connects from its loopback address", b.Device, own, a.Device)
		}
	}
}

// checkLinkGroup reads what a switch takes from the routing of nodes, and what they get.
func (s *sessionSet) checkLinkGroup(e *End, nodes *netipx.IPSet) {
	for _, family := range sortedKeys(e.policy.families) {
		f := e.policy.families[family]
		if !f.active {
			continue
		}
		if !f.wayOut {
			s.fault(ruleSessions, e, "%s gives the nodes on its cables no default route (%s)", e.Device, family)
		}
		if f.maxPrefixes == 0 {
			s.fault(rulePrefixes, e, "%s takes any number of %s routes from the routing of nodes: no maximum", e.Device, family)
		}
		for length := range hostLength(family) {
			if set := e.conf.admits(f.in, family, length); !isEmpty(set) {
				s.fault(rulePrefixes, e, "%s accepts routes of length /%d (%s) from the routing of nodes by route-map %s, not only their addresses", e.Device, length, printSet(set), f.in)
				break
			}
		}
		if f.out == "" {
			s.fault(rulePrefixes, e, "%s gives the nodes on its cables every %s route: no route-map", e.Device, family)
		}
		taken := e.conf.admits(f.in, family, hostLength(family))
		if missing := subtract(intersect(nodes, wholeFamily(family)), taken); !isEmpty(missing) {
			s.fault(rulePrefixes, e, "%s does not accept %s, the address of a node on its cables", e.Device, printSet(missing))
		}
		// The inventory has each machine's first address: of the other family it is only known how many there are.
		if more := subtract(taken, nodes); !isEmpty(more) && !isEmpty(intersect(nodes, wholeFamily(family))) {
			s.fault(rulePrefixes, e, "%s accepts %s from the routing of nodes by route-map %s, and no node on its cables lives there", e.Device, printSet(more), f.in)
		}
	}
}
