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

// byLines reports whether a spine can follow the switches of racks line by line: all that ends sessions is about one of them.
func (s *staging) byLines(spine string) bool {
	for _, it := range s.items("switch") {
		if !slices.ContainsFunc(it.Places, func(p diff.Place) bool { return isOf(p.File, spine) }) {
			continue
		}
		for k := range it.Hunks {
			if h := &it.Hunks[k]; len(s.torsOf(spine, h)) != 1 {
				return false
			}
		}
	}
	return true
}

// torsOf returns the switches of racks that statements of a spine are about.
func (s *staging) torsOf(spine string, h *Consequence) []string {
	var out []string
	for _, p := range []*ir.Plan{s.old, s.new} {
		for i := range p.Switches {
			if sw := &p.Switches[i]; sw.Role == "tor" && s.speaksOf(spine, sw.Hostname, h) {
				out = once(out, sw.Hostname)
			}
		}
	}
	return out
}

// speaksOf reports whether statements of a spine are about a switch of a rack: they name it, its interface or address, or,
// for a group of neighbors, its AS number.
func (s *staging) speaksOf(spine, tor string, h *Consequence) bool {
	words := map[string]bool{tor: true, "@interface:" + tor + "@": true}
	group := strings.Contains(strings.Join(slices.Concat(h.Old, h.New), " "), "_TORS")
	for _, p := range []*ir.Plan{s.old, s.new} {
		for i := range p.Switches {
			for _, u := range p.Switches[i].Uplinks {
				if u.Spine != spine || u.Switch != tor {
					continue
				}
				words[u.SpineInterface] = true
				if u.Address.IsValid() {
					words[u.Address.String()] = true
				}
				if group {
					words[strconv.FormatUint(uint64(u.SwitchASN), 10)] = true
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
		if spine.Role != "spine" || !s.byLines(spine.Hostname) {
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

// peerOf finds the name of a peering in the path of a hunk.
var peerOf = regexp.MustCompile(`\bpeers\[([^]]+)\]`)

// clusterEnds applies Cilium's objects that name a switch among their peers.
func (s *staging) clusterEnds(w *Wave, r *reach, tor string) {
	for _, it := range s.items("CiliumBGPClusterConfig") {
		for k := range it.Hunks {
			m := peerOf.FindStringSubmatch(it.Hunks[k].At)
			if m == nil || it.Hunks[k].Effect != SessionReset {
				continue
			}
			i := slices.IndexFunc(s.old.LoadBalancer.Peerings, func(x ir.Peering) bool { return x.Name == m[1] && x.Switch == tor })
			if i < 0 {
				continue
			}
			s.taken[it] = true
			r.addPeering(&s.old.LoadBalancer.Peerings[i])
			w.Effect, w.Why = SessionReset, once(w.Why, it.What)
			for _, p := range it.Places {
				step := Step{Text: fmt.Sprintf("The nodes' end: apply CiliumBGPClusterConfig %s of %s, and no other object.", p.Name, p.File)}
				back := Step{Text: fmt.Sprintf("CiliumBGPClusterConfig %s of the former tree.", p.Name)}
				if !slices.ContainsFunc(w.Do, func(o Step) bool { return o.Text == step.Text }) {
					w.Do, w.Back = append(w.Do, step), append(w.Back, back)
				}
			}
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
