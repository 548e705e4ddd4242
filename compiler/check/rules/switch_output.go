package rules

import (
	"iter"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// LinkUnnumberedSwitch finds links without addresses at a switch that needs them.
var LinkUnnumberedSwitch = &check.Rule{
	ID: "MG1303", Name: "unnumbered-link-switch", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a link between two switches has no addresses, and one of them names its neighbors by address

NX-OS takes an address or a prefix for a neighbor. The link would have a session at one end only.
Source: batfish grammar of NX-OS, rb_neighbor; Cisco NX-OS unicast command reference, neighbor.`,
	Run: func(p *check.Pass) {
		s := p.Site
		for u, sp := range fabricSessions(s) {
			if len(u.Address) > 0 && len(u.PeerAddress) > 0 {
				continue
			}
			for _, end := range []struct{ os, hostname string }{{u.from.OS, u.from.Hostname}, {sp.OS, sp.Hostname}} {
				if prof := p.Profiles.Switch(end.os); prof != nil && !prof.Unnumbered {
					p.Reportf(u.path, "the link of %s and %s has no addresses, and %s runs %s, whose neighbors are addresses", u.from.Hostname, sp.Hostname, end.hostname, end.os).
						Hintf(`address: "10.0.0.0/31", peerAddress: "10.0.0.1"`)
					break
				}
			}
		}
	},
}

// The range of BFD intervals that NX-OS takes.
const nxosIntervalMax = 999 * time.Millisecond

// BFDInterfaceUnknown finds BFD whose timers have no interface to stand at.
var BFDInterfaceUnknown = &check.Rule{
	ID: "MG1304", Name: "bfd-interface-unknown", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a switch has the timers of BFD at its interfaces, and the site does not name one, or they do not fit

NX-OS has one set of timers an interface. Where the interface is not known the session would run with the default of
the switch, slower than the other end; NX-OS takes intervals up to 999 ms.
Source: netlab templates for NX-OS, bfd; Cisco NX-OS interfaces configuration guide, BFD.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil || s.Fabric.BGP.BFD == nil {
			return
		}
		slow := false
		atInterface := func(os, hostname, path string) bool {
			if os != "nxos" {
				return false
			}
			if site.ParseDuration(s.Fabric.BGP.BFD.Interval) > nxosIntervalMax && !slow {
				slow = true
				p.Reportf("fabric.bgp.bfd.interval", "interval %s is more than the %s that switch %s takes", s.Fabric.BGP.BFD.Interval, nxosIntervalMax, hostname).
					Related(path, "the switch").Hintf("interval: \"300ms\"")
			}
			return true
		}
		for t := range tors(s) {
			if t.ASN != 0 && atInterface(t.OS, t.Hostname, t.path) && t.VLAN == 0 {
				p.Reportf(t.path, "switch %s runs %s, and the VLAN of its nodes, where the timers of BFD stand, is not given", t.Hostname, t.OS).
					Related("fabric.bgp.bfd", "BFD is asked for").Hintf("vlan: 10")
			}
		}
		for u, sp := range fabricSessions(s) {
			if atInterface(sp.OS, sp.Hostname, u.path) && u.PeerInterface == "" {
				p.Reportf(u.path, "spine %s runs %s, and its interface on this link, where the timers of BFD stand, is not given", sp.Hostname, sp.OS).
					Related("fabric.bgp.bfd", "BFD is asked for").Hintf(`peerInterface: "Ethernet1/1"`)
			}
		}
	},
}

// fabricSessions yields each uplink of a switch that speaks BGP to a spine that exists.
func fabricSessions(s *site.Site) iter.Seq2[uplink, *site.Spine] {
	return func(yield func(uplink, *site.Spine) bool) {
		for u := range uplinks(s) {
			if sp := s.Fabric.Spines[u.Spine]; sp != nil && u.from.ASN != 0 && !yield(u, sp) {
				return
			}
		}
	}
}
