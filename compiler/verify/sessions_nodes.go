package verify

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// nodeEnds are the sessions that the cluster opens: each BGPPeer on each Node that it selects.
func (s *sessionSet) nodeEnds() []*End {
	var ends []*End
	seen := map[[2]string]*End{}
	for _, p := range s.objects.peers {
		for _, n := range s.objects.nodes {
			if !selects(p.nodeSelectors, n.labels) {
				continue
			}
			e := &End{
				Device: n.name, name: p.name,
				LocalASN: p.myASN, PeerASN: p.peerASN, LocalAddress: p.sourceAddress, PeerAddress: cmp.Or(p.peerAddress, p.iface),
				Family: familyOf(p.peerAddress), HoldSeconds: p.hold, KeepaliveSeconds: p.keepalive,
				BFD: s.objects.bfdOf(p.bfdProfile), PasswordSecret: p.passwordSecret, Multihop: p.multihop,
				File: p.file, Line: p.line,
			}
			if h := s.inventory.hosts[n.name]; h == nil {
				s.fault(ruleSessions, e, "BGPPeer %s selects Node %s, which the inventory does not have", p.name, n.name)
			} else if e.LocalAddress == "" && familyOf(h.address) == e.Family {
				e.LocalAddress = h.address
			}
			key := [2]string{e.Device, e.PeerAddress}
			if other := seen[key]; other != nil {
				s.fault(ruleSessions, e, "node %s has two sessions to %s: BGPPeer %s and %s in %s", e.Device, e.PeerAddress, e.name, other.name, other.place())
				continue
			}
			seen[key] = e
			e.pools, e.pods = s.objects.announced(p, n), p.pods
			e.restarts, e.restartSeconds, e.restartsEnd = p.restarts, p.restartSeconds, p.restartsEnd
			e.follows, e.podNetwork, e.podLength = p.follows, p.podNetwork, p.podLength
			ends = append(ends, e)
		}
	}
	return ends
}

// familyOf is "ipv4" or "ipv6"; "" for what is no address.
func familyOf(address string) string {
	a, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return ""
	case a.Is4():
		return "ipv4"
	}
	return "ipv6"
}

// borrowAddresses gives nodes' ends the addresses that the inventory does not have, those of a second family: as the
// switches know them, by the description of the neighbor.
func (s *sessionSet) borrowAddresses() {
	known := map[[2]string]string{}
	for _, e := range s.toNodes {
		known[[2]string{e.peerHint, e.Family}] = e.PeerAddress
	}
	for _, e := range s.nodes {
		if e.LocalAddress == "" && e.Family != "" {
			e.LocalAddress = known[[2]string{e.Device, e.Family}]
		}
	}
}

// sortSwitchEnds reads the ends of the switches and parts them: towards nodes, towards other switches.
func (s *sessionSet) sortSwitchEnds() {
	nodeAt := map[string]string{}
	for name, h := range s.inventory.hosts {
		nodeAt[h.address] = name
	}
	isNode := func(address string) bool { return nodeAt[address] != "" }
	nodeAS := map[uint32]bool{}
	for _, p := range s.objects.peers {
		nodeAS[p.myASN] = true
	}
	overInterface := slices.ContainsFunc(s.nodes, func(e *End) bool { return e.Family == "" })
	for _, c := range s.switches {
		groupOfNodes := map[string]bool{}
		for _, p := range c.peers {
			if isNode(p.name) {
				groupOfNodes[p.group] = p.group != ""
			}
		}
		for _, p := range c.peers {
			if p.isGroup {
				continue
			}
			e := c.end(p)
			if p.isPort() && s.inventory.hosts[e.peerHint] != nil && !overInterface {
				s.links = append(s.links, e)
				continue
			}
			if host := nodeAt[p.name]; host != "" && s.inventory.hosts[e.peerHint] != nil && e.peerHint != host {
				s.fault(ruleSessions, e, "neighbor %s is described as %s, and the inventory has that address for %s", p.name, e.peerHint, host)
			}
			if isNode(p.name) || groupOfNodes[p.group] || nodeAS[e.PeerASN] || s.inventory.hosts[e.peerHint] != nil {
				s.toNodes = append(s.toNodes, e)
			} else {
				s.fabric = append(s.fabric, e)
			}
		}
		for _, l := range c.listen {
			s.listenEnds(c, l)
		}
	}
}

// listenEnds are the ends that a listen range stands for: one for each speaker in it. Any other machine in the range
// could open a session too.
func (s *sessionSet) listenEnds(c *switchConf, l listenRange) {
	prefix, err := netip.ParsePrefix(l.prefix)
	if err != nil {
		return // reported by the grammar
	}
	speakers := map[string]bool{}
	for _, e := range s.nodes {
		speakers[e.LocalAddress] = true
	}
	for _, name := range sortedKeys(s.inventory.hosts) {
		address := s.inventory.hosts[name].address
		a, err := netip.ParseAddr(address)
		if err != nil || !prefix.Contains(a) {
			continue
		}
		e := c.end(&switchPeer{name: address, group: l.group, remoteAS: l.remoteAS, line: l.line})
		if !speakers[address] {
			s.fault(ruleSessions, e, "listen range %s takes sessions from %s (%s), which opens none", l.prefix, name, address)
			continue
		}
		s.toNodes = append(s.toNodes, e)
	}
}

