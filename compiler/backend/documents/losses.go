package documents

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/drill"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// losses says, for each kind of loss that the site promises to survive, what the worst one leaves.
func losses(m *backend.Markdown, p *ir.Plan) {
	o := p.Resilience
	if o == nil {
		return
	}
	m.Heading("Losses")
	m.Text("Worked out, not tried: the single loss of each kind that leaves a gateway with the fewest pods. Pods stand as evenly over racks or nodes as the plan asks for, and one whose place is lost waits for it. " +
		"Promised are " + number(o.MinimumCapacity) + " % of every gateway. All of them: " + code("meshgen drill") + ".")
	m.Head("loss", "machines left", "control plane", "gateways: pods left", "addresses")
	s := drill.New(p)
	for _, kind := range o.Survive {
		r, ok := s.Worst(kind)
		if !ok {
			m.Row(kind, "the site has none", "", "", "")
			continue
		}
		var gateways, addresses []string
		for _, g := range r.Gateways {
			gateways = append(gateways, code(g.Name)+" "+left(g.Pods))
			for _, v := range g.VIPs {
				state := "announced by " + left(v.Announcers)
				switch {
				case !v.Reachable:
					state = "not announced"
				case v.Announcers.Of == 0:
					state = "led to by others"
				}
				addresses = append(addresses, v.Address+" "+state)
			}
		}
		slices.Sort(addresses)
		m.Row(kind+" "+code(r.Failures[0].Name), left(r.Nodes), left(r.ControlPlane.Count), strings.Join(gateways, ", "), strings.Join(addresses, ", "))
	}
}

func left(c drill.Count) string { return number(c.Left) + " of " + number(c.Of) }
