package verify

import (
	"fmt"
	"slices"
	"strings"

	"go4.org/netipx"
)

// A switchConf is what a switch file says, the same for every language of switches.
type switchConf struct {
	path, site, hostname string
	asn                  uint32
	asnLine              int
	routerID             string
	routerIDLine         int
	peers                []*switchPeer // groups and neighbors in the order of their definition
	listen               []listenRange
	lists                map[string]*prefixList
	maps                 map[string]*routeMap
	bfd                  map[string]*bfdTimers // profiles (FRR)
	bfdDefault           *bfdTimers            // of the switch (EOS)
	filters              map[string]*peerFilter
	interfaces           map[string]*switchInterface
	explicit             bool // no address family is active unless it is said ("no bgp default ipv4-unicast")
	stalePath            int  // seconds for which the routes of a restarting neighbor are kept; 0: as the switch likes (FRR)
	holdEnds             bool // the end of the hold time is no restart (FRR)
	noRestarts           bool // routes end with their session, whatever the neighbor asks (NX-OS)
	relaxed              bool // paths of equal length through different AS are used together
	maxPaths             int  // 0 when the file leaves it to the switch
	uses                 []objectUse
	features             map[string]bool       // turned on (NX-OS)
	lists4               []*accessList         // of packets (EOS, NX-OS)
	resilient            map[string]resilience // by prefix (EOS)
	removed              []objectUse           // before they are defined anew (EOS)
	admitted             map[admission]*netipx.IPSet
	networks             []string // that it announces of itself
}

// A resilience is how large the table of next hops of a prefix is.
type resilience struct{ hops, line int }

// An objectUse is a place that names an object.
type objectUse struct {
	kind, name string // kind: "route-map", "prefix-list", "peer-group", "BFD profile", "peer-filter"
	line       int
}

// A switchPeer is a peer group or a neighbor.
type switchPeer struct {
	name        string // of the group; address or interface of the neighbor
	isGroup     bool
	line        int
	group       string // that a neighbor belongs to
	remoteAS    uint32
	external    bool // remote-as external
	description string
	password    string // name of the Secret
	hold        int    // seconds; 0 when not set
	keepalive   int
	bfd         bool
	bfdProfile  string
	bfdTimers   *bfdTimers // set at the peer itself (EOS)
	source      string     // update-source
	multihop    bool
	ttlSecurity bool // takes packets of the next machine only
	passive     bool // waits for the other side to connect
	noRestart   bool // is told that its routes end with its session
	maxRoutes   int  // EOS keeps it for all families
	families    map[string]*peerFamily
}

// isPort reports whether a neighbor is a port: the session runs over the port's link-local address.
func (p *switchPeer) isPort() bool { return !p.isGroup && !isAddr(p.name) }

// A peerFamily is what a peer has for one address family, "ipv4" or "ipv6".
type peerFamily struct {
	active      bool
	in, out     string // route maps
	maxPrefixes int
	wayOut      bool // the default route is sent, whatever the table holds
	overV6      bool // EOS: IPv4 routes are sent with IPv6 next hops
}

// family returns the settings of one address family, made when new.
func (p *switchPeer) family(name string) *peerFamily {
	f := p.families[name]
	if f == nil {
		f = &peerFamily{}
		if p.families == nil {
			p.families = map[string]*peerFamily{}
		}
		p.families[name] = f
	}
	return f
}

// A listenRange accepts sessions from any address of a prefix.
type listenRange struct {
	prefix, group string
	remoteAS      uint32
	line          int
}

// bfdTimers are milliseconds and a count.
type bfdTimers struct {
	transmit, receive, multiplier int
	line                          int
}

func (b *bfdTimers) String() string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("%d/%d ms x %d", b.transmit, b.receive, b.multiplier)
}

// A peerFilter says from which AS a session is taken (EOS); what no rule names is refused.
type peerFilter struct {
	line  int
	rules []asRule
}

// An asRule accepts or refuses one AS. EOS also takes ranges, which would admit strangers.
type asRule struct {
	asn    uint32
	accept bool
}

// A switchInterface is a port or VLAN interface.
type switchInterface struct {
	line int
	bfd  *bfdTimers
	// access is the list of packets that it takes.
	access string
}

func newSwitchConf(path, site, hostname string) *switchConf {
	return &switchConf{
		path: path, site: site, hostname: hostname,
		lists: map[string]*prefixList{}, maps: map[string]*routeMap{}, bfd: map[string]*bfdTimers{},
		filters: map[string]*peerFilter{}, interfaces: map[string]*switchInterface{},
	}
}

// peer returns the group or neighbor of that name, or nil.
func (c *switchConf) peer(name string) *switchPeer {
	for _, p := range c.peers {
		if p.name == name {
			return p
		}
	}
	return nil
}

