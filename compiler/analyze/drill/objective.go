package drill

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Break is a part of the site that a loss takes below what is promised.
type Break struct {
	Failure Failure
	Text    string // "gateway public keeps 1 of 3 pods, 33 %"
	Gateway string // name, where it is about one
}

// Breaks returns what the site's objective does not hold for: every loss of a kind that it promises to survive, one at a
// time. Nil where nothing is promised.
func (s *Site) Breaks(o *ir.Resilience) []Break {
	if o == nil {
		return nil
	}
	var out []Break
	for _, f := range s.Singles() {
		if Promised(o, f.Kind) {
			out = append(out, s.Fail(f).breaks(f, o.MinimumCapacity)...)
		}
	}
	return out
}

// Promised reports whether an objective holds for losses of a kind. A node of the control plane is a node.
func Promised(o *ir.Resilience, kind string) bool {
	return o != nil && (slices.Contains(o.Survive, kind) || kind == ControlPlane && slices.Contains(o.Survive, Node))
}

// Broken returns what the site's objective does not hold for after one loss; nothing where it promises none of its kind.
func (r Result) Broken(o *ir.Resilience) []Break {
	if len(r.Failures) != 1 || !Promised(o, r.Failures[0].Kind) {
		return nil
	}
	return r.breaks(r.Failures[0], o.MinimumCapacity)
}

// Short returns what of an objective would not hold if it were about this result, whatever failed.
func (r Result) Short(o *ir.Resilience) []string {
	var out []string
	if o != nil {
		for _, b := range r.breaks(Failure{}, o.MinimumCapacity) {
			out = append(out, b.Text)
		}
	}
	return out
}

func (r Result) breaks(f Failure, least int) []Break {
	var out []Break
	add := func(gateway, format string, args ...any) {
		out = append(out, Break{f, fmt.Sprintf(format, args...), gateway})
	}
	if !r.ControlPlane.Kept && r.ControlPlane.Of > 0 {
		add("", "the control plane keeps %d of %d nodes, which is no majority", r.ControlPlane.Left, r.ControlPlane.Of)
	}
	for _, g := range r.Gateways {
		if g.Pods.Of == 0 {
			continue
		}
		if 100*g.Pods.Left < least*g.Pods.Of {
			add(g.Name, "gateway %s keeps %d of %d pods, %d %%", g.Name, g.Pods.Left, g.Pods.Of, g.Pods.Percent())
		}
		for _, v := range g.VIPs {
			if !v.Reachable && g.Pods.Left > 0 {
				add(g.Name, "address %s of gateway %s is announced by nobody", v.Address, g.Name)
			}
		}
	}
	return out
}

// Worst returns, for a kind of failure, the single failure that leaves a gateway with the smallest part of its pods; ok is
// false where the site has nothing of the kind.
func (s *Site) Worst(kind string) (worst Result, ok bool) {
	least := 101
	for _, f := range s.Singles() {
		if f.Kind != kind && !(kind == Node && f.Kind == ControlPlane) {
			continue
		}
		r := s.Fail(f)
		left := 100
		for _, g := range r.Gateways {
			left = min(left, g.Pods.Percent())
		}
		if left < least {
			worst, ok, least = r, true, left
		}
	}
	return worst, ok
}
