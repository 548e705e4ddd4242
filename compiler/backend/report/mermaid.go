package report

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// mostEdges is how many lines a diagram may have before racks are drawn as one box each. Mermaid refuses more than 500
// (maxEdges, mermaid 11 configuration schema, 2026-11-21), and a forge's readers are lost long before.
const mostEdges = 120

// mermaid writes TOPOLOGY.md: the picture in words that forges draw where they show a change.
func mermaid(p *ir.Plan, t *artifact.Tree) {
	m := backend.Document(p, t, "TOPOLOGY.md", "Topology of "+p.Name, shape...)
	m.Text(describe(p))
	m.Text("The same as a picture: [topology.svg](topology.svg). All about the site on one page: [index.html](index.html).")
	m.Text("```mermaid\n" + strings.Join(flowchart(p, edges(p) > mostEdges), "\n") + "\n```")
}

// edges counts the lines of a diagram of everything.
func edges(p *ir.Plan) (n int) {
	for i := range p.Switches {
		if p.Switches[i].Role == "tor" {
			n += len(p.Switches[i].Uplinks)
		}
	}
	for i := range p.LoadBalancer.Peerings {
		n += len(p.LoadBalancer.Peerings[i].Speakers)
	}
	for i := range p.Pools {
		n += len(p.Pools[i].VIPs) * len(p.Pools[i].Announcers)
	}
	return n
}

// chart is a flowchart in the making.
type chart struct {
	lines  []string
	ids    map[string]string // switch, rack or address to its node
	joined map[[2]string]bool
}

func (c *chart) linef(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// node names a thing; the text of a label is in quotes, where a quote is an entity.
func (c *chart) node(indent, kind, key, open, label, end string) {
	id := fmt.Sprintf("%s%d", kind, len(c.ids))
	c.ids[key] = id
	c.linef(`%s%s%s"%s"%s`, indent, id, open, quoted(label), end)
}

// quoted is the text of a label, which stands in quotes.
func quoted(label string) string { return strings.ReplaceAll(label, `"`, "#quot;") }

func (c *chart) edge(from, line, to string) {
	a, b := c.ids[from], c.ids[to]
	if a == "" || b == "" || c.joined[[2]string{a, b}] { // two address families have two sessions
		return
	}
	c.joined[[2]string{a, b}] = true
	c.linef("  %s %s %s", a, line, b)
}

// flowchart draws the site; folded, with one box a rack and one for all spines.
func flowchart(p *ir.Plan, folded bool) []string {
	c := &chart{ids: map[string]string{}, joined: map[[2]string]bool{}}
	c.linef("flowchart TB")
	for i := range p.Pools {
		for _, v := range p.Pools[i].VIPs {
			c.node("  ", "vip", v.Address.String(), "([", v.Address.String()+"<br/>"+v.Gateway+v.Exposure, "])")
		}
	}
	spines, _ := switches(p)
	if folded && spines > 0 {
		c.node("  ", "spine", "spines", "[", count(spines, "spine", "spines"), "]")
	}
	for i := range p.Switches {
		if s := &p.Switches[i]; s.Role == "spine" && !folded {
			c.node("  ", "spine", s.Hostname, "[", fmt.Sprintf("%s<br/>AS %d", s.Hostname, s.ASN), "]")
		}
	}
	byRack := map[string][]*ir.Node{}
	for i := range p.Nodes {
		byRack[p.Nodes[i].Rack] = append(byRack[p.Nodes[i].Rack], &p.Nodes[i])
	}
	for i := range p.Racks {
		r := &p.Racks[i]
		if folded {
			c.node("  ", "rack", "rack "+r.Name, "[", "rack "+r.Name+"<br/>"+count(len(r.ToRs), "switch", "switches")+"<br/>"+count(len(byRack[r.Name]), "machine", "machines"), "]")
			continue
		}
		c.rack(p, r, byRack[r.Name])
	}
	c.uplinks(p, folded)
	c.announced(p, folded)
	return c.lines
}

// rack writes the switches and machines of a rack. Machines without a session are counted by class.
func (c *chart) rack(p *ir.Plan, r *ir.Rack, nodes []*ir.Node) {
	c.linef(`  subgraph rack%d["rack %s"]`, len(c.ids), quoted(r.Name))
	for _, t := range r.ToRs {
		label := t
		if k := slices.IndexFunc(p.Switches, func(s ir.Switch) bool { return s.Hostname == t }); k >= 0 && p.Switches[k].ASN != 0 {
			label = fmt.Sprintf("%s<br/>AS %d", t, p.Switches[k].ASN)
		}
		c.node("    ", "tor", t, "[", label, "]")
	}
	var classes []string
	others := map[string]int{}
	for _, n := range nodes {
		if n.Speaker {
			c.node("    ", "node", n.Name, "(", n.Name+"<br/>"+n.Class, ")")
			continue
		}
		if others[n.Class]++; others[n.Class] == 1 {
			classes = append(classes, n.Class)
		}
	}
	for _, class := range classes {
		c.node("    ", "node", "class "+r.Name+" "+class, "(", count(others[class], "machine", "machines")+"<br/>"+class, ")")
	}
	c.linef("  end")
	for i := range p.LoadBalancer.Peerings {
		s := &p.LoadBalancer.Peerings[i]
		if s.Rack != r.Name {
			continue
		}
		for _, sp := range s.Speakers {
			c.edge(s.Switch, "---", sp.Node)
		}
	}
}

func (c *chart) uplinks(p *ir.Plan, folded bool) {
	if folded {
		for i := range p.Racks {
			c.edge("spines", "---", "rack "+p.Racks[i].Name)
		}
		return
	}
	for i := range p.Switches {
		s := &p.Switches[i]
		for _, u := range s.Uplinks {
			if s.Role == "tor" {
				c.edge(u.Spine, "---", s.Hostname)
			}
		}
	}
}

// announced leads from each address to who announces it.
func (c *chart) announced(p *ir.Plan, folded bool) {
	for i := range p.Pools {
		pool := &p.Pools[i]
		for _, v := range pool.VIPs {
			to := pool.Announcers
			if folded {
				to = nil
				if !pool.AllRacks { // lines to all of them would say nothing
					to = pool.Racks
				}
			}
			for _, name := range to {
				if folded {
					name = "rack " + name
				}
				c.edge(v.Address.String(), "-.->", name)
			}
		}
	}
}
