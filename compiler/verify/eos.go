package verify

import "slices"

// Where the statements of EOS were read: the configurations that Arista's own collection generates and tests
// (aristanetworks/avd, molecule/eos_cli_config_gen/intended/configs), and Arista's manual.
const (
	eosBGP       = "avd router-bgp-base.cfg"
	eosPeers     = "avd router-bgp-v4-v6-evpn.cfg"
	eosFilter    = "avd peer-filters.cfg"
	eosList      = "avd prefix-lists.cfg"
	eosMap       = "avd route-maps.cfg"
	eosAccess    = "avd ip-access-lists.cfg"
	eosResilient = "Arista EOS User Manual, IPv4, Resilient ECMP"
	eosBFD       = "avd router-bfd-1.cfg"
	eosPort      = "avd ethernet-interfaces.cfg"
	eosManual    = "Arista EOS User Manual, Border Gateway Protocol"
)

// eos is the language of Arista EOS: a fragment for a configuration session.
var eos = newDialect(dialect{name: "EOS", step: 3, ends: map[string]mode{"exit": closed}}, eosStatements())

// parseEOS reads an EOS switch file.
func parseEOS(path, site, hostname string, data []byte) (*switchConf, faults) {
	c := newSwitchConf(path, site, hostname)
	fs := eos.parse(c, data)
	c.relaxed = true // EOS's default
	for _, p := range c.peers {
		p.spread()
	}
	c.checkEOS(&fs)
	return c, fs
}

// checkEOS reports what EOS, other than FRR, does not do by itself.
func (c *switchConf) checkEOS(fs *faults) {
	sessions := len(c.listen)
	for _, p := range c.peers {
		if p.isGroup {
			continue
		}
		sessions++
		f := c.inherited(p).families["ipv4"]
		if p.isPort() && f != nil && f.active && !f.overV6 {
			fs.add(p.line, "neighbor %s has no IPv4 address, and its group does not send IPv4 routes with IPv6 next hops", p.name)
		}
	}
	c.checkResilience(fs)
	if sessions > 1 && c.maxPaths < 2 {
		fs.add(c.asnLine, "maximum-paths is not above 1, the default: of several equal paths one would be used")
	}
}

// anyFamily is what EOS keeps at the neighbor for all address families.
const anyFamily = "any"

// spread gives the families of a peer what is set for all of them.
func (p *switchPeer) spread() {
	all := p.families[anyFamily]
	delete(p.families, anyFamily)
	for _, f := range p.families {
		f.maxPrefixes = p.maxRoutes
		if all == nil {
			continue
		}
		if f.in == "" {
			f.in = all.in
		}
		if f.out == "" {
			f.out = all.out
		}
	}
}

func eosStatements() []statement {
	return slices.Concat(eosObjects(), accessStatements(eosAccess, eosPort), eosRouter(), eosFamily())
}

