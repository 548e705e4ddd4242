package verify

import (
	"net/netip"

	"go4.org/netipx"
)

// A prefixList is an ordered list of prefixes; the first entry that covers a route decides, and what no entry covers is
// denied.
type prefixList struct {
	line    int
	v6      bool
	entries []prefixEntry
}

// A prefixEntry covers the routes within prefix whose length is from least to most.
type prefixEntry struct {
	line, seq   int
	permit      bool
	prefix      netip.Prefix
	least, most int
}

// newPrefixEntry reads the bounds as FRR and EOS do: neither given is the length itself, "ge" alone reaches to host
// routes, "le" alone begins at the length itself, EOS's "eq" is both. 0 stands for not given.
func newPrefixEntry(line, seq int, permit bool, prefix string, ge, le, eq int) prefixEntry {
	p := netip.MustParsePrefix(prefix) // its type has accepted it
	e := prefixEntry{line: line, seq: seq, permit: permit, prefix: p, least: p.Bits(), most: p.Bits()}
	switch {
	case eq != 0:
		e.least, e.most = eq, eq
	case ge != 0 && le != 0:
		e.least, e.most = ge, le
	case ge != 0:
		e.least, e.most = ge, p.Addr().BitLen()
	case le != 0:
		e.most = le
	}
	return e
}

func (l *prefixList) check(name string, fs *faults) {
	if len(l.entries) == 0 {
		fs.add(l.line, "prefix-list %s has no entry", name)
	}
	last := 0
	for _, e := range l.entries {
		if e.seq <= last {
			fs.add(e.line, "prefix-list %s: seq %d does not come after %d", name, e.seq, last)
		}
		last = e.seq
		if e.least < e.prefix.Bits() || e.least > e.most || e.most > e.prefix.Addr().BitLen() {
			fs.add(e.line, "prefix-list %s: lengths %d to %d within %s: need length <= ge <= le", name, e.least, e.most, e.prefix)
		}
	}
}

// permits returns the addresses of within whose routes of the given length the list permits.
func (l *prefixList) permits(within *netipx.IPSet, length int) *netipx.IPSet {
	rest := within
	var out netipx.IPSetBuilder
	for _, e := range l.entries {
		if length < e.least || length > e.most || length < e.prefix.Bits() {
			continue
		}
		if e.permit {
			out.AddSet(intersect(rest, prefixSet(e.prefix)))
		}
		rest = subtract(rest, prefixSet(e.prefix))
	}
	return mustSet(&out)
}

// A routeMap is an ordered list of clauses; the first whose matches all hold decides, and what none takes is denied.
type routeMap struct {
	line    int
	clauses []*routeClause
}

// A routeClause is one clause. A family without a list in a clause that lists the other one is not matched.
type routeClause struct {
	line, seq int
	permit    bool
	lists     map[string]string // prefix-list by address family, "ipv4" or "ipv6"
	narrow    bool              // it also matches on something that is no prefix
}

func (m *routeMap) check(name string, fs *faults) {
	last := 0
	for i, cl := range m.clauses {
		if cl.seq <= last {
			fs.add(cl.line, "route-map %s: clause %d does not come after %d", name, cl.seq, last)
		}
		last = cl.seq
		if i < len(m.clauses)-1 && len(cl.lists) == 0 && !cl.narrow {
			fs.add(cl.line, "route-map %s: clause %d takes every route, and the clauses after it are never reached", name, cl.seq)
		}
	}
}

// An admission is a question to the policy of a switch: the routes of which addresses does a route map permit?
type admission struct {
	routeMap, family string
	length           int
}

// admits returns the addresses whose routes of the given length the map permits for an address family. A clause that
// matches on more than prefixes is taken as if it did not.
func (c *switchConf) admits(name, family string, length int) *netipx.IPSet {
	key := admission{name, family, length}
	set := c.admitted[key]
	if set == nil {
		set = c.evaluate(name, family, length)
		if c.admitted == nil {
			c.admitted = map[admission]*netipx.IPSet{}
		}
		c.admitted[key] = set
	}
	return set
}

// mayAdmit reports whether any permitting entry of the map covers routes of the given length: a cheap look before
// admits.
func (c *switchConf) mayAdmit(name, family string, length int) bool {
	m := c.maps[name]
	if m == nil {
		return false
	}
	for _, cl := range m.clauses {
		if !cl.permit {
			continue
		}
		l := c.lists[cl.lists[family]]
		if len(cl.lists) == 0 || l != nil && l.mayPermit(length) {
			return true
		}
	}
	return false
}

func (l *prefixList) mayPermit(length int) bool {
	for _, e := range l.entries {
		if e.permit && e.least <= length && length <= e.most {
			return true
		}
	}
	return false
}

func (c *switchConf) evaluate(name, family string, length int) *netipx.IPSet {
	var out netipx.IPSetBuilder
	m := c.maps[name]
	if m == nil {
		return mustSet(&out)
	}
	rest := wholeFamily(family)
	for _, cl := range m.clauses {
		hit := rest
		if len(cl.lists) > 0 {
			l := c.lists[cl.lists[family]]
			if l == nil || l.v6 != (family == "ipv6") {
				continue
			}
			hit = l.permits(rest, length)
		}
		if cl.permit {
			out.AddSet(hit)
		}
		rest = subtract(rest, hit)
	}
	return mustSet(&out)
}

// hostLength is the length of the route to one address.
func hostLength(family string) int {
	if family == "ipv6" {
		return 128
	}
	return 32
}

func wholeFamily(family string) *netipx.IPSet {
	if family == "ipv6" {
		return prefixSet(netip.MustParsePrefix("::/0"))
	}
	return prefixSet(netip.MustParsePrefix("0.0.0.0/0"))
}

func prefixSet(p netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddPrefix(p)
	return mustSet(&b)
}

func intersect(a, b *netipx.IPSet) *netipx.IPSet {
	var out netipx.IPSetBuilder
	out.AddSet(a)
	out.Intersect(b)
	return mustSet(&out)
}

func subtract(a, b *netipx.IPSet) *netipx.IPSet {
	var out netipx.IPSetBuilder
	out.AddSet(a)
	out.RemoveSet(b)
	return mustSet(&out)
}

// mustSet finishes a set. A builder fails only on addresses and prefixes that are not valid, and ours are parsed.
func mustSet(b *netipx.IPSetBuilder) *netipx.IPSet {
	s, err := b.IPSet()
	if err != nil {
		return &netipx.IPSet{}
	}
	return s
}
