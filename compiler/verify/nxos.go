package verify

import "slices"

// Where the statements of NX-OS were read: what the tests of Cisco's own collection expect (ansible-collections/
// cisco.nxos, tests/unit/modules/network/nxos), the grammar and samples of batfish/batfish (grammar/cisco_nxos), and the
// templates of ipspace/netlab.
const (
	nxosTemplate = "cisco.nxos test_nxos_bgp_templates.py"
	nxosBGP      = "batfish CiscoNxos_bgp.g4, sample nxos_bgp_parsing_temporary"
	nxosList     = "batfish sample nxos_ip_prefix_list; cisco.nxos test_nxos_prefix_lists.py"
	nxosMap      = "batfish sample nxos_route_map; cisco.nxos test_nxos_route_maps.py"
	nxosFeature  = "batfish sample nxos_feature; netlab bgp/nxos.j2, bfd/nxos.j2"
	nxosAccess   = "batfish CiscoNxos_ip_access_list.g4; cisco.nxos test_nxos_acls.py"
	nxosBind     = "batfish CiscoNxos_interface.g4"
	nxosBFD      = "netlab bfd/nxos.j2"
)

// nxos is the language of Cisco NX-OS: a part of the running configuration, two spaces a mode.
var nxos = newDialect(dialect{name: "NX-OS", step: 2, ends: map[string]mode{"exit": closed}}, nxosStatements())

// parseNXOS reads an NX-OS switch file.
func parseNXOS(path, site, hostname string, data []byte) (*switchConf, faults) {
	c := newSwitchConf(path, site, hostname)
	c.features = map[string]bool{}
	fs := nxos.parse(c, data)
	c.explicit = true // a session carries the families that stand under it, and no other
	c.checkNXOS(&fs)
	return c, fs
}

// checkNXOS reports what NX-OS, other than FRR, does not do by itself.
func (c *switchConf) checkNXOS(fs *faults) {
	if c.asn != 0 && !c.features["bgp"] {
		fs.add(c.asnLine, "no \"feature bgp\" above: the switch does not know the line")
	}
	sessions := 0
	for _, p := range c.peers {
		g := c.inherited(p)
		if p.bfd && !c.features["bfd"] {
			fs.add(p.line, "%s uses BFD, and there is no \"feature bfd\"", p.name)
		}
		if p.isGroup {
			continue
		}
		sessions++
		if (p.bfd || g.bfd) && c.interfaceBFD(p, g) == nil {
			fs.add(p.line, "neighbor %s uses BFD, and no interface that it runs over has timers", p.name)
		}
		if p.group == "" {
			fs.add(p.line, "neighbor %s inherits from no template: no address family stands under it, and it never comes up", p.name)
		}
	}
	if sessions > 1 && c.maxPaths < 2 {
		fs.add(c.asnLine, "maximum-paths is not above 1, the default: of several equal paths one would be used")
	}
}

func nxosStatements() []statement {
	return slices.Concat(nxosObjects(), accessStatements(nxosAccess, nxosBind), nxosRouter(), nxosPeer())
}

// nxosObjects are the statements outside of "router bgp".
func nxosObjects() []statement {
	feature := func(r *switchReader, a args) { r.features[a["feature"]] = true }
	list := func(v6 bool) func(*switchReader, args) {
		return func(r *switchReader, a args) { r.addPrefix(a["name"], v6, a) }
	}
	return []statement{
		{rootMode, newShape("feature <feature:bgp|bfd|interface-vlan>"), nxosFeature, rootMode, feature},
		{rootMode, newShape("ip prefix-list <name:object> seq <seq:1-4294967294> <action:permit|deny> <prefix:net4> [eq <eq:1-32>]"), nxosList, rootMode, list(false)},
		{rootMode, newShape("ip prefix-list <name:object> seq <seq:1-4294967294> <action:permit|deny> <prefix:net4> le <le:1-32>"), nxosList, rootMode, list(false)},
		{rootMode, newShape("ipv6 prefix-list <name:object> seq <seq:1-4294967294> <action:permit|deny> <prefix:net6> [eq <eq:1-128>]"), nxosList, rootMode, list(true)},
		{rootMode, newShape("ipv6 prefix-list <name:object> seq <seq:1-4294967294> <action:permit|deny> <prefix:net6> le <le:1-128>"), nxosList, rootMode, list(true)},
		{rootMode, newShape("route-map <name:object> <action:permit|deny> <seq:1-65535>"), nxosMap, routeMapMode, (*switchReader).newClause},
		{routeMapMode, newShape("match ip address prefix-list <list:object>"), nxosMap, rootMode, func(r *switchReader, a args) {
			r.matchList("ipv4", a["list"])
		}},
		{routeMapMode, newShape("match ipv6 address prefix-list <list:object>"), nxosMap, rootMode, func(r *switchReader, a args) {
			r.matchList("ipv6", a["list"])
		}},
		{rootMode, newShape("interface <name:interface>"), nxosBFD, interfaceMode, func(r *switchReader, a args) {
			r.once(r.interfaces[a["name"]] != nil, "interface "+a["name"])
			r.port = &switchInterface{line: r.line}
			r.interfaces[a["name"]] = r.port
		}},
		{interfaceMode, newShape("no ip redirects"), nxosBFD, rootMode, nil},
		{interfaceMode, newShape("no ipv6 redirects"), nxosBFD, rootMode, nil},
		{interfaceMode, newShape("bfd interval <tx:50-999> min_rx <rx:50-999> multiplier <count:1-50>"), nxosBFD, rootMode, func(r *switchReader, a args) {
			r.port.bfd = &bfdTimers{a.number("tx"), a.number("rx"), a.number("count"), r.line}
		}},
	}
}

