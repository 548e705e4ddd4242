package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
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
	for i := range s.new.Switches {
		if sw := &s.new.Switches[i]; sw.Role == "spine" && !s.isNew[sw.Hostname] {
			s.spine(sw)
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

// ends says whether lines of a switch are about its sessions with nodes, about those between switches, or about both: they
// name the group of neighbors that every switch file has for each.
func ends(h *Consequence) (nodes, links bool) {
	text := strings.Join(slices.Concat([]string{h.At}, h.Old, h.New), " ")
	nodes, links = strings.Contains(text, "_NODES"), strings.Contains(text, "_SPINES") || strings.Contains(text, "_TORS")
	if nodes == links {
		return true, true
	}
	return nodes, links
}

// items are those of a kind, taken or not: one item may stand for several places.
func (s *staging) items(kind string) []*Item {
	var out []*Item
	for i := range s.out.Items {
		if it := &s.out.Items[i]; it.Kind == kind {
			out = append(out, it)
		}
	}
	return out
}

func (s *staging) isSpine(name string) bool {
	return slices.ContainsFunc(s.new.Switches, func(sw ir.Switch) bool { return sw.Hostname == name && sw.Role == "spine" })
}

// speaksOf reports whether statements of a spine are about a switch of a rack.
func (s *staging) speaksOf(spine, tor string, h *Consequence) bool {
	words := map[string]bool{tor: true, "@interface:" + tor + "@": true}
	for _, p := range []*ir.Plan{s.old, s.new} {
		for i := range p.Switches {
			for _, u := range p.Switches[i].Uplinks {
				if u.Spine == spine && u.Switch == tor {
					words[u.SpineInterface] = true
					if u.Address.IsValid() {
						words[u.Address.String()] = true
					}
				}
			}
		}
	}
	for _, line := range slices.Concat(h.Old, h.New, []string{h.At}) {
		for _, word := range strings.Fields(line) {
			if word != "" && words[strings.Trim(word, `",[]`)] {
				return true
			}
		}
	}
	return false
}

// spineEnds changes the lines of spines that are about a switch of a rack.
func (s *staging) spineEnds(w *Wave, r *reach, tor string) {
	for i := range s.new.Switches {
		spine := &s.new.Switches[i]
		if spine.Role != "spine" {
			continue
		}
		var lines, back []string
		at := ""
		for _, it := range s.items("switch") {
			if !slices.ContainsFunc(it.Places, func(p diff.Place) bool { return isOf(p.File, spine.Hostname) }) {
				continue
			}
			for k := range it.Hunks {
				h := &it.Hunks[k]
				if !s.speaksOf(spine.Hostname, tor, h) {
					continue
				}
				if h.At != at && h.At != "" {
					at = h.At
					lines, back = append(lines, "  "+at), append(back, "  "+at)
				}
				lines = append(append(lines, mark("- ", h.Old)...), mark("+ ", h.New)...)
				back = append(append(back, mark("- ", h.New)...), mark("+ ", h.Old)...)
				w.Effect, w.Why = max(w.Effect, h.Effect), once(w.Why, h.What)
				if h.Effect == SessionReset {
					r.sessions[Session{tor, spine.Hostname, "uplink"}] = true
				}
			}
		}
		if lines != nil {
			r.switches[spine.Hostname] = true
			w.Check = once(w.Check, s.run("switch "+spine.Hostname))
			w.Do = append(w.Do, Step{Text: fmt.Sprintf("On %s change these lines of its file, and no other.", spine.Hostname), Lines: lines})
			w.Back = append(w.Back, Step{Text: fmt.Sprintf("On %s the other way round.", spine.Hostname), Lines: back})
		}
	}
}

func mark(m string, lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, m+l)
	}
	return out
}

// fieldPath is a plain path of fields, for a patch.
var fieldPath = regexp.MustCompile(`^spec(\.[a-zA-Z]+)+$`)

// nodeEnds patches the peers of a switch where its sessions end with them.
func (s *staging) nodeEnds(w *Wave, r *reach, tor string) {
	for _, it := range s.items("BGPPeer") {
		if it.Effect != SessionReset || it.Status == diff.Removed {
			continue
		}
		for _, p := range it.Places {
			namespace, name, _ := strings.Cut(p.Name, "/")
			i := slices.IndexFunc(s.old.LoadBalancer.Peerings, func(x ir.Peering) bool { return x.Name == name && x.Switch == tor })
			if i < 0 {
				continue
			}
			s.taken[it] = true
			r.addPeering(&s.old.LoadBalancer.Peerings[i])
			w.Effect, w.Why = SessionReset, once(w.Why, it.What)
			there, back, plain := patch(it)
			step := func(text, body string) Step {
				if !plain {
					return Step{Text: fmt.Sprintf("Apply BGPPeer %s of %s, and no other.", p.Name, p.File)}
				}
				return Step{Text: text, Lines: []string{fmt.Sprintf("kubectl -n %s patch bgppeers.metallb.io %s --type merge -p '%s'", namespace, name, body)}}
			}
			w.Do = append(w.Do, step("The nodes' end, BGPPeer "+name+".", there))
			w.Back = append(w.Back, step("The nodes' end as it was.", back))
		}
	}
}

// patch is the merge patch of an item and the one back; false where it holds more than values of fields.
func patch(it *Item) (there, back string, plain bool) {
	var to, from []string
	for _, h := range it.Hunks {
		if !fieldPath.MatchString(h.At) || len(h.Old) != 1 || len(h.New) != 1 {
			return "", "", false
		}
		fields := strings.Split(h.At, ".")
		wrap := func(v string) string {
			text := literal(v)
			for _, f := range slices.Backward(fields[1:]) {
				text = fmt.Sprintf("{%q:%s}", f, text)
			}
			return strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
		}
		to, from = append(to, wrap(h.New[0])), append(from, wrap(h.Old[0]))
	}
	return `{"spec":{` + strings.Join(to, ",") + "}}", `{"spec":{` + strings.Join(from, ",") + "}}", true
}

// literal is a value in JSON: numbers and truth values stand for themselves.
func literal(v string) string {
	if _, err := strconv.ParseUint(v, 10, 64); err == nil || v == "true" || v == "false" {
		return v
	}
	return strconv.Quote(v)
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
		for k := range it.Hunks {
			h := &it.Hunks[k]
			if !slices.ContainsFunc(s.new.Switches, func(t ir.Switch) bool { return t.Role == "tor" && s.speaksOf(sw.Hostname, t.Hostname, h) }) {
				w.Effect, w.Why = max(w.Effect, h.Effect), once(w.Why, h.What)
			}
		}
		if w.Why == nil {
			continue
		}
		if w.Effect == SessionReset {
			s.addSwitch(r, sw.Hostname)
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
