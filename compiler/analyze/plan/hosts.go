package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
)

// hostChange is what changes on the machines of a group.
type hostChange struct {
	effect Effect
	why    []string
	units  []string // that read the files
	files  []string // below the group
}

// hosts changes the files of machines: new machines at once, then rack by rack, as many as the budget allows. No wave
// holds two machines of the control plane or two that pods of one gateway may stand on.
func (s *staging) hosts() {
	changes := s.hostChanges()
	if len(changes) == 0 {
		return
	}
	var fresh []*ir.Node
	for i := range s.new.Nodes {
		if n := &s.new.Nodes[i]; s.isNew[n.Name] && changes[n.Group] != nil {
			fresh = append(fresh, n)
		}
	}
	if len(fresh) > 0 {
		s.hostWave("new machines", fresh, changes)
	}
	for _, part := range s.new.Waves {
		var left []*ir.Node
		for i := range s.new.Nodes {
			if n := &s.new.Nodes[i]; slices.Contains(part.Racks, n.Rack) && !s.isNew[n.Name] && changes[n.Group] != nil {
				left = append(left, n)
			}
		}
		// Workers first: a fault shows where it costs least.
		slices.SortStableFunc(left, func(a, b *ir.Node) int { return cmp.Compare(s.weight(a), s.weight(b)) })
		for len(left) > 0 {
			var now, later []*ir.Node
			for _, n := range left {
				if len(now) < s.out.Budget.Nodes && !slices.ContainsFunc(now, func(o *ir.Node) bool { return s.apart(o, n) }) {
					now = append(now, n)
				} else {
					later = append(later, n)
				}
			}
			left = later
			var racks []string
			for _, n := range now {
				racks = once(racks, n.Rack)
			}
			slices.Sort(racks)
			s.hostWave("machines of rack "+strings.Join(racks, ", "), now, changes)
		}
	}
}

// weight orders machines by what their loss costs.
func (s *staging) weight(n *ir.Node) int {
	switch {
	case n.ControlPlane:
		return 2
	case n.Speaker || slices.ContainsFunc(s.new.Gateways, func(g ir.Gateway) bool { return carries(n, &g) }):
		return 1
	}
	return 0
}

// carries reports whether pods of a gateway may stand on a machine.
func carries(n *ir.Node, g *ir.Gateway) bool {
	return n.Class == g.Class && slices.Contains(g.Racks, n.Rack)
}

// apart reports whether two machines must not be in one wave.
func (s *staging) apart(a, b *ir.Node) bool {
	if a.ControlPlane && b.ControlPlane {
		return true
	}
	for i := range s.new.Gateways {
		if g := &s.new.Gateways[i]; carries(a, g) && carries(b, g) {
			return true
		}
	}
	return false
}

// hostChanges are the changes by group.
func (s *staging) hostChanges() map[string]*hostChange {
	out := map[string]*hostChange{}
	for i := range s.out.Items {
		it := &s.out.Items[i]
		if it.Component != diff.Hosts || it.Status == diff.Removed {
			continue
		}
		for _, p := range it.Places {
			group, file, ok := strings.Cut(p.Name, "/")
			g := s.groups[group]
			if !ok || g == nil {
				continue
			}
			c := out[group]
			if c == nil {
				c = &hostChange{}
				out[group] = c
			}
			c.effect, c.why, c.files = max(c.effect, it.Effect), once(c.why, it.What), once(c.files, file)
			switch {
			case it.Kind == "time service":
				c.units = once(c.units, g.TimeUnit)
			case strings.HasPrefix(it.Kind, "kubelet"):
				c.units = once(c.units, g.Unit)
			case it.Kind == "kernel settings":
				c.units = once(c.units, "systemd-sysctl")
			case it.Kind == "kernel modules":
				c.units = once(c.units, "systemd-modules-load")
			}
		}
	}
	return out
}

// hostWave is one wave of machines.
func (s *staging) hostWave(title string, nodes []*ir.Node, changes map[string]*hostChange) {
	w := Wave{Title: title, Window: true}
	r := newReach()
	var names, units, files []string
	ansible := true
	for _, n := range nodes {
		c := changes[n.Group]
		names = append(names, n.Name)
		r.nodes[n.Name], r.racks[n.Rack] = true, true
		w.Effect = max(w.Effect, c.effect)
		ansible = ansible && s.groups[n.Group].Has("ansible")
		for _, x := range c.why {
			w.Why = once(w.Why, x)
		}
		for _, x := range c.units {
			units = once(units, x)
		}
		for _, x := range c.files {
			files = once(files, "/"+x)
		}
	}
	w.Title += ": " + some(names)
	fresh := title == "new machines"
	if fresh {
		w.Effect, w.Window, w.Why = Nothing, false, []string{"nothing runs on them yet"}
	}
	slices.Sort(files)
	if ansible {
		playbook := fmt.Sprintf("(cd hosts/%s && ansible-playbook -i inventory.yaml playbook.yaml --limit %s)", s.new.Name, strings.Join(names, ","))
		w.Do = []Step{{Text: "Files " + some(files) + "; what reads them is restarted by the playbook.", Lines: []string{playbook}}}
		w.Back = []Step{{Text: "The same command in the former tree.", Lines: []string{playbook}}}
	} else {
		step := Step{Text: "Put the files of their group below hosts/" + s.new.Name + "/ onto them: " + some(files) + "."}
		if len(units) > 0 {
			step.Lines = []string{"systemctl restart " + strings.Join(units, " ") + "   # on each of them"}
		}
		w.Do = []Step{step}
		w.Back = []Step{{Text: "The files of the former tree, in the same way.", Lines: step.Lines}}
	}
	if fresh {
		w.Do = append(w.Do, Step{Text: "They join the cluster before the next wave: an object of a Node that has not joined would stay as one that is never ready."})
		w.Back = []Step{{Text: "Take them out of the cluster again: kubectl drain, then kubectl delete node, for each."}}
	}
	for _, n := range nodes {
		if len(w.Check) < 6 {
			w.Check = append(w.Check, s.run("host "+n.Name)+"   # on "+n.Name)
		}
	}
	if len(nodes) > 6 {
		w.Check = append(w.Check, fmt.Sprintf("# and so on the other %d", len(nodes)-6))
	}
	s.wave(w, r)
}