// nxosRouter are the statements of "router bgp" and of its address families.
func nxosRouter() []statement {
	return []statement{
		{rootMode, newShape("router bgp <as:asn>"), nxosBGP, bgpMode, readRouterBGP},
		{bgpMode, newShape("router-id <id:ip4>"), nxosBGP, rootMode, readRouterID},
		{bgpMode, newShape("no graceful-restart"), nxosBGP, rootMode, func(r *switchReader, _ args) { r.noRestarts = true }},
		{bgpMode, newShape("bestpath as-path multipath-relax"), nxosBGP, rootMode, readRelaxed},
		{bgpMode, newShape("address-family <family:ipv4|ipv6> unicast"), nxosBGP, familyMode, openFamily},
		{familyMode, newShape("maximum-paths <paths:1-64>"), nxosBGP, rootMode, readMaxPaths},
		{familyMode, newShape("network <prefix:net>"), nxosBGP, rootMode, nil},
		{bgpMode, newShape("template peer <group:object>"), nxosBGP, peerMode, func(r *switchReader, a args) { r.member = r.define(a["group"], true) }},
		{bgpMode, newShape("neighbor <peer:ip>"), nxosBGP, peerMode, func(r *switchReader, a args) { r.member = r.define(a["peer"], false) }},
	}
}

// nxosPeer are the statements of a template or a neighbor, and of the address families under it.
func nxosPeer() []statement {
	return []statement{
		{peerMode, newShape("inherit peer <group:object>"), nxosBGP, rootMode, func(r *switchReader, a args) { r.join(r.member, a["group"]) }},
		{peerMode, newShape("remote-as <as:asn>"), nxosTemplate, rootMode, func(r *switchReader, a args) {
			r.once(r.member.remoteAS != 0, "the remote AS of "+r.member.name)
			r.member.remoteAS = a.asn("as")
		}},
		{peerMode, newShape("description <what:text>"), nxosTemplate, rootMode, func(r *switchReader, a args) { r.member.description = a["what"] }},
		{peerMode, newShape("bfd"), nxosTemplate, rootMode, func(r *switchReader, a args) { r.member.bfd = true }},
		{peerMode, newShape("timers <keepalive:1-3600> <hold:3-3600>"), nxosTemplate, rootMode, func(r *switchReader, a args) {
			r.once(r.member.hold != 0, "the timers of "+r.member.name)
			r.member.keepalive, r.member.hold = a.number("keepalive"), a.number("hold")
		}},
		{peerMode, newShape("password 0 <password:password>"), nxosTemplate, rootMode, func(r *switchReader, a args) {
			r.once(r.member.password != "", "the password of "+r.member.name)
			r.member.password = secretMark.FindStringSubmatch(a["password"])[1]
		}},
		{peerMode, newShape("transport connection-mode passive"), nxosTemplate, rootMode, func(r *switchReader, a args) { r.member.passive = true }},
		{peerMode, newShape("ttl-security hops 1"), nxosTemplate, rootMode, func(r *switchReader, a args) { r.member.ttlSecurity = true }},
		{peerMode, newShape("update-source <source:interface>"), nxosTemplate, rootMode, func(r *switchReader, a args) { r.member.source = a["source"] }},
		{peerMode, newShape("address-family <family:ipv4|ipv6> unicast"), nxosTemplate, peerFamilyMode, func(r *switchReader, a args) {
			r.family = a["family"]
			r.member.family(r.family).active = true
		}},
		{peerFamilyMode, newShape("send-community"), nxosTemplate, rootMode, nil},
		{peerFamilyMode, newShape("route-map <map:object> <direction:in|out>"), nxosBGP, rootMode, func(r *switchReader, a args) {
			r.mapOf(r.member, r.family, a)
		}},
		// warning-only is left out: it does not limit.
		{peerFamilyMode, newShape("maximum-prefix <max:1-300000> [<percent:1-100>] [restart <minutes:1-65535>]"), nxosBGP, rootMode, func(r *switchReader, a args) {
			f := r.member.family(r.family)
			r.once(f.maxPrefixes != 0, "maximum-prefix")
			f.maxPrefixes = a.number("max")
		}},
	}
}
