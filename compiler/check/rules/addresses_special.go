package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// special are the ranges that no machine of a site can be reached at.
var special = []struct {
	netip.Prefix
	what string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "\"this network\""},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::/127"), "unspecified or loopback"},
	{netip.MustParsePrefix("::ffff:0:0/96"), "IPv4-mapped"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local, which is withdrawn"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// SpecialAddress finds addresses that mean something else.
var SpecialAddress = &check.Rule{
	ID: "MG1111", Name: "special-address", Severity: diag.Error, On: check.OnSite,
	Doc: `an address is loopback, link-local, multicast, reserved or otherwise no machine's own

Each machine takes such an address for itself, for its own link or for a group: whoever connects to it meets itself, or
nobody.
Source: RFC 6890, the registries of special-purpose addresses; RFC 3879 for site-local.`,
	Run: func(p *check.Pass) {
		for _, a := range addresses(p) {
			switch a.role {
			case roleRouterID, roleExternal: // a number; what another network calls its own
				continue
			}
			var from, to netip.Addr
			if ip, ok := a.single(); ok {
				from, to = ip, ip
			} else if r, ok := addressRange(a.text); ok && !a.filter {
				from, to = r.From(), r.To()
			} else {
				continue
			}
			for _, s := range special {
				link := a.role == roleTorLink || a.role == roleSpineLink
				if link && s.what == "link-local" {
					continue // the ends of a link may well be known there only
				}
				if a.role == roleAPI && from.IsLoopback() {
					break // a proxy on every node
				}
				if s.Contains(from) || s.Contains(to) {
					p.Reportf(a.path, "%s is in %s, which is %s", a.text, s.Prefix, s.what).Hintf("another address: %s cannot be used here", s.Prefix)
					break
				}
			}
		}
	},
}
