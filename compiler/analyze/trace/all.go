package trace

import (
	"slices"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/ir"
)

// Cell is one pair of the matrix: a caller and a port of a service, or a host name of a gateway and a path.
type Cell struct {
	From, To string
	Gateway  string
	Port     uint16
	Path     string   // of a host name
	Asked    []*Trace // every kind of request that differs
}

// Open reports how many of the requests arrive.
func (c *Cell) Open() int {
	n := 0
	for _, t := range c.Asked {
		if t.Open {
			n++
		}
	}
	return n
}

// All asks for everything: each service that runs as pods, at each port of each service, with each method and path that
// policies tell apart, and a client outside for each host name and path of each gateway.
func (t *Tracer) All() []Cell {
	var out []Cell
	for i := range t.world.Workloads {
		from := &t.world.Workloads[i]
		if from.Gateway || from.Machine {
			continue
		}
		for k := range t.world.Workloads {
			if to := &t.world.Workloads[k]; !to.Gateway && i != k {
				out = append(out, t.pair(from, to)...)
			}
		}
	}
	for i := range t.plan.Gateways {
		out = append(out, t.ways(&t.plan.Gateways[i])...)
	}
	return out
}

func (t *Tracer) pair(from, to *policy.Workload) []Cell {
	var out []Cell
	methods, paths := []string{""}, []string{"/"}
	if s := t.service(to.Namespace, to.Name); s != nil {
		for _, c := range s.Callers {
			methods = append(methods, c.Methods...)
			for _, p := range c.Paths {
				paths = append(paths, p.Value)
			}
		}
	}
	methods, paths = distinct(methods), distinct(paths)
	for _, p := range to.Ports {
		c := Cell{From: from.Namespace + "/" + from.Name, To: to.Namespace + "/" + to.Name, Port: p.Port}
		for _, method := range methods {
			for _, path := range paths {
				if !ir.IsHTTP(p.Protocol) && (method != "" || path != "/") || ir.IsHTTP(p.Protocol) && method == "" && slices.Contains(methods, "GET") {
					continue
				}
				q, err := complete(Question{From: c.From, To: c.To, Port: p.Port, Method: method, Path: path}, to)
				if err == nil {
					c.Asked = append(c.Asked, t.inside(q, from, to))
				}
			}
		}
		out = append(out, c)
	}
	return out
}

// ways are the host names of a gateway with the paths that are exposed, and the path above them all.
func (t *Tracer) ways(g *ir.Gateway) []Cell {
	var out []Cell
	for k := range g.Listeners {
		l := &g.Listeners[k]
		for _, h := range l.Hosts {
			if h.Host == "" || g.Pool == "" || l.TLS != nil && l.TLS.Mode == acrossSites {
				continue
			}
			paths := []string{"/"}
			for i := range t.plan.Services {
				for _, x := range t.plan.Services[i].Exposes {
					if x.Gateway == g.Name && x.Host == h.Host && x.Path.Value != "" {
						paths = append(paths, x.Path.Value)
					}
				}
			}
			if !l.SeesRequests() {
				paths = []string{""}
			}
			for _, path := range distinct(paths) {
				q := Question{To: h.Host, Port: l.Port, Path: path}
				if path != "" {
					q.Method = "GET"
				}
				out = append(out, Cell{To: h.Host, Gateway: g.Name, Port: l.Port, Path: path, Asked: []*Trace{t.outside(q, g, l)}})
			}
		}
	}
	return out
}

// distinct sorts a list, each once.
func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
