package verify

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"meshgen.dev/meshgen/compiler/artifact"
)

// An Admission is what a switch accepts from one of its peer groups or neighbors of nodes, at the length of host routes.
type Admission struct {
	Switch   string // host name
	Peer     string // peer group, or neighbor where it has none
	Family   string // "ipv4" or "ipv6"
	Prefixes []netip.Prefix
	File     string
	Line     int // of the peer group or neighbor
}

// Prefixes reads back what the switches of a site accept from its nodes, sorted by switch file and peer.
func Prefixes(t *artifact.Tree, site string) []Admission {
	s := newSessionSet(t, site, parseLBObjects(t, site), readInventory(t, site))
	var out []Admission
	seen := map[*switchPeer]bool{}
	for _, e := range s.toNodes {
		if seen[e.policy] {
			continue
		}
		seen[e.policy] = true
		for _, family := range sortedKeys(e.policy.families) {
			f := e.policy.families[family]
			out = append(out, Admission{
				Switch: e.Device, Peer: e.policy.name, Family: family, File: e.File, Line: e.policy.line,
				Prefixes: e.conf.admits(f.in, family, hostLength(family)).Prefixes(),
			})
		}
	}
	return out
}

// checkPrefixes compares what the switches accept from nodes with what the nodes announce, and what the spines accept
// with what the racks' switches pass on.
func (s *sessionSet) checkPrefixes() {
	s.faults = append(s.faults, s.objects.bad...)
	for _, a := range s.objects.adverts {
		if a.lengthV4 != 32 || a.lengthV6 != 128 {
			s.faults = append(s.faults, SessionFault{rulePrefixes, a.file, a.line,
				fmt.Sprintf("BGPAdvertisement %s aggregates to /%d and /%d: a VIP must be announced as the one address that it is", a.name, a.lengthV4, a.lengthV6)})
		}
	}
	expected := map[string]*netipx.IPSetBuilder{} // by switch
	policies := map[string]map[*switchPeer]*End{}
	s.podRanges = map[string]map[string]podSet{}
	for i := range s.pairs {
		p := &s.pairs[i]
		if p.A.conf != nil {
			continue // between switches
		}
		sw := p.B.Device
		if expected[sw] == nil {
			expected[sw], policies[sw] = &netipx.IPSetBuilder{}, map[*switchPeer]*End{}
		}
		for _, family := range familiesOf(&p.B) {
			want := intersect(s.objects.poolSet(p.A.pools), wholeFamily(family))
			expected[sw].AddSet(want)
			if missing := subtract(want, s.accepts(&p.B, family)); !isEmpty(missing) {
				s.fault(rulePrefixes, &p.B, "%s does not accept %s from %s, which announces it (%s)", sw, printSet(missing), p.A.Device, p.A.place())
			}
		}
		if e := policies[sw][p.B.policy]; e == nil || p.A.pods {
			p.B.pods = p.A.pods
			policies[sw][p.B.policy] = &p.B
		}
	}
	sets := map[string]*netipx.IPSet{}
	for _, c := range s.switches {
		if expected[c.hostname] == nil {
			continue
		}
		sets[c.hostname] = mustSet(expected[c.hostname])
		for _, peer := range c.peers {
			if e := policies[c.hostname][peer]; e != nil {
				s.checkPolicy(e, sets[c.hostname])
			}
		}
	}
	for i := range s.pairs {
		if p := &s.pairs[i]; p.A.conf != nil {
			s.checkTransit(&p.A, &p.B, sets)
			s.checkTransit(&p.B, &p.A, sets)
		}
	}
	s.checkPodRanges()
	s.checkCalicoRanges()
}

// familiesOf are the address families that a switch's end carries.
func familiesOf(e *End) []string {
	var out []string
	for _, family := range sortedKeys(e.policy.families) {
		if e.policy.families[family].active && (e.Family == "" || e.Family == family) {
			out = append(out, family)
		}
	}
	return out
}

// accepts are the addresses whose host routes the switch accepts at an end.
func (s *sessionSet) accepts(e *End, family string) *netipx.IPSet {
	return e.conf.admits(e.policy.families[family].in, family, hostLength(family))
}

// checkPolicy reports what a switch accepts from nodes beyond the addresses of their pools, and groups of nodes without
// a limit on prefixes.
func (s *sessionSet) checkPolicy(e *End, expected *netipx.IPSet) {
	for _, family := range familiesOf(e) {
		f := e.policy.families[family]
		if more := subtract(s.accepts(e, family), expected); !isEmpty(more) {
			s.fault(rulePrefixes, e, "%s accepts %s from nodes by route-map %s, and no node behind it announces that", e.Device, printSet(more), f.in)
		}
		s.checkLengths(e, family)
		if f.maxPrefixes == 0 {
			s.fault(rulePrefixes, e, "%s takes any number of %s routes from nodes: no maximum", e.Device, family)
		}
	}
}

// checkTransit reports VIPs that a switch has from its nodes and that get lost on the way to the next one.
func (s *sessionSet) checkTransit(from, to *End, sets map[string]*netipx.IPSet) {
	if sets[from.Device] == nil || sets[to.Device] != nil {
		return // no VIPs of its own, or between two racks' switches
	}
	for _, family := range familiesOf(from) {
		want := intersect(sets[from.Device], wholeFamily(family))
		if isEmpty(want) {
			continue
		}
		out := from.conf.admits(from.policy.families[family].out, family, hostLength(family))
		if lost := subtract(want, out); !isEmpty(lost) {
			s.fault(rulePrefixes, from, "%s has %s from its nodes and does not pass it on to %s", from.Device, printSet(lost), to.Device)
		}
		if to.policy.families[family] == nil {
			s.fault(rulePrefixes, to, "%s takes no %s routes from %s (%s)", to.Device, family, from.Device, from.place())
			continue
		}
		if lost := subtract(want, s.accepts(to, family)); !isEmpty(lost) {
			s.fault(rulePrefixes, to, "%s does not accept %s, which %s passes on (%s)", to.Device, printSet(lost), from.Device, from.place())
		}
	}
}

func isEmpty(s *netipx.IPSet) bool { return len(s.Ranges()) == 0 }

// printSet writes a set as prefixes, at most three.
func printSet(s *netipx.IPSet) string {
	var parts []string
	prefixes := s.Prefixes()
	for i, p := range prefixes {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("%d more", len(prefixes)-i))
			break
		}
		parts = append(parts, p.String())
	}
	return strings.Join(parts, ", ")
}
