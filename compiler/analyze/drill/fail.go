package drill

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// damage is what no longer works.
type damage struct {
	nodes, switches, sources map[string]bool
	pods                     map[string]int  // gateway to the pods that failed by themselves
	dark                     map[string]bool // racks none of whose switches reaches the fabric
	lost                     []*ir.Node      // machines that failed, or stand in such a rack
}

// Fail works out what is left when all of the failures happen at the same time.
func (s *Site) Fail(failures ...Failure) Result {
	d := s.damage(failures)
	all := len(s.plan.Nodes)
	r := Result{Failures: failures, Nodes: Count{all - len(d.lost), all}}
	control := Count{Of: len(s.control)}
	for _, n := range s.control {
		if s.up(n, d) {
			control.Left++
		}
	}
	r.ControlPlane = Quorum{control, control.Left > control.Of/2}
	for i := range s.plan.Gateways {
		r.Gateways = append(r.Gateways, s.gateway(&s.plan.Gateways[i], d))
	}
	r.Time, r.Density = s.time(d), s.density(d)
	return r
}

func (s *Site) damage(failures []Failure) damage {
	d := damage{nodes: map[string]bool{}, switches: map[string]bool{}, sources: map[string]bool{}, pods: map[string]int{}, dark: map[string]bool{}}
	rack := func(r *ir.Rack) {
		for _, t := range r.ToRs {
			d.switches[t] = true
		}
		for _, n := range s.inRack[r.Name] {
			d.nodes[n.Name] = true
		}
	}
	for _, f := range failures {
		switch f.Kind {
		case Node, ControlPlane:
			d.nodes[f.Name] = true
		case ToR, Spine:
			d.switches[f.Name] = true
		case Rack:
			rack(s.racks[f.Name])
		case Zone:
			for i := range s.plan.Racks {
				if s.plan.Racks[i].Zone == f.Name {
					rack(&s.plan.Racks[i])
				}
			}
		case TimeSource:
			d.sources[f.Name] = true
		case GatewayPod:
			d.pods[f.Name]++
		}
	}
	if len(d.switches) > 0 {
		for i := range s.plan.Racks {
			tors := s.plan.Racks[i].ToRs
			if len(tors) > 0 && !slices.ContainsFunc(tors, func(t string) bool { return s.connected(t, d) }) {
				d.dark[s.plan.Racks[i].Name] = true
				d.lost = append(d.lost, s.inRack[s.plan.Racks[i].Name]...)
			}
		}
	}
	for name := range d.nodes {
		if n := s.nodes[name]; !d.dark[n.Rack] {
			d.lost = append(d.lost, n)
		}
	}
	return d
}

// up reports whether a machine runs and reaches the fabric: it hangs on at least one switch that does.
func (s *Site) up(n *ir.Node, d damage) bool { return !d.nodes[n.Name] && !d.dark[n.Rack] }

// connected reports whether a ToR runs and reaches a spine, where the site describes any.
func (s *Site) connected(tor string, d damage) bool {
	if d.switches[tor] {
		return false
	}
	spines := s.uplink[tor]
	return len(spines) == 0 || slices.ContainsFunc(spines, func(sp string) bool { return !d.switches[sp] })
}

func (s *Site) gateway(g *ir.Gateway, d damage) Gateway {
	out := Gateway{Name: g.Name, Pods: Count{Of: len(s.pods[g.Name])}, From: g.From}
	runs := map[string]bool{}
	lost := d.pods[g.Name]
	for _, node := range s.pods[g.Name] {
		if !s.up(s.nodes[node], d) {
			continue
		}
		if lost > 0 { // the pods that fail by themselves are the first ones
			lost--
			continue
		}
		out.Pods.Left++
		runs[node] = true
	}
	if out.Pods.Left > 0 {
		out.Connections = (g.Connections + out.Pods.Left - 1) / out.Pods.Left
	}
	for _, a := range g.VIPs {
		out.VIPs = append(out.VIPs, s.vip(g, a.String(), runs, d))
	}
	return out
}

// vip follows one address: nodes that announce it, switches that they tell it, spines that hear of it.
func (s *Site) vip(g *ir.Gateway, address string, runs map[string]bool, d damage) VIP {
	out := VIP{Address: address}
	pool := s.pool(g.Pool)
	if pool == nil || pool.Protocol == "" || g.NodePorts {
		// Somebody else leads clients here: they come as long as a pod runs.
		out.Reachable = len(runs) > 0
		return out
	}
	// With policy Local a node without a pod has nothing to announce; with Cluster every one leads on to any pod.
	all := map[string]bool{}
	for _, n := range s.pods[g.Name] {
		all[n] = true
	}
	tors, torsLeft := map[string]bool{}, map[string]bool{}
	for _, name := range pool.Announcers {
		if g.Local && !all[name] {
			continue
		}
		out.Announcers.Of++
		node := s.nodes[name]
		left := s.up(node, d) && len(runs) > 0 && (!g.Local || runs[name])
		if left {
			out.Announcers.Left++
		}
		for _, t := range s.torsOf[node.Rack] {
			tors[t] = true
			if left && s.connected(t, d) {
				torsLeft[t] = true
			}
		}
	}
	out.ToRs = Count{len(torsLeft), len(tors)}
	out.Reachable = out.Announcers.Left > 0 && (len(tors) == 0 || len(torsLeft) > 0)
	return out
}

func (s *Site) pool(name string) *ir.Pool {
	for i := range s.plan.Pools {
		if s.plan.Pools[i].Name == name {
			return &s.plan.Pools[i]
		}
	}
	return nil
}

// time counts the sources that each group can still ask. A machine of the site that serves time fails with its rack.
func (s *Site) time(d damage) []Time {
	var out []Time
	for i := range s.plan.Groups {
		g := &s.plan.Groups[i]
		if !slices.ContainsFunc(g.Nodes, func(n string) bool { return s.up(s.nodes[n], d) }) || len(g.Time.Sources) == 0 {
			continue
		}
		t := Time{Group: g.Name, Sources: Count{Of: len(g.Time.Sources)}}
		for _, src := range g.Time.Sources {
			node := s.nodes[src.Name]
			if !d.sources[src.Name] && (node == nil || s.up(node, d)) {
				t.Sources.Left++
			}
		}
		t.Kept = t.Sources.Left >= max(g.Time.MinSources, 1)
		out = append(out, t)
	}
	return out
}

// density moves the pods of lost machines to the machines of the same class that are left.
func (s *Site) density(d damage) []Density {
	lost := make([]int, len(s.classes))
	for _, n := range d.lost {
		if at, ok := s.classOf[n.Name]; ok {
			lost[at]++
		}
	}
	var out []Density
	for i, c := range s.classes {
		left := c.machines - lost[i]
		if left == 0 {
			continue
		}
		total := c.machines * c.pods
		out = append(out, Density{Class: c.name, Pods: min((total+left-1)/left, c.max), Max: c.max, Waiting: max(0, total-left*c.max)})
	}
	return out
}
