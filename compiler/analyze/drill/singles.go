package drill

import (
	"fmt"
	"slices"
	"strings"
)

// Singles returns every failure of one thing, kind by kind in the order of the kinds' constants, by name within a kind.
func (s *Site) Singles() []Failure {
	var out []Failure
	add := func(kind string, names []string) {
		slices.Sort(names)
		for _, n := range slices.Compact(names) {
			out = append(out, Failure{kind, n})
		}
	}
	var workers, control, tors, spines, racks, zones, sources, gateways []string
	for i := range s.plan.Nodes {
		if n := &s.plan.Nodes[i]; n.ControlPlane {
			control = append(control, n.Name)
		} else {
			workers = append(workers, n.Name)
		}
	}
	for i := range s.plan.Racks {
		r := &s.plan.Racks[i]
		racks, tors, zones = append(racks, r.Name), append(tors, r.ToRs...), append(zones, r.Zone)
	}
	for i := range s.plan.Switches {
		if sw := &s.plan.Switches[i]; sw.Role == "spine" {
			spines = append(spines, sw.Hostname)
		}
		for _, u := range s.plan.Switches[i].Uplinks {
			if s.plan.Switches[i].Role == "tor" {
				spines = append(spines, u.Spine)
			}
		}
	}
	for i := range s.plan.Groups {
		for _, src := range s.plan.Groups[i].Time.Sources {
			if s.nodes[src.Name] == nil {
				sources = append(sources, src.Name)
			}
		}
	}
	for i := range s.plan.Gateways {
		gateways = append(gateways, s.plan.Gateways[i].Name)
	}
	add(Node, workers)
	add(ControlPlane, control)
	add(ToR, tors)
	add(Spine, spines)
	add(Rack, racks)
	add(Zone, zones)
	add(TimeSource, sources)
	add(GatewayPod, gateways)
	return out
}

// Kinds of failure, in the order of Singles.
var Kinds = []string{Node, ControlPlane, ToR, Spine, Rack, Zone, TimeSource, GatewayPod}

// Pairs returns every two failures of two kinds that happen at the same time, each pair once. The error names a kind that
// there is not.
func (s *Site) Pairs(first, second string) ([][]Failure, error) {
	of := func(kind string) (out []Failure, err error) {
		if !slices.Contains(Kinds, kind) {
			return nil, fmt.Errorf("%q: kinds are %s", kind, strings.Join(Kinds, ", "))
		}
		for _, f := range s.Singles() {
			if f.Kind == kind {
				out = append(out, f)
			}
		}
		return out, nil
	}
	a, err := of(first)
	if err != nil {
		return nil, err
	}
	b, err := of(second)
	if err != nil {
		return nil, err
	}
	var out [][]Failure
	for i, x := range a {
		for k, y := range b {
			if first != second || k > i {
				out = append(out, []Failure{x, y})
			}
		}
	}
	return out, nil
}

// Parse reads "rack=r1,tor=r1-a": failures that happen at the same time. The error names what the site has not.
func (s *Site) Parse(text string) ([]Failure, error) {
	all := s.Singles()
	var out []Failure
	for part := range strings.SplitSeq(text, ",") {
		kind, name, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("%q: a failure is KIND=NAME, as in rack=r1", part)
		}
		f := Failure{kind, name}
		if kind == Node && slices.Contains(all, Failure{ControlPlane, name}) {
			f.Kind = ControlPlane
		}
		if !slices.Contains(all, f) {
			var names []string
			for _, o := range all {
				if o.Kind == kind {
					names = append(names, o.Name)
				}
			}
			if names == nil {
				return nil, fmt.Errorf("%q: kinds are %s", part, strings.Join([]string{Node, ToR, Spine, Rack, Zone, TimeSource, GatewayPod}, ", "))
			}
			return nil, fmt.Errorf("%q: the site has no such %s, but %s", part, kind, strings.Join(names, ", "))
		}
		out = append(out, f)
	}
	return out, nil
}
