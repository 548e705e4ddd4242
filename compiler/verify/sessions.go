package verify

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// An End is one side of a BGP session, as a file of the tree says it.
type End struct {
	Device            string // host name of the node or switch
	LocalASN, PeerASN uint32 // PeerASN 0: any other AS ("external")
	LocalAddress      string // "" when the file does not say
	PeerAddress       string // address, or the interface of an unnumbered session
	Family            string // "ipv4" or "ipv6": the family of PeerAddress; "" when unnumbered
	HoldSeconds       int    // 0 when the file leaves it to the program
	KeepaliveSeconds  int    // likewise
	BFD               string // "300/300 ms x 3": transmit, receive, multiplier; "none"
	PasswordSecret    string // name of the Kubernetes Secret; "" for none
	Multihop          bool
	TTLSecurity       bool   // only packets with TTL 255 are taken
	Passive           bool   // waits for the other side to connect
	File              string // path in the tree
	Line              int

	name     string   // of the BGPPeer, or of the neighbor
	peerHint string   // host name of the other side, where the file says it
	pools    []string // names of the pools that a node announces over it
	pods     bool     // a node announces its range of pods over it
	restarts bool     // a node asks the switch to keep its routes while its speaker restarts
	// restartSeconds is for how long it asks; 0 where the object does not say
	restartSeconds int
	restartsEnd    bool         // a node asks in any case, for no time at all
	refusesRestart bool         // a switch keeps no routes of the node, whatever it asks
	follows        bool         // a node takes the shorter hold time of the switch
	podNetwork     netip.Prefix // of the ranges that a node announces, where its objects say it
	podLength      int          // and their length; 0 where they do not
	conf           *switchConf  // of a switch's end
	policy         *switchPeer  // of a switch's end: the group, or the neighbor where it has none
}

// place names an end in a finding.
func (e *End) place() string { return fmt.Sprintf("%s:%d", e.File, e.Line) }

// A Session is a pair of ends that belong together: a node and a switch, or a switch and a spine.
type Session struct {
	A, B End
}

// A SessionFault is a difference between two files of the tree, or an end without the other one.
type SessionFault struct {
	Rule string // MG9208 or MG9209
	File string
	Line int
	Text string // names the other file and line too
}

// Sessions reads the BGP sessions of a site back from the tree, from both sides: the nodes' ends from the load
// balancer's objects, the Node objects and the inventory, the switches' ends from their files. Ends that do not agree,
// or that have no counterpart, are told as faults. The sessions are sorted by their ends' devices and addresses.
func Sessions(t *artifact.Tree, site string) ([]Session, []SessionFault) {
	return newSessionSet(t, site, parseLBObjects(t, site), readInventory(t, site)).sessions()
}

// sessions pairs the ends and compares them.
func (s *sessionSet) sessions() ([]Session, []SessionFault) {
	s.pairNodes()
	s.pairFabric()
	for i := range s.pairs {
		s.compare(&s.pairs[i])
	}
	s.checkRouterIDs()
	s.checkRelaxed()
	s.checkPrefixes()
	s.checkLinks()
	slices.SortFunc(s.pairs, func(a, b Session) int {
		return cmp.Or(strings.Compare(a.A.Device, b.A.Device), strings.Compare(a.B.Device, b.B.Device), strings.Compare(a.A.PeerAddress, b.A.PeerAddress))
	})
	slices.SortFunc(s.faults, func(a, b SessionFault) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Text, b.Text))
	})
	return s.pairs, s.faults
}

// A sessionSet is all ends of a site while they are paired.
type sessionSet struct {
	site      string
	objects   *lbObjects
	switches  []*switchConf
	inventory *inventory
	nodes     []*End // nodes' ends
	toNodes   []*End // switches' ends towards nodes
	fabric    []*End // switches' ends towards switches
	links     []*End // switches' ends towards the routing of nodes that live on loopback addresses
	pairs     []Session
	faults    []SessionFault
	listed    map[[2]string]bool           // addresses of switches, with their host names, as the list of flows has them
	podRanges map[string]map[string]podSet // what switches take of nodes' ranges of pods, by host name and family
}

func (s *sessionSet) fault(rule string, e *End, format string, args ...any) {
	s.faults = append(s.faults, SessionFault{rule, e.File, e.Line, fmt.Sprintf(format, args...)})
}

// newSessionSet reads the ends.
func newSessionSet(t *artifact.Tree, site string, objects *lbObjects, inv *inventory) *sessionSet {
	s := &sessionSet{site: site, objects: objects, inventory: inv}
	for _, f := range t.Files() {
		if of, hostname, ext, ok := fabricFile(f.Path()); ok && of == site {
			if c, _ := parseSwitchFile(f.Path(), site, hostname, ext, f.Bytes()); c != nil {
				s.switches = append(s.switches, c)
			}
		}
	}
	if f := t.Lookup("fabric/" + site + "/flows.csv"); f != nil {
		rows, _ := parseFlows(f.Bytes())
		s.listed = map[[2]string]bool{}
		for _, r := range rows {
			if name, ok := strings.CutPrefix(r.to, "switch "); ok {
				for _, a := range r.dest {
					s.listed[[2]string{a.Addr().String(), name}] = true
				}
			}
		}
	}
	s.nodes = s.nodeEnds()
	s.sortSwitchEnds()
	s.borrowAddresses()
	return s
}

