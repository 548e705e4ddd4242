package rules

import (
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ExternalNoDestination finds a destination that is nowhere.
var ExternalNoDestination = &check.Rule{
	ID: "MG6161", Name: "external-no-destination", Severity: diag.Error, On: check.OnSite,
	Doc: `a destination outside has neither hosts nor addresses, or no ports

There is nothing to open: services that declare it are refused all the same.
Source: istio.io, ServiceEntry: hosts and ports are required.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			path := site.Join("external", n)
			switch {
			case len(e.Hosts)+len(e.Addresses) == 0:
				p.Reportf(path, "destination %q has neither hosts nor addresses", n).Hintf("hosts: […], or addresses: […]")
			case len(e.Ports) == 0:
				p.Reportf(path, "destination %q has no ports", n).Hintf("ports: https: {port: 443, protocol: \"tls\"}")
			}
		}
	},
}

// ExternalWildcard finds a name pattern where names are not seen.
var ExternalWildcard = &check.Rule{
	ID: "MG6162", Name: "external-wildcard", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination has a name with "*" and a port whose protocol carries no names

A pattern is compared with the name in a request or in the first packet of TLS. tcp and udp carry none, and "*" cannot be
looked up in the DNS: the connection is refused, or everything on that port is let out.
Source: istio.io, ServiceEntry.hosts and resolution.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			for i, h := range e.Hosts {
				if !strings.HasPrefix(h, "*.") {
					continue
				}
				for pn, port := range byKey(e.Ports) {
					if port.Protocol == "tcp" || port.Protocol == "udp" {
						p.Reportf(site.Join("external", n, "hosts", site.Index(i)), "destination %q names %s, and its port %q (%d) speaks %s, which carries no names", n, h, pn, port.Port, port.Protocol).
							Hintf("whole names, or addresses").Related(site.Join("external", n, "ports", pn), "the port")
						break
					}
				}
			}
		}
	},
}

// transport is what carries a protocol of the language.
func transport(protocol string) string {
	if protocol == "udp" {
		return "UDP"
	}
	return "TCP"
}

// ExternalPortTwice finds a port of a destination that is two things.
var ExternalPortTwice = &check.Rule{
	ID: "MG6163", Name: "external-port-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination outside has one port number under two names

A proxy has one place for the port: which of the two protocols it takes there is not defined.
Source: Kubernetes API validation, ServiceSpec.ports: duplicate port; istio.io, ServiceEntry.ports.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			portTwice(p, site.Join("external", n, "ports"), "destination "+quote(n), e.Ports)
		}
	},
}

// portTwice reports ports of one number and transport.
func portTwice(p *check.Pass, path, who string, ports map[string]*site.PlainPort) {
	type key struct {
		port int
		over string
	}
	first := map[key]string{}
	for pn, port := range byKey(ports) {
		k := key{port.Port, transport(port.Protocol)}
		if other, ok := first[k]; ok {
			p.Reportf(path+"."+pn, "port %q of %s is %d over %s (%s), and so is %q (%s)", pn, who, k.port, k.over, port.Protocol, other, ports[other].Protocol).Hintf("another port number for one of the two, or one port for both").
				Related(path+"."+other, "first used here")
			continue
		}
		first[k] = pn
	}
}

// ExternalHostTwice finds one destination under two names.
var ExternalHostTwice = &check.Rule{
	ID: "MG6164", Name: "external-host-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `two destinations outside are one host and port

Who may reach one of them reaches both, and where they differ in protocol or way out, which of the two holds is not
defined.
Source: istio.io, ServiceEntry: entries of one host are merged.`,
	Run: func(p *check.Pass) {
		type key struct {
			target string
			port   int
			over   string
		}
		type owner struct{ name, path string }
		first := map[key]owner{}
		for n, e := range byKey(p.Site.External) {
			reported := false
			look := func(target, path string) {
				for _, port := range byKey(e.Ports) {
					k := key{target, port.Port, transport(port.Protocol)}
					o, ok := first[k]
					if !ok {
						first[k] = owner{n, path}
						continue
					}
					if o.name != n && !reported {
						reported = true
						p.Reportf(path, "destination %q has %s port %d (%s), and so has destination %q", n, target, k.port, k.over, o.name).
							Related(o.path, "first used here").Hintf("one destination, which both kinds of services name")
					}
				}
			}
			for i, h := range e.Hosts {
				look(h, site.Join("external", n, "hosts", site.Index(i)))
			}
			if len(e.Hosts) > 0 {
				continue // hosts on one address are told apart by name
			}
			for i, a := range e.Addresses {
				if ip, err := netip.ParseAddr(a); err == nil {
					look(ip.String(), site.Join("external", n, "addresses", site.Index(i)))
				}
			}
		}
	},
}

// ViaNeedsAddresses finds a way out that cannot be chosen by name.
var ViaNeedsAddresses = &check.Rule{
	ID: "MG6165", Name: "via-needs-addresses", Severity: diag.Error, On: check.OnSite,
	Doc: `a destination is to be reached through an egress gateway, and its addresses are not given

Source addresses are rewritten by networks of the destination: a name says nothing to a packet. Without addresses no
policy can be made, and the traffic leaves with a node's address.
Source: Cilium documentation, CiliumEgressGatewayPolicy.spec.destinationCIDRs.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			g := p.Site.EgressGateways[e.Via]
			if g == nil || len(e.Hosts)+len(e.Addresses) == 0 { // both are findings of their own
				continue
			}
			if len(e.Addresses) == 0 {
				p.Reportf(site.Join("external", n, "via"), "destination %q goes via egress gateway %q and is known by name alone (%s)", n, e.Via, strings.Join(e.Hosts, ", ")).
					Hintf("addresses: the addresses behind the names").Related(site.Join("egressGateways", e.Via), "the egress gateway")
				continue
			}
			from := map[bool]bool{}
			for _, a := range g.Addresses {
				if ip, err := netip.ParseAddr(a); err == nil {
					from[ip.Is4()] = true
				}
			}
			for i, a := range e.Addresses {
				ip, err := netip.ParseAddr(a)
				if err == nil && len(from) > 0 && !from[ip.Is4()] {
					p.Reportf(site.Join("external", n, "addresses", site.Index(i)), "destination %q has address %s, and egress gateway %q has no source address of that family (%s)", n, ip, e.Via, strings.Join(g.Addresses, ", ")).Hintf("an address of that family in egressGateways.%s.addresses; or leave via out", e.Via).
						Related(site.Join("egressGateways", e.Via, "addresses"), "its addresses")
				}
			}
		}
	},
}

// ExternalUnused tells of a destination that nobody calls.
var ExternalUnused = &check.Rule{
	ID: "MG6166", Name: "external-unused", Severity: diag.Note, On: check.OnSite,
	Doc: `no service declares that it reaches a destination outside

Nothing is opened for it; mostly the service that needs it lacks a line in egress.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for s := range services(p.Site) {
			for _, e := range s.Egress {
				used[e] = true
			}
		}
		for n := range byKey(p.Site.External) {
			if !used[n] {
				p.Reportf(site.Join("external", n), "no service declares egress to destination %q", n).Hintf("a service's egress: [%q]", n)
			}
		}
	},
}