func (c *switchConf) use(kind, name string, line int) {
	c.uses = append(c.uses, objectUse{kind, name, line})
}

// inherited returns the group of a neighbor, or an empty one.
func (c *switchConf) inherited(p *switchPeer) *switchPeer {
	if g := c.peer(p.group); g != nil && g.isGroup {
		return g
	}
	return &switchPeer{}
}

// objectPrefix is what every named object of a site's fragment begins with, so that two clusters can share a switch.
func objectPrefix(site string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(site)) + "_"
}

// check reports what only the whole file shows, for both languages.
func (c *switchConf) check() faults {
	var fs faults
	if c.asn == 0 {
		fs.add(0, "no router bgp: the file has no session")
	} else if !c.explicit {
		fs.add(c.asnLine, "no \"no bgp default ipv4-unicast\": IPv4 would be active on sessions that have no filter for it")
	}
	c.checkObjects(&fs)
	for _, p := range c.peers {
		c.checkPeer(p, &fs)
	}
	for _, l := range c.listen {
		g := c.peer(l.group)
		if g == nil || !g.isGroup {
			continue // reported as an unknown object
		}
		if g.password == "" {
			fs.add(l.line, "listen range %s without a password: any machine in it can open a session", l.prefix)
		}
		if g.remoteAS == 0 && l.remoteAS == 0 {
			fs.add(l.line, "listen range %s has no AS of its peers", l.prefix)
		}
	}
	for _, name := range sortedKeys(c.lists) {
		c.lists[name].check(name, &fs)
	}
	for _, name := range sortedKeys(c.maps) {
		c.maps[name].check(name, &fs)
	}
	slices.SortStableFunc(fs, func(a, b lineFault) int { return a.line - b.line })
	return fs
}

// checkObjects compares the objects that are defined with those that are used, and their names with the site.
func (c *switchConf) checkObjects(fs *faults) {
	defined := map[string]map[string]int{"prefix-list": {}, "route-map": {}, "BFD profile": {}, "peer-filter": {}, "peer-group": {}, "access-list": {}}
	for name, l := range c.lists {
		defined["prefix-list"][name] = l.line
	}
	for name, m := range c.maps {
		defined["route-map"][name] = m.line
	}
	for name, b := range c.bfd {
		defined["BFD profile"][name] = b.line
	}
	for name, f := range c.filters {
		defined["peer-filter"][name] = f.line
	}
	for _, l := range c.lists4 {
		defined["access-list"][l.name] = l.line
	}
	for _, p := range c.peers {
		if p.isGroup {
			defined["peer-group"][p.name] = p.line
		}
	}
	used := map[[2]string]bool{}
	for _, u := range c.uses {
		used[[2]string{u.kind, u.name}] = true
		if _, ok := defined[u.kind][u.name]; !ok {
			fs.add(u.line, "%s %s is not defined in this file", u.kind, u.name)
		}
	}
	for _, u := range c.removed {
		if _, ok := defined[u.kind][u.name]; !ok {
			fs.add(u.line, "%s %s is removed and not defined: it may be another's", u.kind, u.name)
		}
	}
	prefix := objectPrefix(c.site)
	for _, kind := range sortedKeys(defined) {
		for _, name := range sortedKeys(defined[kind]) {
			line := defined[kind][name]
			if !strings.HasPrefix(name, prefix) {
				fs.add(line, "%s %s does not begin with %s: another site's file on this switch may define the same name", kind, name, prefix)
			}
			if !used[[2]string{kind, name}] {
				fs.add(line, "%s %s is not used", kind, name)
			}
		}
	}
}

// checkPeer reports what a group or a neighbor lacks. What a neighbor does not set, its group may.
func (c *switchConf) checkPeer(p *switchPeer, fs *faults) {
	if p.hold > 0 && p.keepalive >= p.hold {
		fs.add(p.line, "%s: the hold time of %d s ends before the first keepalive, at %d s", p.name, p.hold, p.keepalive)
	}
	g := c.inherited(p)
	if !p.isGroup {
		if p.remoteAS == 0 && !p.external && g.remoteAS == 0 && !g.external {
			fs.add(p.line, "neighbor %s has no remote AS", p.name)
		}
		if p.group != "" {
			return // its group is checked
		}
	}
	active := 0
	for _, family := range sortedKeys(p.families) {
		f := p.families[family]
		if !f.active {
			fs.add(p.line, "%s has settings for %s and is not activated there", p.name, family)
			continue
		}
		active++
		if f.in == "" || f.out == "" {
			fs.add(p.line, "%s has no route-map in or none out for %s: everything would pass", p.name, family)
		}
	}
	if active == 0 {
		fs.add(p.line, "%s is activated for no address family", p.name)
	}
}
