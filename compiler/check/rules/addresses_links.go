package rules

import (
	"fmt"
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// linkSpans are the networks of numbered links.
func linkSpans(s *site.Site) []span {
	var out []span
	for u := range uplinks(s) {
		for _, text := range u.Address {
			n, err := netip.ParsePrefix(text)
			if err != nil {
				continue
			}
			net := n.Masked().String()
			out = addSpan(out, span{kind: spanLink, text: net, owner: u.from.Hostname, peer: u.Spine,
				who: fmt.Sprintf("link %s of switch %s to spine %q", net, u.from.Hostname, u.Spine), path: u.path + ".address"})
		}
	}
	return out
}

// linksClash reports whether two links may not overlap: a segment with several switches and one spine is the same network
// on each of them.
func linksClash(a, b *span) bool {
	return a.owner == b.owner || a.peer != b.peer || a.IPRange != b.IPRange
}

// LinkEnds finds links whose ends do not meet.
var LinkEnds = &check.Rule{
	ID: "MG1120", Name: "link-ends", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the two addresses of a link are not two hosts of one network

The session between the switches never comes up: each end looks for its peer behind a router, and single-hop eBGP does
not cross one.
Source: RFC 4271, section 5.1.3; RFC 3021 and RFC 6164 for links of two addresses.`,
	Run: func(p *check.Pass) {
		for u := range uplinks(p.Site) {
			if len(u.Address) != len(u.PeerAddress) {
				continue // unknown-spine says so
			}
			for i := range u.Address {
				own, err1 := netip.ParsePrefix(u.Address[i])
				peer, err2 := netip.ParseAddr(u.PeerAddress[i])
				if err1 == nil && err2 == nil {
					linkEnds(p, u, own, peer)
				}
			}
		}
	},
}

func linkEnds(p *check.Pass, u uplink, own netip.Prefix, peer netip.Addr) {
	at, other := u.path+".address", u.path+".peerAddress"
	switch {
	case own.Addr() == peer:
		p.Reportf(other, "both ends of the link of %s to spine %q have address %s", u.from.Hostname, u.Spine, peer).Hintf("two addresses of one network: 10.10.200.0/31 at one end, 10.10.200.1 at the other").Related(at, "the switch's end")
	case own.Addr().Is4() != peer.Is4():
		p.Reportf(other, "the link of %s to spine %q is %s at one end and %s at the other: two address families", u.from.Hostname, u.Spine, own, peer).
			Hintf("list the families in one order at both ends").Related(at, "the switch's end")
	case !own.Contains(peer):
		r := p.Reportf(other, "the spine's end %s of the link of %s to spine %q is not in the network of the switch's end, %s", peer, u.from.Hostname, u.Spine, own).
			Related(at, "the switch's end")
		if next, ok := otherEnd(own); ok {
			r.Hintf("the other address of %s is %s", own.Masked(), next)
		} else {
			r.Hintf("an address of %s", own.Masked())
		}
	case atEdge(own, own.Addr()):
		p.Reportf(at, "address %s of switch %s on the link to spine %q is that of the network itself, or of everyone in it", own, u.from.Hostname, u.Spine).Hintf("another address of %s; a network of two, a /%d, has neither", own.Masked(), own.Addr().BitLen()-1)
	case atEdge(own, peer):
		p.Reportf(other, "address %s of spine %q on the link of %s is that of the network %s itself, or of everyone in it", peer, u.Spine, u.from.Hostname, own.Masked()).Hintf("another address of %s; a network of two, a /%d, has neither", own.Masked(), own.Addr().BitLen()-1).
			Related(at, "the switch's end")
	}
}

// otherEnd is the second host of a network of two.
func otherEnd(n netip.Prefix) (netip.Addr, bool) {
	if n.Bits() < n.Addr().BitLen()-2 || n.Bits() == n.Addr().BitLen() {
		return netip.Addr{}, false
	}
	for ip := n.Masked().Addr(); n.Contains(ip); ip = ip.Next() {
		if ip != n.Addr() && !atEdge(n, ip) {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// LinkInterfaceTwice finds two links on one interface.
var LinkInterfaceTwice = &check.Rule{
	ID: "MG1121", Name: "link-interface-used-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `two links use one interface of a switch

A cable has two ends: one of the two links does not exist, and its session stays down without anybody missing it until
the other one fails.
Source: RFC 7938, section 5.2.1: one session a link.`,
	Run: func(p *check.Pass) {
		type port struct{ device, name string }
		first := map[port]string{}
		see := func(device, who, name, path string) {
			if name == "" {
				return
			}
			at := port{device, name}
			if other, ok := first[at]; ok {
				p.Reportf(path, "interface %s of %s already has another link", name, who).Related(other, "first used here").
					Hintf("an interface for each link")
				return
			}
			first[at] = path
		}
		for u := range uplinks(p.Site) {
			see("tor "+u.from.Hostname, "switch "+u.from.Hostname, u.Interface, u.path+".interface")
			see("spine "+u.Spine, fmt.Sprintf("spine %q", u.Spine), u.PeerInterface, u.path+".peerInterface")
		}
	},
}
