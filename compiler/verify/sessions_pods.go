package verify

import (
	"fmt"

	"go4.org/netipx"
)

// A podSet is what a switch takes of nodes' ranges of pods: routes of one length.
type podSet struct {
	set    *netipx.IPSet
	length int
	end    *End // a session with a node
}

// checkLengths reports what a switch accepts from nodes that is neither a single address nor, where the nodes announce
// them, a range of pods. Ranges of pods have one length in a family.
func (s *sessionSet) checkLengths(e *End, family string) {
	in := e.policy.families[family].in
	var pods *podSet
	for length := range hostLength(family) {
		if !e.conf.mayAdmit(in, family, length) {
			continue
		}
		set := e.conf.admits(in, family, length)
		switch {
		case isEmpty(set):
		case !e.pods:
			s.fault(rulePrefixes, e, "%s accepts routes of length /%d (%s) from nodes by route-map %s, not only single addresses", e.Device, length, printSet(set), in)
			return
		case pods != nil:
			s.fault(rulePrefixes, e, "%s accepts routes of length /%d and /%d from nodes by route-map %s: ranges of pods have one length", e.Device, pods.length, length, in)
			return
		default:
			pods = &podSet{set, length, e}
		}
	}
	switch {
	case pods != nil:
		if s.podRanges[e.Device] == nil {
			s.podRanges[e.Device] = map[string]podSet{}
		}
		s.podRanges[e.Device][family] = *pods
	case e.pods:
		s.fault(rulePrefixes, e, "%s accepts no ranges of pods from nodes, which announce theirs", e.Device)
	}
}

// checkPodRanges compares what the switches take of ranges of pods, and follows them from switch to switch: at their
// length they pass, at any other nothing inside of them does.
func (s *sessionSet) checkPodRanges() {
	first := map[string]*podSet{} // by family
	for _, c := range s.switches {
		for _, family := range sortedKeys(s.podRanges[c.hostname]) {
			mine := s.podRanges[c.hostname][family]
			other := first[family]
			if other == nil {
				first[family] = &mine
				continue
			}
			if mine.length != other.length || !mine.set.Equal(other.set) {
				s.fault(rulePrefixes, mine.end, "%s takes ranges of pods of length /%d inside %s, and %s those of length /%d inside %s (%s)",
					c.hostname, mine.length, printSet(mine.set), other.end.Device, other.length, printSet(other.set), other.end.place())
			}
		}
	}
	for i := range s.pairs {
		p := &s.pairs[i]
		if p.A.conf == nil {
			continue
		}
		for _, family := range sortedKeys(first) {
			s.checkPodTransit(&p.A, &p.B, family, first[family])
			s.checkPodTransit(&p.B, &p.A, family, first[family])
		}
	}
}

// checkPodTransit looks at one direction of a session between switches.
func (s *sessionSet) checkPodTransit(from, to *End, family string, pods *podSet) {
	sent, taken := from.policy.families[family], to.policy.families[family]
	if sent == nil || taken == nil {
		return // another session carries the family, or the difference has been reported
	}
	see := func(e *End, routeMap, verb string) {
		if lost := subtract(pods.set, e.conf.admits(routeMap, family, pods.length)); !isEmpty(lost) {
			s.fault(rulePrefixes, e, "%s does not %s ranges of pods inside %s (%s)", e.Device, verb, printSet(lost), pods.end.place())
		}
		// A shorter route holds the range of pods instead of lying in it: the default route is one.
		shortest := hostLength(family)
		for _, prefix := range pods.set.Prefixes() {
			shortest = min(shortest, prefix.Bits())
		}
		for length := shortest; length <= hostLength(family); length++ {
			if length == pods.length {
				continue
			}
			if set := intersect(pods.set, e.conf.admits(routeMap, family, length)); !isEmpty(set) {
				s.fault(rulePrefixes, e, "%s would %s routes of length /%d inside the ranges of pods (%s)", e.Device, verb, length, printSet(set))
				return
			}
		}
	}
	see(from, sent.out, fmt.Sprintf("send %s", to.Device))
	see(to, taken.in, fmt.Sprintf("take from %s", from.Device))
}
