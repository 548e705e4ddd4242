package rules

import (
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
		eachLink(s, func(path string, t *site.ToR, u site.Uplink, sp *site.Spine) {
			if len(u.Address) > 0 && len(u.PeerAddress) > 0 {
				return
			}
			for _, end := range []struct{ os, hostname string }{{t.OS, t.Hostname}, {sp.OS, sp.Hostname}} {
				if prof := p.Profiles.Switch(end.os); prof != nil && !prof.Unnumbered {
					p.Reportf(path, "the link of %s and %s has no addresses, and %s runs %s, whose neighbors are addresses", t.Hostname, sp.Hostname, end.hostname, end.os).
						Hintf(`address: "10.0.0.0/31", peerAddress: "10.0.0.1"`)
					return
				}
			}
		})
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
		for rn, r := range byKey(s.Racks) {
			for tn, t := range byKey(r.ToRs) {
				if path := site.Join("racks", rn, "tors", tn); t.ASN != 0 && atInterface(t.OS, t.Hostname, path) && t.VLAN == 0 {
					p.Reportf(path, "switch %s runs %s, and the VLAN of its nodes, where the timers of BFD stand, is not given", t.Hostname, t.OS).
						Related("fabric.bgp.bfd", "BFD is asked for").Hintf("vlan: 10")
				}
			}
		}
		eachLink(s, func(path string, _ *site.ToR, u site.Uplink, sp *site.Spine) {
			if atInterface(sp.OS, sp.Hostname, path) && u.PeerInterface == "" {
				p.Reportf(path, "spine %s runs %s, and its interface on this link, where the timers of BFD stand, is not given", sp.Hostname, sp.OS).
					Related("fabric.bgp.bfd", "BFD is asked for").Hintf(`peerInterface: "Ethernet1/1"`)
			}
		})
	},
}

// eachLink calls see for each uplink of a switch that speaks BGP to a spine that exists.
func eachLink(s *site.Site, see func(path string, t *site.ToR, u site.Uplink, sp *site.Spine)) {
	for rn, r := range byKey(s.Racks) {
		for tn, t := range byKey(r.ToRs) {
			for i, u := range t.Uplinks {
				if sp := s.Fabric.Spines[u.Spine]; sp != nil && t.ASN != 0 {
					see(site.Join("racks", rn, "tors", tn, "uplinks", site.Index(i)), t, u, sp)
				}
			}
		}
	}
}
