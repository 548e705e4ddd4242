package verify

import "strings"

// Where the statements of FRR were read: the user guide in FRRouting/frr, doc/user, of 10.7, and the command strings
// of the daemons, which are narrower. All are accepted by vtysh of 8.4 as well.
const (
	frrBGP    = "doc/user/bgp.rst"
	frrFilter = "doc/user/filter.rst"
	frrMap    = "doc/user/routemap.rst"
	frrBFD    = "doc/user/bfd.rst"
	frrBasic  = "doc/user/basic.rst"
)

// frr is the language of FRR's vtysh: the fragment of an integrated configuration that holds a site's part.
var frr = newDialect(dialect{
	name: "vtysh", step: 1,
	ends:     map[string]mode{"exit": closed, "exit-address-family": familyMode},
	explicit: map[mode]string{familyMode: "exit-address-family"},
}, frrStatements())

// parseFRR reads an FRR switch file.
func parseFRR(path, site, hostname string, data []byte) (*switchConf, faults) {
	c := newSwitchConf(path, site, hostname)
	return c, frr.parse(c, data)
}

func frrStatements() []statement {
	return append(append(frrObjects(), frrRouter()...), frrFamily()...)
}

// frrObjects are the statements outside of "router bgp".
func frrObjects() []statement {
	return []statement{
		{rootMode, newShape("hostname <name:host>"), frrBasic, rootMode, readHostname},
		{rootMode, newShape("bfd"), frrBFD, bfdMode, nil},
		{bfdMode, newShape("profile <name:object>"), frrBFD, bfdProfileMode, func(r *switchReader, a args) {
			r.once(r.bfd[a["name"]] != nil, "BFD profile "+a["name"])
			r.timers = &bfdTimers{transmit: 300, receive: 300, multiplier: 3, line: r.line} // bfdd's defaults
			r.bfd[a["name"]] = r.timers
		}},
		{bfdProfileMode, newShape("transmit-interval <ms:10-60000>"), frrBFD, rootMode, func(r *switchReader, a args) {
			r.timers.transmit = a.number("ms")
		}},
		{bfdProfileMode, newShape("receive-interval <ms:10-60000>"), frrBFD, rootMode, func(r *switchReader, a args) {
			r.timers.receive = a.number("ms")
		}},
		{bfdProfileMode, newShape("detect-multiplier <count:2-255>"), frrBFD, rootMode, func(r *switchReader, a args) {
			r.timers.multiplier = a.number("count")
		}},
		{rootMode, newShape("ip prefix-list <name:object> seq <seq:1-4294967295> <action:permit|deny> <prefix:net4> [ge <ge:1-32>] [le <le:1-32>]"), frrFilter, rootMode, func(r *switchReader, a args) {
			r.addPrefix(a["name"], false, a)
		}},
		{rootMode, newShape("ipv6 prefix-list <name:object> seq <seq:1-4294967295> <action:permit|deny> <prefix:net6> [ge <ge:1-128>] [le <le:1-128>]"), frrFilter, rootMode, func(r *switchReader, a args) {
			r.addPrefix(a["name"], true, a)
		}},
		{rootMode, newShape("ip prefix-list <name:object> description <what:text>"), frrFilter, rootMode, func(r *switchReader, a args) {
			r.openList(a["name"], false)
		}},
		{rootMode, newShape("ipv6 prefix-list <name:object> description <what:text>"), frrFilter, rootMode, func(r *switchReader, a args) {
			r.openList(a["name"], true)
		}},
		{rootMode, newShape("route-map <name:object> <action:permit|deny> <seq:1-65535>"), frrMap, routeMapMode, (*switchReader).newClause},
		{routeMapMode, newShape("description <what:text>"), frrMap, rootMode, nil},
		{routeMapMode, newShape("match ip address prefix-list <list:object>"), frrMap, rootMode, func(r *switchReader, a args) {
			r.matchList("ipv4", a["list"])
		}},
		{routeMapMode, newShape("match ipv6 address prefix-list <list:object>"), frrMap, rootMode, func(r *switchReader, a args) {
			r.matchList("ipv6", a["list"])
		}},
		{routeMapMode, newShape("match interface <interface:interface>"), frrMap, rootMode, func(r *switchReader, a args) {
			r.clause.narrow = true
		}},
		{routeMapMode, newShape("set community <values:text>"), frrMap, rootMode, readCommunities},
		{routeMapMode, newShape("set local-preference <value:0-4294967295>"), frrMap, rootMode, nil},
		{routeMapMode, newShape("set metric <value:0-4294967295>"), frrMap, rootMode, nil},
	}
}