// eosObjects are the statements outside of "router bgp".
func eosObjects() []statement {
	readTimers := func(r *switchReader, a args) {
		r.port.bfd = &bfdTimers{a.number("tx"), a.number("rx"), a.number("count"), r.line}
	}
	return []statement{
		{rootMode, newShape("hostname <name:host>"), eosManual, rootMode, readHostname},
		{rootMode, newShape("service routing protocols model multi-agent"), eosManual, rootMode, nil},
		{rootMode, newShape("ip routing"), eosManual, rootMode, nil},
		{rootMode, newShape("ip routing ipv6 interfaces"), eosManual, rootMode, nil},
		{rootMode, newShape("ipv6 unicast-routing"), eosManual, rootMode, nil},
		{rootMode, newShape("peer-filter <name:object>"), eosFilter, peerFilterMode, func(r *switchReader, a args) {
			r.once(r.filters[a["name"]] != nil, "peer-filter "+a["name"])
			r.filter = &peerFilter{line: r.line}
			r.filters[a["name"]] = r.filter
		}},
		{peerFilterMode, newShape("<seq:1-65535> match as-range <as:asn> result <result:accept|reject>"), eosFilter, rootMode, func(r *switchReader, a args) {
			r.filter.rules = append(r.filter.rules, asRule{a.asn("as"), a["result"] == "accept"})
		}},
		{rootMode, newShape("ip prefix-list <name:object> seq <seq:0-65535> <action:permit|deny> <prefix:net4> [ge <ge:1-32>] [le <le:1-32>]"), eosManual, rootMode, func(r *switchReader, a args) {
			r.addPrefix(a["name"], false, a)
		}},
		{rootMode, newShape("ip prefix-list <name:object>"), eosList, prefixListMode, func(r *switchReader, a args) {
			r.list = r.openList(a["name"], false)
		}},
		{rootMode, newShape("ipv6 prefix-list <name:object>"), eosList, prefixListMode, func(r *switchReader, a args) {
			r.list = r.openList(a["name"], true)
		}},
		{prefixListMode, newShape("seq <seq:1-65535> <action:permit|deny> <prefix:net> eq <eq:1-128>"), eosList, rootMode, readListEntry},
		{prefixListMode, newShape("seq <seq:1-65535> <action:permit|deny> <prefix:net> [ge <ge:1-128>] [le <le:1-128>]"), eosManual, rootMode, readListEntry},
		// An entry of yesterday has no other way out than that its list is removed and built anew.
		{rootMode, newShape("no ip prefix-list <name:object>"), eosManual, rootMode, func(r *switchReader, a args) { r.remove("prefix-list", a["name"], r.lists[a["name"]] != nil) }},
		{rootMode, newShape("no ipv6 prefix-list <name:object>"), eosManual, rootMode, func(r *switchReader, a args) { r.remove("prefix-list", a["name"], r.lists[a["name"]] != nil) }},
		{rootMode, newShape("no route-map <name:object>"), eosManual, rootMode, func(r *switchReader, a args) { r.remove("route-map", a["name"], r.maps[a["name"]] != nil) }},
		{rootMode, newShape("no ip access-list <name:object>"), "cisco.nxos test_nxos_acls.py; arista.eos test_eos_acls.py", rootMode, func(r *switchReader, a args) { r.remove("access-list", a["name"], r.accessList(a["name"]) != nil) }},
		{rootMode, newShape("route-map <name:object> <action:permit|deny> <seq:1-16777215>"), eosMap, routeMapMode, (*switchReader).newClause},
		{routeMapMode, newShape("description <what:text>"), eosMap, rootMode, nil},
		{routeMapMode, newShape("match ip address prefix-list <list:object>"), eosMap, rootMode, func(r *switchReader, a args) {
			r.matchList("ipv4", a["list"])
		}},
		{routeMapMode, newShape("match ipv6 address prefix-list <list:object>"), eosMap, rootMode, func(r *switchReader, a args) {
			r.matchList("ipv6", a["list"])
		}},
		{routeMapMode, newShape("match interface <interface:interface>"), eosManual, rootMode, func(r *switchReader, a args) {
			r.clause.narrow = true
		}},
		{routeMapMode, newShape("set community <values:text>"), eosMap, rootMode, readCommunities},
		{routeMapMode, newShape("set local-preference <value:0-4294967295>"), eosManual, rootMode, nil},
		{routeMapMode, newShape("set metric <value:0-4294967295>"), eosManual, rootMode, nil},
		{rootMode, newShape("ip hardware fib ecmp resilience <prefix:net4> capacity <hops:2-64> redundancy <copies:1-16>"), eosResilient, rootMode, readResilience},
		{rootMode, newShape("interface <name:interface>"), eosPort, interfaceMode, func(r *switchReader, a args) {
			r.once(r.interfaces[a["name"]] != nil, "interface "+a["name"])
			r.port = &switchInterface{line: r.line}
			r.interfaces[a["name"]] = r.port
		}},
		{interfaceMode, newShape("description <what:text>"), eosPort, rootMode, nil},
		{interfaceMode, newShape("no switchport"), eosPort, rootMode, nil},
		{interfaceMode, newShape("ipv6 enable"), eosPort, rootMode, nil},
		{interfaceMode, newShape("bfd interval <tx:50-60000> min-rx <rx:50-60000> multiplier <count:3-50>"), eosPort, rootMode, readTimers},
		{rootMode, newShape("router bfd"), eosBFD, routerBFDMode, nil},
		{routerBFDMode, newShape("interval <tx:50-60000> min-rx <rx:50-60000> multiplier <count:3-50> default"), eosBFD, rootMode, func(r *switchReader, a args) {
			r.bfdDefault = &bfdTimers{a.number("tx"), a.number("rx"), a.number("count"), r.line}
		}},
	}
}

