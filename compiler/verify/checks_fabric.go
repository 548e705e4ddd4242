package verify

import "net/netip"

// A reach is a virtual address, and the family of the sessions that carry it.
type reach struct {
	address netip.Addr
	family  string
}

// reachOf reads a virtual address, and reports whether BGP announces it.
func reachOf(v expectedVIP) (r reach, announced bool) {
	a, err := netip.ParseAddr(v.Address)
	return reach{a, familyOf(v.Address)}, err == nil && v.Protocol == "bgp"
}

// pathCounts are the equal paths that switches have to virtual addresses, counted from the sessions read back.
type pathCounts struct {
	own     map[string]map[reach]int             // to nodes of the rack that announce it
	beyond  map[string]map[reach]int             // over switches of such racks
	far     map[string]map[reach]int             // over spines that have it from such switches
	refused map[string]map[reach]int             // the same, where a spine has it from the switch's own AS alone
	through map[string]map[reach]map[uint32]bool // by spine: the AS of the switches that it knows it by
	limit   map[string]int                       // maximum-paths
}

// expectedPaths holds the number of equal paths of the expected state to the sessions of the tree.
func (p *pass) expectedPaths() {
	c := p.countPaths()
	for _, sw := range p.expected.Switches {
		listed := map[[2]string]int{} // by pool and family
		for _, n := range sw.Paths {
			listed[[2]string{n.Pool, n.Family}] = n.All
		}
		for _, v := range p.expected.VIPs {
			r, announced := reachOf(v)
			if !announced {
				continue
			}
			want := c.of(sw, r)
			if have := listed[[2]string{v.Pool, r.family}]; have != want {
				p.unexpected("%s: %d paths to %s of pool %s, and by the sessions of the tree there are %d", sw.Name, have, v.Address, v.Pool, want)
			}
		}
	}
}

// of is how many a switch uses: those of its own rack; at a spine those to switches that have some; else those over spines.
func (c *pathCounts) of(sw expectedSwitch, r reach) int {
	want := c.own[sw.Name][r]
	switch {
	case want > 0:
	case sw.Role == "spine":
		want = c.beyond[sw.Name][r]
	case c.refused[sw.Name][r] == 0:
		want = c.far[sw.Name][r]
	}
	if m := c.limit[sw.Name]; m > 0 {
		want = min(want, m)
	}
	return want
}

// countPaths follows the routes outwards: from nodes to their switches, to spines, and to the switches of other racks.
func (p *pass) countPaths() *pathCounts {
	c := &pathCounts{
		own: map[string]map[reach]int{}, beyond: map[string]map[reach]int{}, far: map[string]map[reach]int{}, refused: map[string]map[reach]int{},
		through: map[string]map[reach]map[uint32]bool{}, limit: map[string]int{},
	}
	var vips []reach
	for _, v := range p.expected.VIPs {
		if r, announced := reachOf(v); announced {
			vips = append(vips, r)
		}
	}
	p.switchEnds(func(here, there *End) {
		c.limit[here.Device] = here.conf.maxPaths
		if there.conf != nil {
			return
		}
		set := p.balancerObjects().poolSet(there.pools)
		for _, family := range familiesOf(here) {
			for _, r := range vips {
				if r.family == family && set.Contains(r.address) {
					addPath(c.own, here.Device, r)
				}
			}
		}
	})
	p.switchEnds(func(here, there *End) {
		if there.conf == nil || c.own[here.Device] != nil {
			return
		}
		for _, family := range familiesOf(here) {
			for r := range c.own[there.Device] {
				if r.family == family {
					addPath(c.beyond, here.Device, r)
					c.passed(here.Device, r, there.LocalASN)
				}
			}
		}
	})
	p.switchEnds(func(here, there *End) {
		if there.conf == nil {
			return
		}
		for _, family := range familiesOf(here) {
			for r := range c.beyond[there.Device] {
				switch {
				case r.family != family || c.own[here.Device][r] > 0:
				case c.through[there.Device][r][here.LocalASN]:
					addPath(c.refused, here.Device, r)
				default:
					addPath(c.far, here.Device, r)
				}
			}
		}
	})
	return c
}

// passed notes by which AS a spine knows an address.
func (c *pathCounts) passed(spine string, r reach, asn uint32) {
	if c.through[spine] == nil {
		c.through[spine] = map[reach]map[uint32]bool{}
	}
	if c.through[spine][r] == nil {
		c.through[spine][r] = map[uint32]bool{}
	}
	c.through[spine][r][asn] = true
}

func addPath(counts map[string]map[reach]int, device string, r reach) {
	if counts[device] == nil {
		counts[device] = map[reach]int{}
	}
	counts[device][r]++
}
