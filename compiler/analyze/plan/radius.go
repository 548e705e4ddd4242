package plan

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// Radius is how far something reaches. Lists are sorted and never nil.
type Radius struct {
	Nodes      []string  `json:"nodes"`
	Racks      []string  `json:"racks"`
	Switches   []string  `json:"switches"`
	VIPs       []Address `json:"vips"`
	Namespaces []string  `json:"namespaces"`
	Sessions   []Session `json:"sessions"` // that end and open again
}

// Address is a virtual address and the sessions over which it is announced.
type Address struct {
	Address string `json:"address"`
	Owner   string `json:"owner"` // gateway or exposure
	Left    int    `json:"sessionsLeft"`
	Of      int    `json:"sessionsOf"` // 0: it is not announced by BGP
}

// Session is a BGP session by its ends.
type Session struct {
	Switch string `json:"switch"`
	Peer   string `json:"peer"` // machine or spine
	Family string `json:"family"`
}

// reach gathers what a wave touches.
type reach struct {
	nodes, racks, switches, namespaces, gateways map[string]bool
	sessions                                     map[Session]bool

	rolling bool // a machine at a time, so that an address loses the sessions of one
}

func newReach() *reach {
	m := func() map[string]bool { return map[string]bool{} }
	return &reach{m(), m(), m(), m(), m(), map[Session]bool{}, false}
}

// known answers questions about the two plans.
type known struct {
	old, new *ir.Plan
	rackOf   map[string]string        // by node and switch
	groups   map[string]*ir.HostGroup // of the new plan, else of the old one
	isNew    map[string]bool          // machines and switches that were not there
}

func newKnown(old, new *ir.Plan) *known {
	k := &known{old, new, map[string]string{}, map[string]*ir.HostGroup{}, map[string]bool{}}
	for _, p := range []*ir.Plan{new, old} {
		for i := range p.Nodes {
			k.rackOf[p.Nodes[i].Name] = p.Nodes[i].Rack
			k.isNew[p.Nodes[i].Name] = p == new
		}
		for i := range p.Switches {
			k.rackOf[p.Switches[i].Hostname] = p.Switches[i].Rack
			k.isNew[p.Switches[i].Hostname] = p == new
		}
		for i := range p.Groups {
			if k.groups[p.Groups[i].Name] == nil {
				k.groups[p.Groups[i].Name] = &p.Groups[i]
			}
		}
	}
	return k
}

// family is that of a peering.
func family(p *ir.Peering) string {
	if p.SwitchAddress.Is6() {
		return "ipv6"
	}
	return "ipv4"
}

// addPeering adds the sessions of a peering of the old plan: those that are there to end.
func (r *reach) addPeering(p *ir.Peering) {
	for _, s := range p.Speakers {
		r.sessions[Session{p.Switch, s.Node, family(p)}] = true
		r.nodes[s.Node] = true
	}
	r.racks[p.Rack], r.switches[p.Switch] = true, true
}

// addSwitch adds every session of a switch.
func (k *known) addSwitch(r *reach, name string) { k.addSessions(r, name, true, true) }

// addSessions adds the sessions of a switch with nodes, and those between switches.
func (k *known) addSessions(r *reach, name string, nodes, links bool) {
	for i := range k.old.LoadBalancer.Peerings {
		if p := &k.old.LoadBalancer.Peerings[i]; nodes && p.Switch == name {
			r.addPeering(p)
		}
	}
	for _, s := range k.old.Switches {
		for _, u := range s.Uplinks {
			if links && s.Role == "tor" && (s.Hostname == name || u.Spine == name) {
				r.sessions[Session{u.Switch, u.Spine, "uplink"}] = true
			}
		}
	}
	r.switches[name] = true
	if rack := k.rackOf[name]; rack != "" {
		r.racks[rack] = true
	}
}

// done turns what was gathered into lists.
func (k *known) done(r *reach) Radius {
	out := Radius{Nodes: sorted(r.nodes), Racks: sorted(r.racks), Switches: sorted(r.switches), Namespaces: sorted(r.namespaces), VIPs: []Address{}, Sessions: []Session{}}
	for s := range r.sessions {
		out.Sessions = append(out.Sessions, s)
	}
	slices.SortFunc(out.Sessions, func(a, b Session) int {
		return cmp.Or(cmp.Compare(a.Switch, b.Switch), cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Family, b.Family))
	})
	for _, pool := range k.old.Pools {
		for _, v := range pool.VIPs {
			a := Address{Address: v.Address.String(), Owner: cmp.Or(v.Gateway, v.Exposure)}
			lost := map[string]int{} // sessions by machine
			for i := range k.old.LoadBalancer.Peerings {
				p := &k.old.LoadBalancer.Peerings[i]
				if !slices.Contains(pool.Peers, p.Name) || p.SwitchAddress.Is6() != v.Address.Is6() {
					continue
				}
				for _, s := range p.Speakers {
					a.Of++
					if r.sessions[Session{p.Switch, s.Node, family(p)}] {
						lost[s.Node]++
					}
				}
			}
			all, most := 0, 0
			for _, n := range lost {
				all, most = all+n, max(most, n)
			}
			if a.Left = a.Of - all; r.rolling {
				a.Left = a.Of - most
			}
			if a.Left < a.Of || r.gateways[v.Gateway] {
				out.VIPs = append(out.VIPs, a)
			}
		}
	}
	slices.SortFunc(out.VIPs, func(a, b Address) int { return strings.Compare(a.Address, b.Address) })
	return out
}

func sorted(set map[string]bool) []string {
	out := []string{}
	for s := range set {
		if s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