// parseSwitchFile reads a switch file in the language of its extension; nil when there is none.
func parseSwitchFile(path, site, hostname, ext string, data []byte) (*switchConf, faults) {
	switch ext {
	case ".conf":
		return parseFRR(path, site, hostname, data)
	case ".eos":
		return parseEOS(path, site, hostname, data)
	case ".nxos":
		return parseNXOS(path, site, hostname, data)
	case ".sonic":
		return parseSONiC(path, site, hostname, data)
	}
	return nil, nil
}

// compare tells where the two ends of a session differ.
func (s *sessionSet) compare(p *Session) {
	a, b := &p.A, &p.B
	differ := func(what string, mine, other any) {
		s.fault(ruleSessions, a, "%s of the session %s - %s: %v here, %v in %s", what, a.Device, b.Device, mine, other, b.place())
	}
	if a.follows && b.HoldSeconds > 0 && b.HoldSeconds <= a.HoldSeconds {
		a.HoldSeconds, a.KeepaliveSeconds = b.HoldSeconds, b.HoldSeconds/3
	}
	if !sameAS(a.PeerASN, b.LocalASN, a.LocalASN) {
		differ("AS of "+b.Device, a.PeerASN, b.LocalASN)
	}
	if !sameAS(b.PeerASN, a.LocalASN, b.LocalASN) {
		differ("AS of "+a.Device, a.LocalASN, b.PeerASN)
	}
	if a.HoldSeconds != b.HoldSeconds {
		differ("hold time", a.HoldSeconds, b.HoldSeconds)
	}
	if a.KeepaliveSeconds != b.KeepaliveSeconds {
		differ("keepalive time", a.KeepaliveSeconds, b.KeepaliveSeconds)
	}
	if a.BFD != b.BFD {
		differ("BFD", a.BFD, b.BFD)
	}
	if a.PasswordSecret != b.PasswordSecret {
		differ("password", secretName(a.PasswordSecret), secretName(b.PasswordSecret))
	}
	if a.Multihop != b.Multihop {
		differ("multihop", a.Multihop, b.Multihop)
	}
	if a.TTLSecurity != b.TTLSecurity {
		differ("TTL security", a.TTLSecurity, b.TTLSecurity)
	}
	if b.conf != nil && a.conf == nil {
		s.compareRestart(a, b, differ)
	}
	if a.conf != nil {
		s.compareSwitches(a, b, differ)
	}
	if b.LocalAddress != "" && isAddr(b.LocalAddress) && a.PeerAddress != b.LocalAddress {
		differ("address of "+b.Device, a.PeerAddress, b.LocalAddress)
	}
}

// compareRestart compares what a node asks for while its speaker restarts with what the switch grants: a bound, and that a
// node which has only fallen silent is not taken for one that restarts. Of a node that asks in any case it may be that none
// is wanted: then the switch refuses.
func (s *sessionSet) compareRestart(a, b *End, differ func(what string, mine, other any)) {
	granted := b.conf.stalePath
	if !b.conf.holdEnds {
		granted = 0
	}
	if a.restartsEnd != b.refusesRestart {
		differ("graceful restart ended", a.restartsEnd, b.refusesRestart)
	}
	if a.restarts != (granted != 0) {
		differ("graceful restart", a.restarts, granted != 0)
	} else if a.restartSeconds != 0 && a.restartSeconds != granted {
		differ("restart time", a.restartSeconds, granted)
	}
}

// compareSwitches compares what nodes have no say in: a node always opens the session and sends what it has.
func (s *sessionSet) compareSwitches(a, b *End, differ func(what string, mine, other any)) {
	if a.Passive && b.Passive {
		s.fault(ruleSessions, a, "%s and %s (%s) both wait for the other one to connect", a.Device, b.Device, b.place())
	}
	if mine, other := strings.Join(familiesOf(a), " "), strings.Join(familiesOf(b), " "); mine != other {
		differ("address families", mine, other)
	}
}

// checkRouterIDs reports two switches of one router ID: a session between them, or paths by way of both, would fail.
func (s *sessionSet) checkRouterIDs() {
	by := map[string]*switchConf{}
	for _, c := range s.switches {
		if other := by[c.routerID]; other != nil && c.routerID != "" {
			s.faults = append(s.faults, SessionFault{ruleSessions, c.path, c.routerIDLine,
				fmt.Sprintf("%s has the router ID %s of %s (%s:%d)", c.hostname, c.routerID, other.hostname, other.path, other.routerIDLine)})
			continue
		}
		by[c.routerID] = c
	}
}