// frrRouter are the statements of "router bgp".
func frrRouter() []statement {
	return []statement{
		{rootMode, newShape("router bgp <as:asn>"), frrBGP, bgpMode, readRouterBGP},
		{bgpMode, newShape("bgp router-id <id:ip4>"), frrBGP, rootMode, readRouterID},
		{bgpMode, newShape("no bgp default ipv4-unicast"), frrBGP, rootMode, readExplicit},
		{bgpMode, newShape("bgp ebgp-requires-policy"), frrBGP, rootMode, nil},
		{bgpMode, newShape("bgp log-neighbor-changes"), frrBGP, rootMode, nil},
		{bgpMode, newShape("bgp bestpath as-path multipath-relax"), frrBGP, rootMode, readRelaxed},
		{bgpMode, newShape("bgp listen limit <peers:1-65535>"), frrBGP, rootMode, nil},
		{bgpMode, newShape("bgp listen range <prefix:net> peer-group <group:object>"), frrBGP, rootMode, func(r *switchReader, a args) {
			r.use("peer-group", a["group"], r.line)
			r.switchConf.listen = append(r.switchConf.listen, listenRange{prefix: a["prefix"], group: a["group"], line: r.line})
		}},
		{bgpMode, newShape("neighbor <group:object> peer-group"), frrBGP, rootMode, func(r *switchReader, a args) { r.define(a["group"], true) }},
		{bgpMode, newShape("neighbor <peer:ip> peer-group <group:object>"), frrBGP, rootMode, func(r *switchReader, a args) {
			p := r.peer(a["peer"])
			if p == nil {
				p = r.define(a["peer"], false)
			}
			r.join(p, a["group"])
		}},
		{bgpMode, newShape("neighbor <port:interface> interface [v6only] peer-group <group:object>"), frrBGP, rootMode, func(r *switchReader, a args) {
			r.join(r.define(a["port"], false), a["group"])
		}},
		{bgpMode, newShape("neighbor <port:interface> interface [v6only] remote-as <as:asn>"), frrBGP, rootMode, func(r *switchReader, a args) {
			r.define(a["port"], false).remoteAS = a.asn("as")
		}},
		{bgpMode, newShape("neighbor <peer:peer> remote-as <as:asn>"), frrBGP, rootMode, readRemoteAS},
		{bgpMode, newShape("neighbor <peer:peer> remote-as external"), frrBGP, rootMode, readRemoteAS},
		{bgpMode, newShape("neighbor <peer:peer> description <what:text>"), frrBGP, rootMode, readDescription},
		{bgpMode, newShape("neighbor <peer:peer> bfd"), frrBGP, rootMode, func(r *switchReader, a args) { r.known(a).bfd = true }},
		{bgpMode, newShape("neighbor <peer:peer> bfd profile <profile:object>"), frrBFD, rootMode, func(r *switchReader, a args) {
			p := r.known(a)
			p.bfd, p.bfdProfile = true, a["profile"]
			r.use("BFD profile", a["profile"], r.line)
		}},
		{bgpMode, newShape("neighbor <peer:peer> timers <keepalive:1-65535> <hold:3-65535>"), frrBGP, rootMode, readTimers},
		{bgpMode, newShape("neighbor <peer:peer> timers connect <seconds:1-65535>"), frrBGP, rootMode, readKnown},
		{bgpMode, newShape("neighbor <peer:peer> advertisement-interval <seconds:0-600>"), frrBGP, rootMode, readKnown},
		{bgpMode, newShape("neighbor <peer:peer> password <password:password>"), frrBGP, rootMode, readPassword},
		{bgpMode, newShape("neighbor <peer:peer> passive"), frrBGP, rootMode, readPassive},
		{bgpMode, newShape("neighbor <peer:peer> update-source <source:ip>"), frrBGP, rootMode, readSource},
		{bgpMode, newShape("neighbor <peer:peer> update-source <source:interface>"), frrBGP, rootMode, readSource},
		{bgpMode, newShape("neighbor <peer:peer> ebgp-multihop <hops:2-255>"), frrBGP, rootMode, func(r *switchReader, a args) { r.known(a).multihop = true }},
		{bgpMode, newShape("neighbor <peer:peer> ttl-security hops 1"), frrBGP, rootMode, readTTLSecurity},
		{bgpMode, newShape("neighbor <peer:peer> graceful-restart-disable"), frrBGP, rootMode, func(r *switchReader, a args) {
			if p := r.known(a); !p.isGroup { // members do not inherit it
				p.noRestart = true
			}
		}},
		{bgpMode, newShape("bgp graceful-restart stalepath-time <seconds:1-4095>"), frrBGP, rootMode, func(r *switchReader, a args) { r.stalePath = a.number("seconds") }},
		{bgpMode, newShape("no bgp graceful-restart notification"), frrBGP, rootMode, func(r *switchReader, _ args) { r.holdEnds = true }},
		{bgpMode, newShape("neighbor <peer:peer> capability extended-nexthop"), frrBGP, rootMode, readKnown},
		{bgpMode, newShape("address-family <family:ipv4|ipv6> unicast"), frrBGP, familyMode, openFamily},
	}
}

