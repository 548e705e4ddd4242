package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// NodeOutsideSubnet finds a node that its rack's switches do not reach.
var NodeOutsideSubnet = &check.Rule{
	ID: "MG1009", Name: "node-outside-subnet", Severity: diag.Error, On: check.OnSite,
	Doc: `a node or switch address lies in none of its rack's subnets

The session between them needs a common subnet: single-hop eBGP does not cross a router.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			var nets []netip.Prefix
			for _, s := range r.Subnets {
				if n, err := netip.ParsePrefix(s); err == nil {
					nets = append(nets, n)
				}
			}
			if len(nets) == 0 {
				continue
			}
			within := func(owner, path string, addresses []string) {
				for _, a := range addresses {
					ip, err := netip.ParseAddr(a)
					if err == nil && !slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(ip) }) {
						p.Reportf(path, "address %s of %s lies in no subnet of rack %q (%s)", a, owner, rn, strings.Join(r.Subnets, ", ")).
							Related(site.Join("racks", rn, "subnets"), "the rack's subnets").
							Hintf("an address out of %s", strings.Join(r.Subnets, " or "))
					}
				}
			}
			for nn, n := range byKey(r.Nodes) {
				within("node "+nn, site.Join("racks", rn, "nodes", nn, "address"), n.Address)
			}
			for tn, t := range byKey(r.ToRs) {
				within("switch "+t.Hostname, site.Join("racks", rn, "tors", tn, "address"), t.Address)
			}
		}
	},
}

// DefaultGateway finds a default gateway that nodes cannot use, or that is a machine's own address.
var DefaultGateway = &check.Rule{
	ID: "MG1012", Name: "default-gateway", Severity: diag.Error, On: check.OnSite,
	Doc: `a rack's default gateway is outside its subnets, or the address of a node, a switch or the API

Nodes reach a gateway in their own subnet only. An address that switches share must not be one of their own: BGP sessions
are with each switch's own address, and one with the shared address would move between two of them.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			for i, text := range r.DefaultGateway {
				path := site.Join("racks", rn, "defaultGateway", site.Index(i))
				gw, err := netip.ParseAddr(text)
				if err != nil {
					continue
				}
				inside := len(r.Subnets) == 0
				for _, s := range r.Subnets {
					n, err := netip.ParsePrefix(s)
					inside = inside || err == nil && n.Contains(gw)
				}
				if !inside {
					p.Reportf(path, "default gateway %s lies in no subnet of rack %q (%s)", text, rn, strings.Join(r.Subnets, ", ")).
						Related(site.Join("racks", rn, "subnets"), "the rack's subnets").
						Hintf("an address out of %s", strings.Join(r.Subnets, " or "))
				}
				taken := func(who, at string, addresses []string) {
					for _, a := range addresses {
						if ip, err := netip.ParseAddr(a); err == nil && ip == gw {
							p.Reportf(path, "default gateway %s of rack %q is the address of %s", text, rn, who).Hintf("defaultGateway: an address of the switches in this network that no machine has").Related(at, "its address")
						}
					}
				}
				taken("the API server", "kubernetes.apiServer.address", []string{p.Site.Kubernetes.APIServer.Address})
				for nn, n := range byKey(r.Nodes) {
					taken("node "+nn, site.Join("racks", rn, "nodes", nn, "address"), n.Address)
				}
				for tn, t := range byKey(r.ToRs) {
					if len(r.ToRs) > 1 { // a single switch is its rack's gateway by itself
						taken("switch "+t.Hostname, site.Join("racks", rn, "tors", tn, "address"), t.Address)
					}
				}
			}
		}
	},
}

// edgesOf lists the network and broadcast addresses of the machines' networks.
func edgesOf(s *site.Site) map[netip.Addr]*span {
	out := map[netip.Addr]*span{}
	spans := metalSpans(s)
	for i := range spans {
		n, err := netip.ParsePrefix(spans[i].text)
		if err != nil {
			continue
		}
		for _, ip := range []netip.Addr{spans[i].From(), spans[i].To()} {
			if atEdge(n, ip) {
				out[ip] = &spans[i]
			}
		}
	}
	return out
}

// SubnetEdgeAddress finds machines on an address that belongs to nobody.
var SubnetEdgeAddress = &check.Rule{
	ID: "MG1112", Name: "subnet-edge-address", Severity: diag.Error, On: check.OnSite,
	Doc: `a machine's address is that of its network itself or of everyone in it

The kernel treats the last address of an IPv4 network as a broadcast and the first of an IPv6 network as any router's:
connections to such a machine fail from some neighbours and not from others.
Source: RFC 1122, section 3.2.1.3; RFC 4291, section 2.6.1.`,
	Run: func(p *check.Pass) {
		edges := edgesOf(p.Site)
		var free *freeAddresses
		for _, a := range addresses(p) {
			ip, ok := a.single()
			if !ok || edges[ip] == nil || a.form == formInterface {
				continue
			}
			switch a.role {
			case roleVIP, roleRouterID, roleSpineLink: // rules of their own, or a number
				continue
			}
			if free == nil {
				free = newFreeAddresses(p.Site)
			}
			r := p.Reportf(a.path, "address %s of %s is the network or the broadcast address of the %s", ip, a.who, edges[ip].who).Related(edges[ip].path, "the network")
			free.hint(r, a.within, ip)
		}
	},
}

// NoCommonSubnet finds nodes and switches that cannot hold a session.
var NoCommonSubnet = &check.Rule{
	ID: "MG1113", Name: "no-common-subnet", Severity: diag.Error, On: check.OnSite,
	Doc: `a node that announces shares no subnet with a switch of its rack that speaks BGP

Single-hop eBGP does not cross a router: the session stays in state Active, and the rack announces nothing to that switch.
Source: RFC 4271, section 5.1.3; RFC 5082.`,
	Run: func(p *check.Pass) {
		if p.Site.Fabric.BGP == nil {
			return
		}
		classes := speakerClasses(p.Site)
		for rn, r := range byKey(p.Site.Racks) {
			if len(r.Subnets) < 2 {
				continue // one subnet: node-outside-subnet; none: loopback addresses
			}
			home := func(addresses []string) []netip.Prefix {
				var out []netip.Prefix
				for _, a := range addresses {
					for _, s := range r.Subnets {
						ip, err1 := netip.ParseAddr(a)
						n, err2 := netip.ParsePrefix(s)
						if err1 == nil && err2 == nil && n.Contains(ip) {
							out = append(out, n)
						}
					}
				}
				return out
			}
			for tn, t := range byKey(r.ToRs) {
				at := home(t.Address)
				if t.ASN == 0 || len(at) == 0 {
					continue
				}
				for nn, n := range byKey(r.Nodes) {
					near := home(n.Address)
					shared := slices.ContainsFunc(near, func(n netip.Prefix) bool { return slices.Contains(at, n) })
					if shared || len(near) == 0 || !slices.Contains(classes, n.Class) {
						continue
					}
					p.Reportf(site.Join("racks", rn, "nodes", nn, "address"), "node %s lives in %s, and switch %s of rack %q in %s: no session between them", nn, near[0], t.Hostname, rn, at[0]).Hintf("an address of the switch in %s, or the node's class out of fabric.bgp.speakers.classes", near[0]).
						Related(site.Join("racks", rn, "tors", tn, "address"), "the switch's address")
				}
			}
		}
	},
}
