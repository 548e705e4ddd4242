package rules

import (
	"cmp"
	"math"
	"strings"

	"meshgen.dev/meshgen/compiler/profile"
)

// axis is something that all parties of a site share one release of.
type axis string

const (
	onKubernetes axis = "Kubernetes"
	onGatewayAPI axis = "Gateway API"
)

// spoken is how a sentence names it.
func (x axis) spoken() string {
	if x == onGatewayAPI {
		return "the Gateway API"
	}
	return string(x)
}

// windows are the releases that a party accepts, by axis; what is not there it does not care about.
type windows map[axis]profile.Window

// candidate is one release of a party.
type candidate struct {
	version string
	accepts windows
	ended   bool // it is past its end of life
}

// choice is a party with the releases that are known of it, oldest first.
type choice struct {
	name     string
	releases []candidate
}

// answer is a set of releases, one a choice in their order, and what they leave of each axis.
type answer struct {
	picks  []candidate
	shared windows
}

// solve returns the newest set of releases, one of each choice, with a common release on every axis: as few as can be
// past their end of life, then as few steps back as can be, the first choices back last. given are windows that hold
// whatever is chosen. It is false where no set works.
//
// The search is exhaustive: choices are few, and each has a handful of release lines.
func solve(choices []choice, given windows) (answer, bool) {
	var best answer
	var bestCost []int
	picks := make([]candidate, 0, len(choices))
	var descend func(shared windows, cost []int)
	descend = func(shared windows, cost []int) {
		at := len(picks)
		if at == len(choices) {
			if bestCost == nil || lessThan(cost, bestCost) {
				best, bestCost = answer{append([]candidate(nil), picks...), shared}, cost
			}
			return
		}
		rows := choices[at].releases
		for i := len(rows) - 1; i >= 0; i-- {
			both, ok := narrow(shared, rows[i].accepts)
			if !ok {
				continue
			}
			back := len(rows) - 1 - i
			next := append(append([]int{cost[0], cost[1] + back}, cost[2:]...), back)
			if rows[i].ended {
				next[0]++
			}
			picks = append(picks, rows[i])
			descend(both, next)
			picks = picks[:at]
		}
	}
	descend(given, []int{0, 0})
	return best, bestCost != nil
}

func lessThan(a, b []int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// narrow returns what two sets of windows leave of each axis, or false where that is nothing on one of them.
func narrow(a, b windows) (windows, bool) {
	out := windows{}
	for k, w := range a {
		out[k] = w
	}
	for k, w := range b {
		have, ok := out[k]
		if !ok {
			out[k] = w
			continue
		}
		both, ok := intersect(have, w)
		if !ok {
			return nil, false
		}
		out[k] = both
	}
	return out, true
}

// intersect returns the releases that lie in both windows, or false where there are none.
func intersect(a, b profile.Window) (profile.Window, bool) {
	lo, hi := a.Min, a.Max
	if profile.CompareVersions(b.Min, lo) > 0 {
		lo = b.Min
	}
	if b.Max != "" && (hi == "" || compareCeilings(b.Max, hi) < 0) {
		hi = b.Max
	}
	both := profile.Window{Min: lo, Max: hi}
	return both, both.Contains(lo)
}

// compareCeilings orders upper bounds: a number that is left out is any, so "1.36" is above "1.36.3".
func compareCeilings(a, b string) int {
	x, y := ceiling(a), ceiling(b)
	for i := range x {
		if c := cmp.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return 0
}

func ceiling(s string) [3]int {
	v, err := profile.ParseVersion(s)
	if err != nil {
		return [3]int{}
	}
	out := [3]int{v.Major, v.Minor, v.Patch}
	for i := 1 + strings.Count(s, "."); i < len(out); i++ {
		out[i] = math.MaxInt
	}
	return out
}
