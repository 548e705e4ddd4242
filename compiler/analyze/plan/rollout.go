package plan

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
)

// Rollout is a change of one site with its consequences and steps.
type Rollout struct {
	Site     string
	Old, New string      // what the states are called
	Edits    []diff.Edit // of the description
	Items    []Item      // by component
	Worst    Effect
	Radius   Radius // of everything that an effect beyond Nothing has
	Waves    []Wave
	Windows  []ir.Window // in which switches and machines are changed; none: at any time
	Budget   Budget
	Delivery string // "kustomize", "argocd", "flux"
}

// Budget is how much a wave holds.
type Budget struct {
	Racks  int  `json:"racksAtOnce"`
	Nodes  int  `json:"nodesAtOnce"`
	Stated bool `json:"stated"` // by changeBudget; otherwise one rack, and a fifth of the machines
}

// Wave is what is done before anybody looks.
type Wave struct {
	Title  string
	Effect Effect
	Why    []string // what follows, for people; without repetition
	Do     []Step
	Check  []string // commands
	Back   []Step
	Radius Radius
	Window bool   // only in a maintenance window
	Hint   string // "" where the order is plain
}

// Step is something to do: words, and commands or lines to paste.
type Step struct {
	Text  string   `json:"text"`
	Lines []string `json:"lines"`
}

// Defaults of a site without changeBudget, as the language has them where it is given.
const (
	defaultRacks   = 1
	defaultPercent = 20
)

// New works out how a site comes from one state to the other.
func New(r *diff.Result, old, new *ir.Plan) *Rollout {
	out := &Rollout{Site: new.Name, Old: r.Old, New: r.New, Items: items(r, new.Name), Windows: new.Changes.Windows, Delivery: new.Delivery.Kind}
	for _, e := range r.Edits {
		if e.Site == new.Name {
			out.Edits = append(out.Edits, e)
		}
	}
	out.Budget = budget(old, new)
	s := &staging{known: newKnown(old, new), out: out}
	s.stage()
	all := newReach()
	for i := range out.Waves {
		w := &out.Waves[i]
		out.Worst = max(out.Worst, w.Effect)
		all.add(&w.Radius)
	}
	out.Radius = s.done(all)
	for i := range out.Radius.VIPs { // waves come one after the other: the fewest that are left in any of them
		v := &out.Radius.VIPs[i]
		v.Left = v.Of
		for _, w := range out.Waves {
			for _, o := range w.Radius.VIPs {
				if o.Address == v.Address {
					v.Left = min(v.Left, o.Left)
				}
			}
		}
	}
	return out
}

// add takes what a wave reaches.
func (r *reach) add(w *Radius) {
	for _, p := range []struct {
		into map[string]bool
		from []string
	}{{r.nodes, w.Nodes}, {r.racks, w.Racks}, {r.switches, w.Switches}, {r.namespaces, w.Namespaces}} {
		for _, n := range p.from {
			p.into[n] = true
		}
	}
	for _, s := range w.Sessions {
		r.sessions[s] = true
	}
	for _, v := range w.VIPs {
		r.gateways[v.Owner] = true
	}
}

func budget(old, new *ir.Plan) Budget {
	b := Budget{Racks: new.Changes.RacksAtOnce, Stated: new.Changes.NodesPercent > 0}
	percent := new.Changes.NodesPercent
	if !b.Stated {
		b.Racks, percent = defaultRacks, defaultPercent
	}
	b.Nodes = max(1, len(old.Nodes)*percent/100)
	return b
}

// run is a command of checks/run.sh.
func (s *staging) run(what string) string { return "checks/run.sh -s " + s.new.Name + " " + what }

// some lists names, and how many there are beyond a handful.
func some(names []string) string {
	const most = 6
	if n := len(names); n > most {
		return strings.Join(names[:most], ", ") + " and " + count(n-most, "other")
	}
	return strings.Join(names, ", ")
}

// once adds a text that is not there yet.
func once(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}
