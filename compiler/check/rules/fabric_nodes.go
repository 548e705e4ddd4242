package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// LinkSwitch finds a node's link to a switch that its rack does not have.
var LinkSwitch = &check.Rule{
	ID: "MG1256", Name: "unknown-link-switch", Severity: diag.Error, On: check.OnSite,
	Doc: `a node has a link to a switch that its rack does not have

The link gets no session: the node believes in a second path, and there is none.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				for tn, iface := range byKey(n.Links) {
					if r.ToRs[tn] == nil {
						p.Reportf(site.Join("racks", rn, "nodes", nn, "links", tn), "node %s has %s towards switch %q, which rack %q does not have", nn, iface, tn, rn).
							Related(site.Join("racks", rn, "tors"), "the rack's switches").Hintf("switches: %s", keys(r.ToRs))
					}
				}
			}
		}
	},
}

// LinkMissing finds a node of an unnumbered rack without a link to one of its switches.
var LinkMissing = &check.Rule{
	ID: "MG1257", Name: "link-missing", Severity: diag.Error, On: check.OnSite,
	Doc: `a node of a rack with unnumbered links has none to some switch, or none at all

It lives on a loopback address, which it announces over its links. Without any it is not to be reached; with a link to one
switch of two, that switch takes it along when it fails.
Source: RFC 8950; FRR documentation, BGP unnumbered.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing != "unnumbered" || len(r.ToRs) == 0 {
				continue
			}
			for nn, n := range byKey(r.Nodes) {
				var missing []string
				for tn := range byKey(r.ToRs) {
					if n.Links[tn] == "" {
						missing = append(missing, tn)
					}
				}
				if len(missing) == 0 || len(n.Links) > len(r.ToRs)-len(missing) {
					continue // a link to a switch that does not exist was meant for one of them
				}
				path := site.Join("racks", rn, "nodes", nn)
				if len(n.Links) > 0 {
					path += ".links"
				}
				report := p.Reportf(path, "node %s has no link to switch %s of rack %q, whose homing is unnumbered", nn, strings.Join(missing, ", "), rn).
					Related(site.Join("racks", rn, "tors"), "the rack's switches").Hintf("links: {%s: …}", strings.Join(missing, ": …, "))
				if len(missing) < len(r.ToRs) {
					report.Warning()
				}
			}
		}
	},
}

// LinkTwice finds one interface that leads to two switches.
var LinkTwice = &check.Rule{
	ID: "MG1258", Name: "link-interface-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `a node has one interface towards two switches

A cable has one other end. One of the two sessions never comes up, and the node has half the paths that the site says.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				first := map[string]string{}
				for tn, iface := range byKey(n.Links) {
					if other, ok := first[iface]; ok {
						p.Reportf(site.Join("racks", rn, "nodes", nn, "links", tn), "interface %s of node %s leads to switch %q, and to switch %q as well", iface, nn, tn, other).
							Related(site.Join("racks", rn, "nodes", nn, "links", other), "first used here").
							Hintf("the interface that leads to switch %q", tn)
						continue
					}
					first[iface] = tn
				}
			}
		}
	},
}

// LinkSwitchSystem finds switches whose end of a cable to a node nothing prints.
var LinkSwitchSystem = &check.Rule{
	ID: "MG1280", Name: "unnumbered-switch", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a rack has unnumbered links, and a switch for which meshgen writes no session over a cable to a node

Its file would have the load balancer's sessions alone, between loopback addresses that nothing makes reachable. Both systems
can peer over an interface. EOS wants IPv6 routing for the whole switch before it looks for a neighbor there, and IPv6 on the
port ("ipv6 unicast-routing", "ipv6 enable", "neighbor interface ... peer-group", "next-hop address-family ipv6 originate");
the ports, and what is of the whole switch, are not this site's to change in a file that is one part of a switch's. Neither
system is to be had freely, and nobody has seen such a session come up with a node here.
Source: ipspace.net, Interface EBGP Sessions on Arista EOS (EOS 4.31.2F), 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Fabric.BGP == nil {
			return
		}
		for t := range tors(p.Site) {
			if p.Site.Racks[t.rack].Homing == "unnumbered" && t.ASN != 0 && (t.OS == "eos" || t.OS == "nxos") {
				p.Reportf(t.path+".os", "not supported yet: homing \"unnumbered\" of rack %q with a switch that runs %s", t.rack, t.OS).
					Related(site.Join("racks", t.rack, "homing"), "the homing").Hintf("os: \"frr\" or \"sonic\"")
			}
		}
	},
}

// LinkSubnets finds a rack that has both a network for its nodes and none.
var LinkSubnets = &check.Rule{
	ID: "MG1281", Name: "unnumbered-subnet", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a rack has unnumbered links and a network of its nodes, or a default gateway

Its nodes live on loopback addresses and learn their way out over the links. A network is on no port of the switches,
which would announce it all the same, and nothing answers at the gateway.
Source: RFC 8950; FRR documentation, BGP unnumbered.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing != "unnumbered" {
				continue
			}
			for _, f := range []struct {
				name string
				has  bool
			}{{"subnets", len(r.Subnets) > 0}, {"defaultGateway", len(r.DefaultGateway) > 0}} {
				if f.has {
					p.Reportf(site.Join("racks", rn, f.name), "rack %q has %s, and its links are unnumbered: its nodes live on loopback addresses", rn, f.name).
						Related(site.Join("racks", rn, "homing"), "the homing").Hintf("leave out %s", f.name)
				}
			}
		}
	},
}

// LinksIgnored finds links that nobody reads.
var LinksIgnored = &check.Rule{
	ID: "MG1259", Name: "links-ignored", Severity: diag.Warning, On: check.OnSite,
	Doc: `a node has links of its own in a rack whose homing is not unnumbered

They mean nothing there: its sessions run over the node network, and a cable that is meant to be routed is not.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing == "unnumbered" {
				continue
			}
			for nn, n := range byKey(r.Nodes) {
				if len(n.Links) > 0 {
					p.Reportf(site.Join("racks", rn, "nodes", nn, "links"), "node %s has links (%s), and homing of rack %q is %q", nn, keys(n.Links), rn, r.Homing).
						Related(site.Join("racks", rn, "homing"), "the homing").Hintf("homing: \"unnumbered\", or leave out links")
				}
			}
		}
	},
}
