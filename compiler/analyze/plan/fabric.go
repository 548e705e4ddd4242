package plan

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
)

// fabric changes switches: those that are new at once, then one of each rack at a time, then spines one by one. With a
// switch go the other ends of the sessions that end with it.
func (s *staging) fabric() {
	var fresh []string
	for i := range s.new.Switches {
		if sw := &s.new.Switches[i]; s.isNew[sw.Hostname] {
			fresh = append(fresh, sw.Hostname)
		}
	}
	s.switches("new switches", fresh)
	for i := range s.new.Switches {
		if sw := &s.new.Switches[i]; sw.Role == "spine" && !s.isNew[sw.Hostname] && !s.byLines(sw.Hostname) {
			s.spine(sw)
		}
	}
	for _, part := range s.new.Waves {
		for n := 0; ; n++ {
			var now []string
			more := false
			for _, r := range s.new.Racks {
				if slices.Contains(part.Racks, r.Name) && n < len(r.ToRs) {
					more = true
					if !s.isNew[r.ToRs[n]] {
						now = append(now, r.ToRs[n])
					}
				}
			}
			if !more {
				break
			}
			s.switches("", now)
		}
	}
	s.gone()
	for _, it := range s.of(func(it *Item) bool { return it.Component == diff.Fabric && it.Kind != "switch" && it.Kind != "flows" }) {
		s.taken[it] = true
		r := newReach()
		w := Wave{Title: "balancers", Effect: it.Effect, Why: []string{it.What}, Check: []string{s.run("kubernetes")},
			Back: []Step{{Text: "The former files, in the same way."}}}
		for _, p := range it.Places {
			w.Do = append(w.Do, Step{Text: "Put " + p.File + " in its place, one balancer at a time, and reload what reads it."})
		}
		s.wave(w, r)
	}
}

// switches makes a wave of some switches that carry nodes.
func (s *staging) switches(title string, names []string) {
	w := Wave{Title: title}
	r := newReach()
	var done []string
	for _, name := range names {
		before := len(w.Do)
		s.ownFile(&w, r, name)
		s.spineEnds(&w, r, name)
		s.nodeEnds(&w, r, name)
		s.clusterEnds(&w, r, name)
		if len(w.Do) > before {
			done = append(done, name)
			w.Check = append(w.Check, s.run("switch "+name))
		}
	}
	if done == nil {
		return
	}
	if w.Title == "" {
		w.Title, w.Window = "switch "+strings.Join(done, ", "), true
	} else {
		w.Title += " " + strings.Join(done, ", ")
	}
	if w.Effect == SessionReset {
		w.Check = append(w.Check, s.run("kubernetes"))
	}
	if len(w.Do) > len(done) && w.Effect == SessionReset {
		w.Hint = "All ends in one go: a session is down from the first to the last of them."
	}
	s.wave(w, r)
}

// ownFile loads a switch's own file.
func (s *staging) ownFile(w *Wave, r *reach, name string) {
	for _, it := range s.items("switch") {
		for _, p := range it.Places {
			if !isOf(p.File, name) || s.isSpine(name) {
				continue
			}
			w.Effect, w.Why = max(w.Effect, it.Effect), once(w.Why, it.What)
			w.Do = append(w.Do, Step{Text: fmt.Sprintf("Load %s on %s, as its head says.", p.File, name)})
			back := Step{Text: fmt.Sprintf("Load %s of the former tree on %s.", p.File, name)}
			if it.Status == diff.Added {
				back.Text = "Take " + name + " off the fabric again."
			}
			w.Back = append(w.Back, back)
			r.switches[name], r.racks[s.rackOf[name]] = true, true
			if it.Effect == SessionReset && len(it.Hunks) == 0 {
				s.addSwitch(r, name)
			}
			for k := range it.Hunks {
				if h := &it.Hunks[k]; h.Effect == SessionReset {
					nodes, links := ends(h)
					s.addSessions(r, name, nodes, links)
				}
			}
		}
	}
}

// spine loads what a spine has besides: a wave of its own.
func (s *staging) spine(sw *ir.Switch) {
	for _, it := range s.items("switch") {
		i := slices.IndexFunc(it.Places, func(p diff.Place) bool { return isOf(p.File, sw.Hostname) })
		if i < 0 {
			continue
		}
		w := Wave{Title: "spine " + sw.Hostname, Window: true}
		r := newReach()
		var tors []string
		for k := range it.Hunks {
			h := &it.Hunks[k]
			w.Effect, w.Why = max(w.Effect, h.Effect), once(w.Why, h.What)
			if h.Effect != SessionReset {
				continue
			}
			about := s.torsOf(sw.Hostname, h)
			if len(about) == 0 {
				s.addSwitch(r, sw.Hostname)
			}
			for _, tor := range about {
				r.sessions[Session{tor, sw.Hostname, "uplink"}] = true
				if s.touched(tor) {
					tors = once(tors, tor)
				}
			}
		}
		if tors != nil {
			w.Hint = "Its sessions with " + some(tors) + " come back in their own waves; the other spines carry them until then."
		}
		r.switches[sw.Hostname] = true
		file := it.Places[i].File
		w.Do = []Step{{Text: fmt.Sprintf("Load %s on %s, as its head says.", file, sw.Hostname)}}
		w.Check = []string{s.run("switch " + sw.Hostname)}
		w.Back = []Step{{Text: fmt.Sprintf("Load %s of the former tree on %s.", file, sw.Hostname)}}
		s.wave(w, r)
	}
}

// gone takes switches off that the site no longer has.
func (s *staging) gone() {
	for i := range s.old.Switches {
		name := s.old.Switches[i].Hostname
		if slices.ContainsFunc(s.new.Switches, func(sw ir.Switch) bool { return sw.Hostname == name }) || !s.touched(name) {
			continue
		}
		r := newReach()
		s.addSwitch(r, name)
		s.wave(Wave{Title: "switch " + name + " goes", Effect: SessionReset, Why: []string{"all sessions of the switch end"}, Window: true,
			Do:    []Step{{Text: "Remove the site's part from " + name + ": every object whose name begins with that of the site."}},
			Check: []string{s.run("kubernetes")},
			Back:  []Step{{Text: "Load its file of the former tree."}}}, r)
	}
}