// pairNodes pairs the nodes' ends with those of the switches. A switch file need not say the switch's own address, so
// each address that nodes connect to is first given to the switch that fits it best.
func (s *sessionSet) pairNodes() {
	byPeer := map[string][]*End{} // switches' ends by the node's address
	for _, e := range s.toNodes {
		byPeer[e.PeerAddress] = append(byPeer[e.PeerAddress], e)
	}
	device := s.assign(byPeer)
	done := map[*End]bool{}
	for _, e := range s.nodes {
		if e.Family == "" {
			continue // unnumbered
		}
		switchName, ok := device[e.PeerAddress]
		if !ok {
			s.fault(ruleSessions, e, "node %s (%s) connects to %s by BGPPeer %s, and no switch file has that session", e.Device, e.LocalAddress, e.PeerAddress, e.name)
			continue
		}
		i := slices.IndexFunc(byPeer[e.LocalAddress], func(b *End) bool { return b.Device == switchName && !done[b] })
		if i < 0 {
			s.fault(ruleSessions, e, "node %s (%s) connects to %s by BGPPeer %s, and %s has no neighbor %s", e.Device, e.LocalAddress, e.PeerAddress, e.name, switchName, e.LocalAddress)
			continue
		}
		b := byPeer[e.LocalAddress][i]
		done[b] = true
		b.peerHint = e.Device
		s.pairs = append(s.pairs, Session{A: *e, B: *b})
	}
	s.pairUnnumbered(done)
	for _, e := range s.toNodes {
		if !done[e] {
			s.fault(ruleSessions, e, "%s has neighbor %s%s, and no BGPPeer makes that node open the session", e.Device, e.PeerAddress, s.hostOf(e.PeerAddress))
		}
	}
}

// pairUnnumbered pairs sessions over interfaces: a switch's port names its node in the description.
func (s *sessionSet) pairUnnumbered(done map[*End]bool) {
	for _, e := range s.nodes {
		if e.Family != "" {
			continue
		}
		i := slices.IndexFunc(s.toNodes, func(b *End) bool {
			return !done[b] && b.Family == "" && b.peerHint == e.Device && sameAS(e.PeerASN, b.LocalASN, e.LocalASN)
		})
		if i < 0 {
			s.fault(ruleSessions, e, "node %s opens a session over %s by BGPPeer %s, and no switch port is described with its name", e.Device, e.PeerAddress, e.name)
			continue
		}
		done[s.toNodes[i]] = true
		s.pairs = append(s.pairs, Session{A: *e, B: *s.toNodes[i]})
	}
}

func (s *sessionSet) hostOf(address string) string {
	for _, name := range sortedKeys(s.inventory.hosts) {
		if s.inventory.hosts[name].address == address {
			return " (" + name + ")"
		}
	}
	return " (no machine of the inventory)"
}

// A fit is how well a switch fits an address that nodes connect to.
type fit struct {
	address, device        string
	told, exact, sameAS    bool // the file says the address; the sets of nodes are equal; the AS is
	listed                 bool // the list of flows has the address for the switch
	shared                 int  // nodes that both sides know
	family                 string
	nodesHere, nodesSwitch int
}

// assign gives each address that nodes connect to the switch that fits it best: the one whose file says the address,
// else the one with the same nodes and the same AS, else the one with the most nodes in common. Of two that fit as well, as
// a pair with one AS does whose files leave the interface to somebody else, the list of flows says which has the address.
func (s *sessionSet) assign(byPeer map[string][]*End) map[string]string {
	fits := map[[2]string]*fit{}
	nodesOf := map[string]int{} // by address
	sizes := map[[2]string]int{}
	for _, e := range s.toNodes {
		sizes[[2]string{e.Device, e.Family}]++
	}
	for _, e := range s.nodes {
		if e.Family == "" {
			continue
		}
		nodesOf[e.PeerAddress]++
		for _, b := range byPeer[e.LocalAddress] {
			key := [2]string{e.PeerAddress, b.Device}
			f := fits[key]
			if f == nil {
				f = &fit{address: e.PeerAddress, device: b.Device, family: e.Family, listed: s.listed[key]}
				fits[key] = f
			}
			f.shared++
			f.told = f.told || b.LocalAddress == e.PeerAddress
			f.sameAS = sameAS(e.PeerASN, b.LocalASN, e.LocalASN)
			f.nodesSwitch = sizes[[2]string{b.Device, e.Family}]
		}
	}
	order := make([]*fit, 0, len(fits))
	for _, f := range fits {
		f.nodesHere = nodesOf[f.address]
		f.exact = f.sameAS && f.shared == f.nodesHere && f.shared == f.nodesSwitch
		order = append(order, f)
	}
	slices.SortFunc(order, func(a, b *fit) int {
		return cmp.Or(later(a.told, b.told), later(a.exact, b.exact), later(a.sameAS, b.sameAS), b.shared-a.shared, later(a.listed, b.listed),
			compareAddrs(a.address, b.address), strings.Compare(a.device, b.device))
	})
	device := map[string]string{}
	taken := map[[2]string]bool{} // a switch has one address of a family
	for _, f := range order {
		key := [2]string{f.device, f.family}
		if device[f.address] == "" && !taken[key] {
			device[f.address], taken[key] = f.device, true
		}
	}
	return device
}

// later orders true before false.
func later(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func compareAddrs(a, b string) int {
	x, err := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	if err != nil || err2 != nil {
		return strings.Compare(a, b)
	}
	return x.Compare(y)
}
