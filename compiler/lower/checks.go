package lower

import (
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// poolFamily is the part of a pool that one family of BGP carries.
type poolFamily struct {
	pool   string
	family ir.Family
}

// checks decides what the live state is held against.
func (l *lowering) checks() {
	l.p.Checks = ir.Checks{
		MaxOffset: strconv.FormatFloat(site.ParseDuration(l.s.Time.MaxOffset).Seconds(), 'f', -1, 64),
		Proxy:     l.meshProfile().ProxyContainer,
		OffsetWhy: ir.From{"time.maxOffset"},
	}
	own := map[string]map[poolFamily]int{} // by switch: the nodes of its rack that announce
	for i := range l.p.Switches {
		if sw := &l.p.Switches[i]; sw.Role == "tor" {
			own[sw.Hostname] = ownPaths(sw)
		}
	}
	beyond := map[string]map[poolFamily][]uint32{} // by spine: the AS of each switch that passes addresses on, once a link
	for i := range l.p.Switches {
		if sw := &l.p.Switches[i]; sw.Role == "spine" {
			beyond[sw.Hostname] = passedOn(sw, own)
		}
	}
	for i := range l.p.Switches {
		sw := &l.p.Switches[i]
		paths := ir.SwitchPaths{Switch: sw.Hostname}
		for k := range l.p.Pools {
			pool := &l.p.Pools[k]
			for _, f := range []ir.Family{ir.IPv4, ir.IPv6} {
				key := poolFamily{pool.Name, f}
				n, why := 0, ""
				switch {
				case sw.Role == "spine":
					n, why = len(beyond[sw.Hostname][key]), "checks/links-of-announcing-racks"
				case own[sw.Hostname][key] > 0:
					n, why = own[sw.Hostname][key], "checks/announcing-nodes-of-rack"
				default:
					n, why = throughSpines(sw, key, beyond), "checks/spines-of-announcing-racks"
				}
				if n > 0 {
					paths.Pools = append(paths.Pools, ir.PoolPaths{Pool: pool.Name, Family: f, All: min(n, sw.MaxPaths), Why: why,
						From: append(slices.Clone(pool.From.Of("announce")), "fabric.bgp.maxPaths")})
				}
			}
		}
		if len(paths.Pools) > 0 {
			l.p.Checks.Paths = append(l.p.Checks.Paths, paths)
		}
	}
}

// ownPaths counts, for each pool, the nodes of the switch's rack that announce it to the switch.
func ownPaths(sw *ir.Switch) map[poolFamily]int {
	out := map[poolFamily]int{}
	for i := range sw.Peerings {
		pe := &sw.Peerings[i]
		n := 0
		for _, sp := range pe.Speakers {
			if sp.VIPs {
				n++
			}
		}
		for _, pool := range pe.Pools {
			out[poolFamily{pool, ir.FamilyOf(pe.SwitchAddress)}] += n
		}
	}
	return out
}

// passedOn lists, for each pool, the AS of the switch at the other end of each link of a spine over which addresses of
// the pool come.
func passedOn(spine *ir.Switch, own map[string]map[poolFamily]int) map[poolFamily][]uint32 {
	out := map[poolFamily][]uint32{}
	for i := range spine.Uplinks {
		u := &spine.Uplinks[i]
		for key, n := range own[u.Switch] {
			if n > 0 && carries(u, key.family) {
				out[key] = append(out[key], u.SwitchASN)
			}
		}
	}
	return out
}

// throughSpines counts the links of a switch without announcing nodes to spines that know the addresses. It returns 0,
// which is no expectation, where a spine may choose the path by way of a switch of the same AS, which this one refuses.
func throughSpines(sw *ir.Switch, key poolFamily, beyond map[string]map[poolFamily][]uint32) int {
	n := 0
	for i := range sw.Uplinks {
		u := &sw.Uplinks[i]
		via := beyond[u.Spine][key]
		if slices.Contains(via, sw.ASN) {
			return 0
		}
		if len(via) > 0 && carries(u, key.family) {
			n++
		}
	}
	return n
}

// carries reports whether the session of a link has routes of a family: that of its addresses, or both without any.
func carries(u *ir.Uplink, f ir.Family) bool {
	return !u.Address.IsValid() || ir.FamilyOf(u.Address) == f
}
