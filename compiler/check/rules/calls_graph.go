package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/site"
)

// callGraph is who calls whom within the site. Calls that lead back to a service on the way are cut off, so that what
// is left has no circle.
type callGraph struct {
	order   []string // by namespace and name
	nodes   map[string]placed
	out     map[string][]string // callees, without those that close a circle
	in      map[string][]string // callers, likewise
	circles []circle
	memo    map[string]amplified
	tails   map[string]bool
}

// circle is the call that closes a circle, and the services on it.
type circle struct {
	from  string
	call  int
	names []string
}

type amplified struct {
	n     int
	chain []string // the services that retry, the last at the end
}

func newCallGraph(s *site.Site) *callGraph {
	g := &callGraph{
		nodes: map[string]placed{}, out: map[string][]string{}, in: map[string][]string{},
		memo: map[string]amplified{}, tails: map[string]bool{},
	}
	for sv := range services(s) {
		g.order = append(g.order, sv.full())
		g.nodes[sv.full()] = sv
	}
	// Depth first without recursion: a chain of calls may be as long as the site has services.
	const fresh, open, done = 0, 1, 2
	state, closed := map[string]int{}, map[string]bool{}
	type frame struct {
		name string
		next int
	}
	for _, root := range g.order {
		if state[root] != fresh {
			continue
		}
		state[root] = open
		stack := []frame{{root, 0}}
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			calls := g.nodes[f.name].Calls
			if f.next == len(calls) {
				state[f.name] = done
				stack = stack[:len(stack)-1]
				continue
			}
			i := f.next
			f.next++
			to := calls[i]
			if _, ok := g.nodes[to]; !ok || to == f.name || slices.Index(calls, to) != i {
				continue
			}
			if state[to] == open && closed[to] {
				continue // one circle through a service is enough to say
			}
			if state[to] == open {
				closed[to] = true
				c := circle{from: f.name, call: i}
				start := slices.IndexFunc(stack, func(x frame) bool { return x.name == to })
				for _, x := range stack[start:] {
					c.names = append(c.names, x.name)
				}
				c.names = append(c.names, to)
				g.circles = append(g.circles, c)
				continue
			}
			g.out[f.name] = append(g.out[f.name], to)
			g.in[to] = append(g.in[to], f.name)
			if state[to] == fresh {
				state[to] = open
				stack = append(stack, frame{to, 0})
			}
		}
	}
	g.amplify()
	return g
}

// amplify works out all services in an order in which callers come before callees.
func (g *callGraph) amplify() {
	left := map[string]int{}
	var ready, sorted []string
	for _, name := range g.order {
		left[name] = len(g.in[name])
		if left[name] == 0 {
			ready = append(ready, name)
		}
	}
	for len(ready) > 0 {
		name := ready[0]
		ready = ready[1:]
		sorted = append(sorted, name)
		best := amplified{n: 1}
		for _, caller := range g.in[name] {
			if a := g.memo[caller]; a.n > best.n {
				best = a
			}
		}
		if r := g.nodes[name].Retries; r != nil {
			// A product of many factors would overflow: past a million the number says nothing more.
			if best.n < 1_000_000 {
				best = amplified{n: best.n * (1 + r.Attempts), chain: append(slices.Clip(best.chain), name)}
			}
		}
		g.memo[name] = best
		for _, to := range g.out[name] {
			if left[to]--; left[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	for _, name := range slices.Backward(sorted) {
		for _, to := range g.out[name] {
			g.tails[name] = g.tails[name] || g.tails[to] || g.nodes[to].Retries != nil
		}
	}
}

// amplification is how many requests one request of a client becomes at a service, and whose retries make them.
func (g *callGraph) amplification(name string) (int, []string) {
	return g.memo[name].n, g.memo[name].chain
}

// last reports whether no service behind this one retries.
func (g *callGraph) last(name string) bool { return !g.tails[name] }
