package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// SwitchACLNowhere finds access lists that no port would have.
var SwitchACLNowhere = &check.Rule{
	ID: "MG1266", Name: "switch-acl-nowhere", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site asks for access lists on the uplinks of its switches, and a rack would have none

The list stands on the uplinks that the site declares, of switches that meshgen configures. What reaches a rack by another
one comes unfiltered, while the site says that it does not.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !s.Fabric.SwitchACLs {
			return
		}
		const at = "fabric.switchACLs"
		for t := range tors(s) {
			switch {
			case s.Fabric.BGP == nil || t.ASN == 0 || t.OS == "":
				p.Reportf(at, "switch %s has no file that an access list could stand in", t.Hostname).
					Related(t.path, "the switch: it needs os and asn, and the site fabric.bgp").Hintf("leave fabric.switchACLs out")
			case len(t.Uplinks) == 0:
				p.Reportf(at, "switch %s declares no uplinks that an access list could be bound to", t.Hostname).
					Related(t.path, "the switch").Hintf("uplinks: [{spine: \"s1\", interface: \"Ethernet49/1\"}]")
			}
		}
		if len(s.Pools) == 0 {
			p.Reportf(at, "there is no pool, and so no address to filter for").Hintf("leave fabric.switchACLs out")
		}
	},
}

// SwitchACLFamily finds access lists whose form for IPv6 is not known.
var SwitchACLFamily = &check.Rule{
	ID: "MG1267", Name: "switch-acl-family", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `access lists are asked for, and how the switch filters the IPv6 addresses of a pool is not known

A list of IPv4 alone would leave every port of the IPv6 addresses open. No configuration that a switch has taken was found
that lets in a port and the message that a packet is too big over IPv6.
Source: aristanetworks/avd, ipv6-access-lists.cfg; ansible-collections/cisco.nxos, test_nxos_acls.py.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !s.Fabric.SwitchACLs {
			return
		}
		pool := ""
		for pn, q := range byKey(s.Pools) {
			for _, a := range q.Addresses {
				if isIPv6Range(a) && pool == "" {
					pool = pn
				}
			}
		}
		if pool == "" {
			return
		}
		for t := range tors(s) {
			if sw := p.Profiles.Switch(t.OS); sw != nil && !sw.ACLIPv6 {
				p.Reportf("fabric.switchACLs", "not supported yet: access lists for IPv6 on switch %s, which runs %s; pool %s has such addresses", t.Hostname, t.OS, pool).
					Related(t.path, "the switch").Hintf("leave fabric.switchACLs out")
			}
		}
	},
}

// isIPv6Range reports whether a network, range or address is of IPv6.
func isIPv6Range(s string) bool {
	for i := range s {
		if s[i] == '-' || s[i] == '/' {
			s = s[:i]
			break
		}
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6()
}