// frrFamily are the statements of an address family.
func frrFamily() []statement {
	return []statement{
		{familyMode, newShape("neighbor <peer:peer> activate"), frrBGP, rootMode, readActivate},
		{familyMode, newShape("neighbor <peer:peer> route-map <map:object> <direction:in|out>"), frrBGP, rootMode, func(r *switchReader, a args) {
			r.mapOf(r.known(a), r.family, a)
		}},
		// warning-only is left out: it does not limit. force would count what the route-map refuses.
		{familyMode, newShape("neighbor <peer:peer> maximum-prefix <max:1-4294967295> [<percent:1-100>] [restart <minutes:1-65535>]"), frrBGP, rootMode, func(r *switchReader, a args) {
			f := r.known(a).family(r.family)
			r.once(f.maxPrefixes != 0, "maximum-prefix")
			f.maxPrefixes = a.number("max")
		}},
		{familyMode, newShape("neighbor <peer:peer> default-originate"), frrBGP, rootMode, func(r *switchReader, a args) {
			r.known(a).family(r.family).wayOut = true
		}},
		{familyMode, newShape("neighbor <peer:peer> soft-reconfiguration inbound"), frrBGP, rootMode, readKnown},
		{familyMode, newShape("neighbor <peer:peer> send-community [<kind:both|all|standard|extended|large>]"), frrBGP, rootMode, readKnown},
		{familyMode, newShape("no neighbor <peer:peer> send-community [<kind:both|all|standard|extended|large>]"), frrBGP, rootMode, readKnown},
		{familyMode, newShape("neighbor <peer:peer> next-hop-self"), frrBGP, rootMode, readKnown},
		{familyMode, newShape("network <prefix:net>"), frrBGP, rootMode, func(r *switchReader, a args) {
			r.networks = append(r.networks, a["prefix"])
		}},
		{familyMode, newShape("network <prefix:net> route-map <map:object>"), frrBGP, rootMode, readUsedMap},
		{familyMode, newShape("redistribute connected route-map <map:object>"), frrBGP, rootMode, readUsedMap},
		{familyMode, newShape("maximum-paths <paths:1-256>"), frrBGP, rootMode, readMaxPaths},
	}
}

// What both languages read alike.

func readHostname(r *switchReader, a args) {
	if a["name"] != r.hostname {
		r.fs.add(r.line, "hostname %s in the file of %s", a["name"], r.hostname)
	}
}

func readRouterBGP(r *switchReader, a args) {
	r.once(r.asn != 0, "router bgp")
	r.asn, r.asnLine = a.asn("as"), r.line
}

func readRouterID(r *switchReader, a args) {
	r.once(r.routerID != "", "the router ID")
	r.routerID, r.routerIDLine = a["id"], r.line
}

func readPassive(r *switchReader, a args) { r.known(a).passive = true }

func readTTLSecurity(r *switchReader, a args) { r.known(a).ttlSecurity = true }

func readExplicit(r *switchReader, _ args) { r.explicit = true }

func readRelaxed(r *switchReader, _ args) { r.relaxed = true }

func readMaxPaths(r *switchReader, a args) { r.maxPaths = a.number("paths") }

func readCommunities(r *switchReader, a args) {
	for w := range strings.SplitSeq(strings.TrimSuffix(a["values"], " additive"), " ") {
		if !isCommunity(w) {
			r.fs.add(r.line, "%q is not a community", w)
		}
	}
}

func readKnown(r *switchReader, a args) { r.known(a) }

func readRemoteAS(r *switchReader, a args) {
	p := r.peer(a["peer"])
	if p == nil && isAddr(a["peer"]) {
		p = r.define(a["peer"], false)
	} else if p == nil {
		p = r.known(a)
	}
	r.once(p.remoteAS != 0 || p.external, "the remote AS of "+p.name)
	if a["as"] == "" {
		p.external = true
	} else {
		p.remoteAS = a.asn("as")
	}
}

func readDescription(r *switchReader, a args) { r.known(a).description = a["what"] }

func readTimers(r *switchReader, a args) {
	p := r.known(a)
	r.once(p.hold != 0, "the timers of "+p.name)
	p.keepalive, p.hold = a.number("keepalive"), a.number("hold")
}

func readPassword(r *switchReader, a args) {
	p := r.known(a)
	r.once(p.password != "", "the password of "+p.name)
	p.password = secretMark.FindStringSubmatch(a["password"])[1]
}

func readSource(r *switchReader, a args) { r.known(a).source = a["source"] }

func openFamily(r *switchReader, a args) { r.family = a["family"] }

func readActivate(r *switchReader, a args) { r.known(a).family(r.family).active = true }

func readUsedMap(r *switchReader, a args) { r.use("route-map", a["map"], r.line) }
