package lower

import (
	"maps"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// consulLeaves decides which namespaces can be without Consul's proxies for a while, and in which order.
//
// A proxy finds no pod without one. Consul keeps the address of a Service as that of its service for as long as the
// service has ServiceDefaults or intentions, also when no pod of it is left that has a proxy; what is sent there is then
// refused and not passed on (hashicorp/consul agent/consul/state freeServiceVirtualIP, intentionTopologyTxn; agent/xds
// listeners.go, the match of a chain's virtual addresses; read 2026-11-21). So callers leave before those that they call;
// whom a gateway or another site calls stays, and whom those call; and so do services that call each other in a circle, and
// those that leave by an egress gateway of the site.
func (l *lowering) consulLeaves(g *ir.BreakGlass) {
	if consulIsWAN(l.s) && l.s.Federation.Consul.Primary != l.s.Name {
		g.Out, g.From = nil, append(g.From, "federation.consul", "name") // plain text is the primary's to allow
		called := func(s ir.Service) bool {
			return s.Meshed && slices.ContainsFunc(slices.Concat(s.Callers, s.Peers), func(c ir.Caller) bool { return c.Identity != "" })
		}
		if !slices.ContainsFunc(l.p.Services, called) {
			g.Open = nil // there is nothing to lift
		}
		return
	}
	if consulIsWAN(l.s) {
		g.From = append(g.From, "federation.consul", "name")
		for i := range g.Out { // and this is the primary
			g.Out[i].From = append(g.Out[i].From, "federation.consul", "name")
		}
	}
	calls, within := map[string][]string{}, map[string][]string{} // namespaces, and services of one
	stays := map[string]bool{}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if !s.Meshed {
			continue
		}
		gateway := func(c ir.Caller) bool { return c.Kind == "gateway" }
		if len(s.Peers) > 0 || len(s.Away) > 0 || slices.ContainsFunc(s.Callers, gateway) {
			stays[s.Namespace] = true
		}
		for _, x := range s.Externals {
			if l.s.External[x].Via != "" { // the other end knows the address that the way out gives, not that of a node
				stays[s.Namespace] = true
			}
		}
		for _, c := range s.Callees {
			to := l.find(c.Namespace + "/" + c.Name)
			switch {
			case to.Workload == ir.Machine: // without a proxy nobody finds it
				stays[s.Namespace] = true
			case !to.Meshed || to.Namespace == s.Namespace && to.Name == s.Name:
			case to.Namespace == s.Namespace:
				within[s.Namespace+"/"+s.Name] = append(within[s.Namespace+"/"+s.Name], to.Namespace+"/"+to.Name)
			default:
				calls[s.Namespace] = append(calls[s.Namespace], to.Namespace)
			}
		}
	}
	services := map[string][]string{}
	for i := range l.p.Services {
		if s := &l.p.Services[i]; s.Meshed {
			services[s.Namespace] = append(services[s.Namespace], s.Namespace+"/"+s.Name)
		}
	}
	var names []string
	for _, n := range g.Open {
		ordered := callersFirst(services[n.Name], within)
		if len(ordered) < len(services[n.Name]) {
			stays[n.Name] = true
		}
		services[n.Name] = ordered
		names = append(names, n.Name)
	}
	for list := slices.Sorted(maps.Keys(stays)); len(list) > 0; { // and whom they call
		next := calls[list[0]]
		list = list[1:]
		for _, n := range next {
			if !stays[n] {
				stays[n] = true
				list = append(list, n)
			}
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return stays[n] })
	all := g.Out
	g.Out = nil
	for _, name := range callersFirst(names, calls) {
		g.Out = append(g.Out, all[slices.IndexFunc(all, func(n ir.Namespace) bool { return n.Name == name })])
		for _, service := range services[name] {
			s := l.find(service)
			g.Restarts = append(g.Restarts, ir.Restart{Namespace: s.Namespace, Service: s.Name, Workload: s.Workload, Labels: s.Labels})
		}
	}
	l.consulPlain(g)
}

// consulPlain is what the network has to admit besides: policies know the port of proxies alone.
func (l *lowering) consulPlain(g *ir.BreakGlass) {
	leaves := func(namespace string) bool {
		return slices.ContainsFunc(g.Out, func(n ir.Namespace) bool { return n.Name == namespace })
	}
	for i := range l.p.Services {
		s := l.p.Services[i]
		if !s.Meshed {
			continue
		}
		callers, callees, externals := s.Callers, s.Callees, s.Externals
		s.Callers, s.Callees, s.Peers, s.Away, s.Externals = nil, nil, nil, nil, nil
		s.EdgesFrom = slices.Concat(g.From, s.EdgesFrom)
		for _, c := range callers {
			if c.Tunnel && leaves(c.Namespace) {
				c.Tunnel = false
				s.Callers = append(s.Callers, c)
			}
		}
		if leaves(s.Namespace) {
			s.Meshed = false
			for _, x := range externals { // past the way out, to which a proxy alone leads
				if slices.ContainsFunc(l.p.Externals, func(e ir.External) bool { return e.Name == x && e.Through != nil }) {
					s.Externals = append(s.Externals, x)
				}
			}
			for _, c := range callees {
				if c.Tunnel {
					c.Tunnel = false
					s.Callees = append(s.Callees, c)
				}
			}
		} else {
			s.Health = nil // as it is
		}
		if len(s.Callers)+len(s.Callees)+len(s.Externals) > 0 || s.Health != nil {
			g.Plain = append(g.Plain, s)
		}
	}
}

// callersFirst puts names in an order in which who calls comes before whom it calls. Those that call each other in a
// circle, and whom they call, are left out.
func callersFirst(names []string, calls map[string][]string) []string {
	callers := map[string]int{}
	among := map[string]bool{}
	for _, n := range names {
		among[n] = true
	}
	for _, n := range names {
		for _, to := range calls[n] {
			callers[to]++
		}
	}
	var out []string
	for _, n := range names {
		if callers[n] == 0 {
			out = append(out, n)
		}
	}
	for i := 0; i < len(out); i++ {
		for _, to := range calls[out[i]] {
			if callers[to]--; callers[to] == 0 && among[to] {
				out = append(out, to)
			}
		}
	}
	return out
}
