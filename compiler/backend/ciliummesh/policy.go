package ciliummesh

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// policies writes who may reach what. A direction without rules is closed by the NetworkPolicy default-deny.
func policies(p *ir.Plan, t *artifact.Tree, m *ir.CiliumMesh) {
	if c := m.Clients; c.Name != "" {
		o := backend.NewWriter(p, t, backend.Policy, "CiliumClusterwideNetworkPolicy")
		o.Add(backend.Meta{APIVersion: v2, Name: c.Name, From: c.From}, func(y *artifact.YAML) {
			y.Comment("Gateways are for clients outside: pods call services.")
			y.Map("spec", func() {
				y.Map("endpointSelector", func() {
					backend.Expressions(y, ir.Selector{Terms: []ir.Term{{Key: "reserved:ingress"}}})
				})
				y.Seq("ingress", func() { y.Item(func() { y.KV("fromEntities", []string{"world"}) }) })
			})
		})
	}
	write(p, t, backend.Policy, m.Policies)
	if g := p.BreakGlass; g != nil {
		write(p, t, backend.BreakGlassOpen, g.Policies)
	}
}

func write(p *ir.Plan, t *artifact.Tree, phase backend.Phase, list []ir.CiliumPolicy) {
	o := backend.NewWriter(p, t, phase, "CiliumNetworkPolicy")
	for i := range list {
		c := &list[i]
		o.Add(backend.Meta{APIVersion: v2, Namespace: c.Namespace, Name: c.Name, From: c.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Map("endpointSelector", func() { backend.Pairs(y, "matchLabels", c.Selector) })
				rules(y, "ingress", "from", c.Ingress)
				rules(y, "egress", "to", c.Egress)
			})
		})
	}
}

func rules(y *artifact.YAML, key, side string, list []ir.CiliumRule) {
	if len(list) == 0 {
		return
	}
	y.Seq(key, func() {
		for i := range list {
			r := &list[i]
			y.From("", r.From...)
			y.Comment(r.Reason)
			y.Item(func() {
				peer(y, side, r)
				if r.Proves {
					y.Map("authentication", func() { y.KV("mode", "required") })
				}
				if len(r.Ports) > 0 {
					y.Seq("toPorts", func() { y.Item(func() { ports(y, r) }) })
				}
			})
			y.Fixed()
		}
	})
}

// peer writes who is at the other end.
func peer(y *artifact.YAML, side string, r *ir.CiliumRule) {
	switch {
	case len(r.Labels) > 0:
		y.Seq(side+"Endpoints", func() { y.Item(func() { backend.Pairs(y, "matchLabels", r.Labels) }) })
	case r.Entity != "":
		y.KV(side+"Entities", []string{r.Entity})
	case len(r.Networks) > 0:
		y.KV(side+"CIDR", ir.Prefixes(r.Networks))
	default:
		y.Seq(side+"FQDNs", func() {
			for _, name := range r.Names {
				y.Item(func() {
					if name[0] == '*' {
						y.KV("matchPattern", name)
					} else {
						y.KV("matchName", name)
					}
				})
			}
		})
	}
}

func ports(y *artifact.YAML, r *ir.CiliumRule) {
	y.Seq("ports", func() {
		for _, p := range r.Ports {
			y.Item(func() {
				y.KV("port", strconv.Itoa(int(p.Number)))
				y.KV("protocol", p.Protocol)
			})
		}
	})
	if r.DNS {
		y.Comment("By way of the agent: it lets out to the addresses that it has seen in answers.")
		backend.Nested(y, []string{"rules"}, func() {
			y.Seq("dns", func() { y.Item(func() { y.KV("matchPattern", "*") }) })
		})
	}
	if len(r.HTTP) == 0 {
		return
	}
	y.Comment("Each is held against all of a path, with its query.")
	backend.Nested(y, []string{"rules"}, func() {
		y.Seq("http", func() {
			for _, q := range r.HTTP {
				y.Item(func() {
					for _, f := range []struct{ key, value string }{{"method", q.Method}, {"path", q.Path}, {"host", q.Host}} {
						if f.value != "" {
							y.KV(f.key, f.value)
						}
					}
				})
			}
		})
	})
}