func readListEntry(r *switchReader, a args) {
	e := newPrefixEntry(r.line, a.number("seq"), a["action"] == "permit", a["prefix"], a.number("ge"), a.number("le"), a.number("eq"))
	if e.prefix.Addr().Is6() != r.list.v6 {
		r.fs.add(r.line, "%s is not of the list's address family", a["prefix"])
	}
	r.list.entries = append(r.list.entries, e)
}

// eosRouter are the statements of "router bgp".
func eosRouter() []statement {
	listen := func(r *switchReader, a args) {
		r.use("peer-group", a["group"], r.line)
		l := listenRange{prefix: a["prefix"], group: a["group"], remoteAS: a.asn("as"), line: r.line}
		if f := r.useFilter(a); f != nil && l.remoteAS == 0 {
			l.remoteAS = f.only()
		}
		r.switchConf.listen = append(r.switchConf.listen, l)
	}
	port := func(r *switchReader, a args) {
		p := r.define(a["port"], false)
		r.join(p, a["group"])
		p.remoteAS = a.asn("as")
		if f := r.useFilter(a); f != nil {
			p.remoteAS = f.only()
		}
	}
	return []statement{
		{rootMode, newShape("router bgp <as:asn>"), eosBGP, bgpMode, readRouterBGP},
		{bgpMode, newShape("router-id <id:ip4>"), eosBGP, rootMode, readRouterID},
		{bgpMode, newShape("no bgp default ipv4-unicast"), eosBGP, rootMode, readExplicit},
		{bgpMode, newShape("maximum-paths <paths:1-600> [ecmp <ecmp:1-600>]"), eosBGP, rootMode, readMaxPaths},
		{bgpMode, newShape("bgp log-neighbor-changes"), eosManual, rootMode, nil},
		{bgpMode, newShape("bgp bestpath as-path multipath-relax"), eosManual, rootMode, readRelaxed},
		{bgpMode, newShape("bgp listen range <prefix:net> peer-group <group:object> remote-as <as:asn>"), eosBGP, rootMode, listen},
		{bgpMode, newShape("bgp listen range <prefix:net> peer-group <group:object> peer-filter <filter:object>"), eosBGP, rootMode, listen},
		{bgpMode, newShape("neighbor interface <port:interface> peer-group <group:object>"), "netlab bgp/eos.macro.j2", rootMode, port},
		{bgpMode, newShape("neighbor interface <port:interface> peer-group <group:object> remote-as <as:asn>"), eosBGP, rootMode, port},
		{bgpMode, newShape("neighbor interface <port:interface> peer-group <group:object> peer-filter <filter:object>"), eosBGP, rootMode, port},
		{bgpMode, newShape("neighbor <group:object> peer group"), eosBGP, rootMode, func(r *switchReader, a args) { r.define(a["group"], true) }},
		{bgpMode, newShape("neighbor <peer:ip> peer group <group:object>"), eosPeers, rootMode, func(r *switchReader, a args) {
			p := r.peer(a["peer"])
			if p == nil {
				p = r.define(a["peer"], false)
			}
			r.join(p, a["group"])
		}},
		{bgpMode, newShape("neighbor <peer:peer> remote-as <as:asn>"), eosBGP, rootMode, readRemoteAS},
		{bgpMode, newShape("neighbor <peer:peer> description <what:text>"), eosBGP, rootMode, readDescription},
		{bgpMode, newShape("neighbor <peer:peer> bfd"), eosBGP, rootMode, func(r *switchReader, a args) { r.known(a).bfd = true }},
		{bgpMode, newShape("neighbor <peer:peer> bfd interval <tx:50-60000> min-rx <rx:50-60000> multiplier <count:3-50>"), eosBGP, rootMode, func(r *switchReader, a args) {
			r.known(a).bfdTimers = &bfdTimers{a.number("tx"), a.number("rx"), a.number("count"), r.line}
		}},
		{bgpMode, newShape("neighbor <peer:peer> timers <keepalive:1-3600> <hold:3-7200>"), eosBGP, rootMode, readTimers},
		{bgpMode, newShape("neighbor <peer:peer> password [0] <password:password>"), eosPeers, rootMode, readPassword},
		{bgpMode, newShape("no neighbor <peer:peer> graceful-restart-helper"), eosPeers, rootMode, func(r *switchReader, a args) { r.known(a).noRestart = true }},
		{bgpMode, newShape("neighbor <peer:peer> passive"), eosBGP, rootMode, readPassive},
		{bgpMode, newShape("neighbor <peer:peer> update-source <source:interface>"), eosPeers, rootMode, readSource},
		{bgpMode, newShape("neighbor <peer:peer> ebgp-multihop <hops:2-255>"), eosBGP, rootMode, func(r *switchReader, a args) { r.known(a).multihop = true }},
		{bgpMode, newShape("neighbor <peer:peer> ttl maximum-hops 1"), eosBGP, rootMode, readTTLSecurity},
		{bgpMode, newShape("neighbor <peer:peer> send-community [<kind:standard|extended|large>]"), eosBGP, rootMode, readKnown},
		{bgpMode, newShape("neighbor <peer:peer> next-hop-self"), eosPeers, rootMode, readKnown},
		// 0 would lift the limit, warning-only would not enforce it.
		{bgpMode, newShape("neighbor <peer:peer> maximum-routes <max:1-4294967294> [warning-limit <limit:1-100> percent]"), eosBGP, rootMode, func(r *switchReader, a args) {
			p := r.known(a)
			r.once(p.maxRoutes != 0, "maximum-routes")
			p.maxRoutes = a.number("max")
		}},
		{bgpMode, newShape("neighbor <peer:peer> idle-restart-timer <seconds:60-4294967295>"), eosManual, rootMode, readKnown},
		{bgpMode, newShape("neighbor <peer:peer> route-map <map:object> <direction:in|out>"), eosManual, rootMode, func(r *switchReader, a args) {
			r.mapOf(r.known(a), anyFamily, a)
		}},
		{bgpMode, newShape("address-family <family:ipv4|ipv6>"), eosBGP, familyMode, openFamily},
	}
}

