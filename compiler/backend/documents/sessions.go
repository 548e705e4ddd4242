package documents

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// sessions writes SESSIONS.md: each session once, with both of its ends.
func sessions(p *ir.Plan, t *artifact.Tree) {
	from := []string{"fabric", "racks", "pools", "gateways", "nodeClasses", "loadBalancer"}
	if p.Calico != nil {
		from = append(from, "kubernetes")
		if len(p.Calico.Elsewhere) > 0 {
			from = append(from, "federation")
		}
	}
	m := backend.Document(p, t, "SESSIONS.md", "BGP sessions of "+p.Name, from...)
	taken := "the addresses of the pools below, one by one"
	switch {
	case p.Calico != nil:
		taken = "the ranges of pods below, at their one length,"
	case withdrawalOf(p).PodsRouted:
		taken += ", and its range of pods: nodes that announce no address have a session for that alone"
	}
	m.Text("Nodes open their sessions; switches wait. Both ends are printed from the same facts. A switch takes from a node " + taken + ", and gives it no route.")
	m.Heading("Nodes and switches")
	if len(p.LoadBalancer.Peerings) == 0 {
		m.Text("There are none.")
	} else {
		m.Head("node", "address", "AS", "switch", "address", "AS", "hold / keepalive", "BFD", "password Secret", "max prefixes", "pools", peerColumn(p))
		for i := range p.LoadBalancer.Peerings {
			s := &p.LoadBalancer.Peerings[i]
			for _, sp := range s.Speakers {
				m.Row(code(sp.Node), code(sp.Address.String()), number(s.NodeASN), code(s.Switch), code(s.SwitchAddress.String()), number(s.SwitchASN),
					timers(s.HoldSecs, s.KeepaliveSecs), bfd(s.BFD), secret(p, s.PasswordSecret), number(s.MaxPrefixes), codes(s.Pools), code(s.Name))
			}
		}
		if restart := p.LoadBalancer.Peerings[0].RestartSecs; restart != 0 {
			m.Text(fmt.Sprintf("Graceful restart: while a speaker restarts its switch keeps its routes, for %d s at most. A node that is switched off keeps its share of connections for as long if its speaker ends first: drain it, and wait until its addresses are withdrawn.", restart))
		}
		if p.LoadBalancer.Peerings[0].RefuseRestart {
			m.Text("Graceful restart: speakers ask for it in any case, for no time here, and switches refuse. The routes of a node end with its session, those of a dead one with its hold time: drain a node before its speaker is made anew, and restart one speaker at a time.")
		}
		if p.Calico != nil {
			m.Text("Maximum prefixes: twice the blocks that a node may have. Above it the switch closes the session.")
		} else {
			m.Text("Maximum prefixes: twice the declared addresses that the switch may take. Above it the switch closes the session.")
		}
	}
	calicoRanges(m, p)
	cables(m, p)
	layer2(m, p)
	m.Heading("Switches and spines")
	links := 0
	for i := range p.Switches {
		if p.Switches[i].Role == "tor" {
			links += len(p.Switches[i].Uplinks)
		}
	}
	if links == 0 {
		m.Text("There are none.")
		return
	}
	m.Head("switch", "port or address", "AS", "spine", "port or address", "AS", "hold / keepalive", "BFD")
	bound := false
	for i := range p.Switches {
		if p.Switches[i].Role != "tor" {
			continue
		}
		for _, u := range p.Switches[i].Uplinks {
			bound = bound || u.TTLSecurity
			here, there := u.Interface, u.SpineInterface
			if u.Address.IsValid() {
				here, there = u.Address.String(), u.SpineAddress.String()
			}
			m.Row(code(u.Switch), code(here), number(u.SwitchASN), code(u.Spine), code(there), number(u.SpineASN), timers(u.HoldSecs, u.KeepaliveSecs), bfd(u.BFD))
		}
	}
	if bound {
		m.Text("TTL security: both ends send these sessions' packets with TTL 255 and take no other, so load both ends of a link at once. Sessions with nodes are without it: their speakers send TTL 1.")
	}
	m.Text("A session without an address runs over the link's own IPv6 addresses. These sessions have no password and no limit of prefixes: their filters take this site's pools and guard its ranges.")
}

// peerColumn says what the last column names: the object with the node's end, or the session, where that has none.
func peerColumn(p *ir.Plan) string {
	if p.Calico != nil {
		return "BGPPeer"
	}
	if kind := peerObjects[p.LoadBalancer.Kind]; kind != "" {
		return kind
	}
	return "session"
}

func timers(hold, keepalive int) string { return fmt.Sprintf("%d s / %d s", hold, keepalive) }

func bfd(b *ir.BFD) string {
	if b == nil {
		return "none"
	}
	return fmt.Sprintf("%d ms x %d", b.IntervalMS, b.Multiplier)
}

func secret(p *ir.Plan, name string) string {
	if name == "" {
		return "none"
	}
	return code(p.SessionNamespace() + "/" + name)
}