// checkRelaxed reports switches that hear of one address through several AS and would use one of the paths only.
func (s *sessionSet) checkRelaxed() {
	through := map[string]map[uint32]bool{}
	for i := range s.pairs {
		for _, e := range [][2]*End{{&s.pairs[i].A, &s.pairs[i].B}, {&s.pairs[i].B, &s.pairs[i].A}} {
			if here, there := e[0], e[1]; here.conf != nil && there.conf != nil {
				if through[here.Device] == nil {
					through[here.Device] = map[uint32]bool{}
				}
				through[here.Device][there.LocalASN] = true
			}
		}
	}
	for _, c := range s.switches {
		if n := len(through[c.hostname]); n > 1 && !c.relaxed {
			s.faults = append(s.faults, SessionFault{ruleSessions, c.path, c.asnLine,
				fmt.Sprintf("%s has neighbors of %d AS and no \"bgp bestpath as-path multipath-relax\": of equal paths through several AS it uses one", c.hostname, n)})
		}
	}
}

// sameAS reports whether an end that expects the AS want takes the AS have; own is the end's own AS, want 0 is any other.
func sameAS(want, have, own uint32) bool {
	if want == 0 {
		return have != own
	}
	return want == have
}

func secretName(name string) string {
	if name == "" {
		return "none"
	}
	return "of Secret " + name
}

// pairFabric pairs the sessions between switches. Where a file says whom a session leads to (a description, or the mark
// of an interface that the site leaves open), that decides; the rest is paired by AS.
func (s *sessionSet) pairFabric() {
	known := map[string]bool{}
	asns := map[uint32]bool{}
	for _, c := range s.switches {
		known[c.hostname], asns[c.asn] = true, true
	}
	byDevice := map[string][]*End{}
	for _, e := range s.fabric {
		if !known[e.peerHint] || e.peerHint == e.Device {
			e.peerHint = ""
		}
		byDevice[e.Device] = append(byDevice[e.Device], e)
	}
	done := map[*End]bool{}
	join := func(a, b *End) {
		done[a], done[b] = true, true
		s.pairs = append(s.pairs, Session{A: *a, B: *b})
	}
	for _, e := range s.fabric { // both say it, or this one does
		if done[e] || e.peerHint == "" {
			continue
		}
		if b := bestBack(e, byDevice[e.peerHint], done); b != nil {
			join(e, b)
		}
	}
	for _, e := range s.fabric { // neither says it
		if done[e] || e.peerHint != "" {
			continue
		}
		if b := bestBack(e, s.fabric, done); b != nil {
			join(e, b)
		}
	}
	for _, e := range s.fabric {
		switch {
		case done[e]:
		case e.peerHint != "":
			s.fault(ruleSessions, e, "%s has a session with %s, and the file of %s has none back", e.Device, e.peerHint, e.peerHint)
		case asns[e.PeerASN]:
			s.fault(ruleSessions, e, "%s has a session over %s with AS %d, and no switch of that AS has one back", e.Device, e.PeerAddress, e.PeerASN)
		}
	}
}

// bestBack returns the end among candidates that leads back to e: one that names e's device before one that names none,
// one of the right AS before one of another, and of several cables between two switches the end of the same one.
func bestBack(e *End, candidates []*End, done map[*End]bool) *End {
	var best *End
	bestScore, bestLink := 0, 0
	for _, b := range candidates {
		if done[b] || b.Device == e.Device || b.peerHint != "" && b.peerHint != e.Device {
			continue
		}
		score := 0
		if b.peerHint == e.Device {
			score += 4
		}
		mine, back := sameAS(e.PeerASN, b.LocalASN, e.LocalASN), sameAS(b.PeerASN, e.LocalASN, b.LocalASN)
		if mine {
			score += 2
		}
		if back {
			score++
		}
		// Without any name a pair must at least agree on both AS numbers.
		if e.peerHint == "" && b.peerHint == "" && !(mine && back) {
			continue
		}
		if link := sameLink(e.PeerAddress, b.PeerAddress); score > bestScore || score == bestScore && link > bestLink {
			best, bestScore, bestLink = b, score, link
		}
	}
	return best
}

// sameLink says how well two neighbors go together as the ends of one cable: two addresses by the bits that they share, two
// ports without addresses as well as any, and an address with a port not at all.
func sameLink(x, y string) int {
	a, errA := netip.ParseAddr(x)
	b, errB := netip.ParseAddr(y)
	switch {
	case errA != nil && errB != nil:
		return 1
	case errA != nil || errB != nil || a.BitLen() != b.BitLen():
		return 0
	}
	shared := a.BitLen()
	for netip.PrefixFrom(a, shared).Masked() != netip.PrefixFrom(b, shared).Masked() {
		shared--
	}
	return 1 + shared
}
