package verify

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// An accessList is what a switch takes from its uplinks for virtual addresses, whatever its language. What no entry fits
// passes: the languages whose lists end with a denial have to end with a permit.
type accessList struct {
	name    string
	v6      bool
	ports   []string // it is bound to, inbound
	entries []accessEntry
	line    int
	open    bool // the last entry lets everything through
}

// An accessEntry is one entry.
type accessEntry struct {
	permit   bool
	protocol string       // tcp, udp, icmp: of that only the message that a packet is too big; "" for every one
	source   netip.Prefix // everybody: of length 0
	dest     netip.Prefix
	port     uint16
	line     int
}

// everybody is the source of an entry that names none.
func everybody(v6 bool) netip.Prefix {
	if v6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

var accessLine = regexp.MustCompile(`^(permit|deny) (ip|tcp|udp|icmp) (any|host [0-9.]+|[0-9./]+) (host [0-9.]+|[0-9./]+)(?: eq ([1-9][0-9]*)| (unreachable))?$`)

// readAccess adds an entry of EOS or NX-OS to the open list.
func readAccess(r *switchReader, a args) {
	l := r.access
	if n := a.number("seq"); n <= l.seq {
		r.fs.add(r.line, "entry %d does not come behind entry %d", n, l.seq)
	} else {
		l.seq = n
	}
	if l.open {
		r.fs.add(r.line, "everything has passed above")
	}
	switch a["match"] {
	case "permit ip any any":
		l.open = true
		return
	case "permit ip any any fragments":
		return
	}
	m := accessLine.FindStringSubmatch(a["match"])
	if m == nil {
		r.fs.add(r.line, "no entry: %q", a["match"])
		return
	}
	e := accessEntry{permit: m[1] == "permit", protocol: strings.TrimPrefix(m[2], "ip"), line: r.line, source: everybody(false)}
	port, err := strconv.ParseUint("0"+m[5], 10, 16)
	e.port = uint16(port)
	ported := e.protocol == "tcp" || e.protocol == "udp"
	if err != nil || ported != (m[5] != "") || (e.protocol == "icmp") != (m[6] != "") {
		r.fs.add(r.line, "a port or a type does not fit %q", m[2])
	}
	if m[3] != "any" {
		e.source = accessNetwork(r, m[3])
	}
	e.dest = accessNetwork(r, m[4])
	l.entries = append(l.entries, e)
}

func accessNetwork(r *switchReader, s string) netip.Prefix {
	host, single := strings.CutPrefix(s, "host ")
	if single {
		host += "/32"
	}
	p, err := netip.ParsePrefix(host)
	if err != nil || p.Masked() != p || p.Bits() == 0 || !single && p.IsSingleIP() {
		r.fs.add(r.line, "%q is no network, or a host that is not called one", s)
	}
	return p
}

// accessStatements are those of EOS and NX-OS.
func accessStatements(list, bind string) []statement {
	return []statement{
		{rootMode, newShape("ip access-list <name:object>"), list, accessMode, func(r *switchReader, a args) {
			r.once(r.accessList(a["name"]) != nil, "access-list "+a["name"])
			r.access = &openAccess{accessList: &accessList{name: a["name"], line: r.line}}
			r.lists4 = append(r.lists4, r.access.accessList)
		}},
		{accessMode, newShape("<seq:1-4294967295> <match:text>"), list, rootMode, readAccess},
		{interfaceMode, newShape("ip access-group <list:object> in"), bind, rootMode, func(r *switchReader, a args) {
			r.use("access-list", a["list"], r.line)
			r.once(r.port.access != "", "the access list of the port")
			r.port.access = a["list"]
		}},
	}
}

// An openAccess is the list whose entries are read.
type openAccess struct {
	*accessList
	seq int
}

// accessList returns the list of that name, or nil.
func (c *switchConf) accessList(name string) *accessList {
	for _, l := range c.lists4 {
		if l.name == name {
			return l
		}
	}
	return nil
}

// boundLists are the lists of the file with the ports that they are bound to.
func (c *switchConf) boundLists(fs *faults) []*accessList {
	for _, l := range c.lists4 {
		if !l.open {
			fs.add(l.line, "%s does not end with a permit: everything else would be dropped", l.name)
		}
		l.ports = nil
		for _, name := range sortedKeys(c.interfaces) {
			if c.interfaces[name].access == l.name {
				l.ports = append(l.ports, name)
			}
		}
	}
	return c.lists4
}

// uplinkPorts are the interfaces of the sessions with spines.
func (c *switchConf) uplinkPorts() []string {
	var out []string
	for _, p := range c.peers {
		if p.isGroup || !strings.HasPrefix(p.group, objectPrefix(c.site)+"SPINES") {
			continue
		}
		port := p.name
		if !p.isPort() {
			_, port, _ = strings.Cut(p.description, " on ")
		}
		if !slices.Contains(out, port) {
			out = append(out, port)
		}
	}
	slices.Sort(out)
	return out
}

// checkSwitchACLs compares the access lists of the tree with its flows: every flow to an address of a pool is let through,
// nothing else is, and every ToR has the lists on all of its uplinks, or none has.
func checkSwitchACLs(p *pass) {
	flows := p.tree.Lookup("fabric/" + p.releases.Site + "/flows.csv")
	if flows == nil {
		return
	}
	rows := p.flows(flows)
	type tor struct {
		f     *artifact.File
		c     *switchConf
		lists []*accessList
	}
	var tors []tor
	some := false
	for _, c := range p.switches {
		if len(c.uplinkPorts()) == 0 {
			continue
		}
		f := p.tree.Lookup(c.path)
		site, _, ext, _ := fabricFile(c.path)
		t := tor{f: f, c: c}
		var fs faults
		base := strings.TrimSuffix(f.Path(), ext)
		if filter := p.tree.Lookup(base + ".nft"); ext == ".conf" && filter != nil {
			t.f = filter
			t.lists, _ = parseSwitchFilter(site, filter.Bytes())
		} else if db := p.tree.Lookup(f.Path() + ".json"); ext == ".sonic" && db != nil {
			t.f = db
			t.lists = sonicLists(site, db.Bytes(), &fs)
		} else {
			t.lists = c.boundLists(&fs)
		}
		for _, x := range fs {
			p.report(t.f, x.line, ruleFlows, "%s", x.text)
		}
		some = some || len(t.lists) > 0
		tors = append(tors, t)
	}
	if !some {
		return
	}
	for _, t := range tors {
		if len(t.lists) == 0 {
			p.report(t.f, 0, ruleFlows, "no access list on the uplinks, and other switches have one")
			continue
		}
		ports := t.c.uplinkPorts()
		for _, l := range t.lists {
			slices.Sort(l.ports)
			if !slices.Equal(l.ports, ports) {
				p.report(t.f, l.line, ruleFlows, "%s is bound to %v, and the uplinks are %v", l.name, l.ports, ports)
			}
			p.aclAdmits(t.f, l, rows)
		}
		p.aclCovers(t.f, t.c, t.lists)
	}
}

// aclAdmits compares one list with the flows.
func (p *pass) aclAdmits(f *artifact.File, l *accessList, rows []flowRow) {
	var closed []netip.Prefix
	for i, e := range l.entries {
		if e.dest.Addr().Is6() != l.v6 {
			p.report(f, e.line, ruleFlows, "%s is of the other address family", e.dest)
		}
		if !e.permit {
			closed = append(closed, e.dest)
			if e.protocol != "" || e.source.Bits() != 0 {
				p.report(f, e.line, ruleFlows, "a denial of less than everything for %s", e.dest)
			}
		} else if len(closed) > 0 {
			p.report(f, e.line, ruleFlows, "entry %d lets through what has been dropped above, or comes too late", i+1)
		}
	}
	wanted := map[accessEntry]bool{}
	for _, q := range closed {
		wanted[accessEntry{permit: true, protocol: "icmp", source: everybody(l.v6), dest: q}] = true
	}
	for _, r := range rows {
		if r.area == "pods" || r.area == "outside" || r.port == 0 {
			continue
		}
		for _, d := range r.dest {
			inside := func(q netip.Prefix) bool { return q.Bits() <= d.Bits() && q.Contains(d.Addr()) }
			if !d.IsSingleIP() || !slices.ContainsFunc(closed, inside) {
				continue
			}
			for _, s := range r.source {
				if s.Addr().Is6() == l.v6 {
					wanted[accessEntry{permit: true, protocol: r.protocol, source: s, dest: d, port: r.port}] = true
				}
			}
		}
	}
	for _, e := range l.entries {
		line := e.line
		e.line = 0
		if !e.permit {
			continue
		}
		if !wanted[e] {
			p.report(f, line, ruleFlows, "no flow leads from %s to %s by %s port %d, or it stands twice", e.source, e.dest, e.protocol, e.port)
		}
		delete(wanted, e)
	}
	for e := range wanted {
		p.report(f, l.line, ruleFlows, "%s has no entry from %s to %s by %s port %d", l.name, e.source, e.dest, e.protocol, e.port)
	}
}

// aclCovers reports addresses that the switch takes from nodes and that no list closes.
func (p *pass) aclCovers(f *artifact.File, c *switchConf, lists []*accessList) {
	for _, name := range []string{"VIPS", "VIPS_V6", "SITE_VIPS", "SITE_VIPS_V6"} {
		l := c.lists[objectPrefix(c.site)+name]
		if l == nil {
			continue
		}
		for _, e := range l.entries {
			closed := slices.ContainsFunc(lists, func(a *accessList) bool {
				return slices.ContainsFunc(a.entries, func(d accessEntry) bool { return !d.permit && d.dest == e.prefix })
			})
			if !closed {
				p.report(f, 0, ruleFlows, "addresses of %s that no flow leads to are open", e.prefix)
			}
		}
	}
}
