package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// consulPlacePrefix is in front of the name of a gateway, in the label of the nodes that its pods may run on.
const consulPlacePrefix = "meshgen.dev/gateway-"

// consulGateway reports whether Consul's controller makes the pods of a gateway; those between sites are the chart's.
func (l *lowering) consulGateway(g *site.Gateway) bool {
	return l.s.Mesh.Kind == "consul" && g.Purpose != "federation"
}

// consulPlace is the label of the nodes that the pods of a gateway of Consul's may run on, Key "" where class and rack say it:
// its controller chooses nodes by one map of labels, and several racks of a class that other racks have too are none.
func (l *lowering) consulPlace(name string, g *site.Gateway) (label ir.KV, racks []string) {
	if !l.consulGateway(g) {
		return ir.KV{}, nil
	}
	racks = l.gatewayRacks(g)
	elsewhere := false
	for rn, r := range l.s.Racks {
		for _, n := range r.Nodes {
			elsewhere = elsewhere || n.Class == g.Placement.Class && !slices.Contains(racks, rn)
		}
	}
	if !elsewhere || len(racks) < 2 {
		return ir.KV{}, nil
	}
	return ir.KV{Key: consulPlacePrefix + name, Value: "true"}, racks
}

// consulPlaces labels a node for the gateways whose pods may run there.
func (l *lowering) consulPlaces(n *ir.Node) {
	for gn, g := range byKey(l.s.Gateways) {
		if g.Placement.Class != n.Class || !l.consulGateway(g) {
			continue
		}
		label, racks := l.consulPlace(gn, g)
		n.From = append(n.From, site.Join("gateways", gn, "pool"), site.Join("gateways", gn, "placement"), site.Join("pools", g.Pool, "announce"), "mesh.kind", "racks")
		if label.Key != "" && slices.Contains(racks, n.Rack) {
			n.Labels = append(n.Labels, label)
		}
	}
}
