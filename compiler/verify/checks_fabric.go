package verify

import "net/netip"

// A reach is a virtual address, and the family of the sessions that carry it.
type reach struct {
	address netip.Addr
	family  string
}

// expectedPaths counts, from the sessions read back, over how many equal paths each switch has each virtual
// address: the nodes of its rack that announce it; at a spine the links to such switches; else the links to such spines.
func (p *pass) expectedPaths() {
	var vips []reach
	for _, v := range p.expected.VIPs {
		if a, err := netip.ParseAddr(v.Address); err == nil && v.Protocol == "bgp" {
			vips = append(vips, reach{a, familyOf(v.Address)})
		}
	}
	own, beyond := map[string]map[reach]int{}, map[string]map[reach]int{}
	through := map[string]map[reach]map[uint32]bool{} // by spine: the AS of the switches that it knows the pool by
	add := func(counts map[string]map[reach]int, device string, r reach) {
		if counts[device] == nil {
			counts[device] = map[reach]int{}
		}
		counts[device][r]++
	}
	p.switchEnds(func(here, there *End) {
		if there.conf != nil {
			return
		}
		set := p.balancerObjects().poolSet(there.pools)
		for _, family := range familiesOf(here) {
			for _, r := range vips {
				if r.family == family && set.Contains(r.address) {
					add(own, here.Device, r)
				}
			}
		}
	})
	p.switchEnds(func(here, there *End) {
		if there.conf == nil || own[here.Device] != nil {
			return
		}
		for _, family := range familiesOf(here) {
			for r := range own[there.Device] {
				if r.family != family {
					continue
				}
				add(beyond, here.Device, r)
				if through[here.Device] == nil {
					through[here.Device] = map[reach]map[uint32]bool{}
				}
				if through[here.Device][r] == nil {
					through[here.Device][r] = map[uint32]bool{}
				}
				through[here.Device][r][there.LocalASN] = true
			}
		}
	})
	far := map[string]map[reach]int{}
	refused := map[string]map[reach]int{}
	p.switchEnds(func(here, there *End) {
		if there.conf == nil {
			return
		}
		for _, family := range familiesOf(here) {
			for r := range beyond[there.Device] {
				if r.family != family || own[here.Device][r] > 0 {
					continue
				}
				if through[there.Device][r][here.LocalASN] {
					add(refused, here.Device, r)
				} else {
					add(far, here.Device, r)
				}
			}
		}
	})
	limit := map[string]int{}
	p.switchEnds(func(here, _ *End) { limit[here.Device] = here.conf.maxPaths })
	for _, sw := range p.expected.Switches {
		listed := map[[2]string]int{} // by pool and family
		for _, n := range sw.Paths {
			listed[[2]string{n.Pool, n.Family}] = n.All
		}
		for _, v := range p.expected.VIPs {
			a, err := netip.ParseAddr(v.Address)
			if err != nil || v.Protocol != "bgp" {
				continue
			}
			r := reach{a, familyOf(v.Address)}
			want := own[sw.Name][r]
			switch {
			case want > 0:
			case sw.Role == "spine":
				want = beyond[sw.Name][r]
			case refused[sw.Name][r] == 0:
				want = far[sw.Name][r]
			}
			if m := limit[sw.Name]; m > 0 {
				want = min(want, m)
			}
			if have := listed[[2]string{v.Pool, r.family}]; have != want {
				p.unexpected("%s: %d paths to %s of pool %s, and by the sessions of the tree there are %d", sw.Name, have, v.Address, v.Pool, want)
			}
		}
	}
}