// eosFamily are the statements of an address family.
func eosFamily() []statement {
	return []statement{
		{familyMode, newShape("neighbor <peer:peer> activate"), eosPeers, rootMode, readActivate},
		{familyMode, newShape("neighbor <peer:peer> route-map <map:object> <direction:in|out>"), eosPeers, rootMode, func(r *switchReader, a args) {
			r.mapOf(r.known(a), r.family, a)
		}},
		{familyMode, newShape("neighbor <peer:peer> next-hop address-family ipv6 originate"), "avd router-bgp-evpn.cfg", rootMode, func(r *switchReader, a args) {
			r.known(a).family(r.family).overV6 = true
		}},
		{familyMode, newShape("network <prefix:net>"), eosBGP, rootMode, nil},
		{familyMode, newShape("network <prefix:net> route-map <map:object>"), eosBGP, rootMode, readUsedMap},
		{familyMode, newShape("redistribute connected route-map <map:object>"), eosBGP, rootMode, readUsedMap},
	}
}

// useFilter notes the peer-filter of a statement and returns it when it is defined above.
func (r *switchReader) useFilter(a args) *peerFilter {
	if a["filter"] == "" {
		return nil
	}
	r.use("peer-filter", a["filter"], r.line)
	return r.filters[a["filter"]]
}

// only returns the one AS that the filter accepts, or 0 when it accepts another number of them.
func (f *peerFilter) only() uint32 {
	var asn uint32
	for _, rule := range f.rules {
		if !rule.accept {
			continue
		}
		if asn != 0 {
			return 0
		}
		asn = rule.asn
	}
	return asn
}
