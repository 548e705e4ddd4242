package backend

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// Labels of nodes that the placement of gateways goes by.
const (
	classLabel = "meshgen.dev/class"
	rackLabel  = "meshgen.dev/rack"
	hostLabel  = "kubernetes.io/hostname"
)

// Placement puts the pods on the nodes whose speakers announce the address, and spreads them there.
func Placement(y *artifact.YAML, g *ir.Gateway) {
	PlacementFor(y, g, "Where the address is announced: with externalTrafficPolicy Local a pod elsewhere gets no connection.", "carry the address meanwhile")
}

// PlacementFor is Placement for a gateway whose nodes are chosen for another reason; meanwhile is what the other pods do when
// the place of one is lost.
func PlacementFor(y *artifact.YAML, g *ir.Gateway, why, meanwhile string) {
	y.From("", g.From...)
	Tolerations(y, g.Tolerations)
	y.Comment(why)
	Nested(y, []string{"affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"}, func() {
		y.Seq("nodeSelectorTerms", func() {
			y.Item(func() {
				Expressions(y, ir.Selector{Terms: []ir.Term{
					{Key: classLabel, Values: []string{g.Class}},
					{Key: rackLabel, Values: g.Racks},
				}})
			})
		})
	})
	y.Seq("topologySpreadConstraints", func() {
		y.Comment("A pod whose place is lost waits for it. Moved, it would stay away when the place comes back, and the next\n" +
			"loss would take two; the others " + meanwhile + ".")
		spread(y, g, g.SpreadKey, "DoNotSchedule")
		if g.SpreadKey != hostLabel {
			spread(y, g, hostLabel, "ScheduleAnyway")
		}
	})
	y.Fixed()
}

func spread(y *artifact.YAML, g *ir.Gateway, key, unsatisfiable string) {
	y.Item(func() {
		y.KV("maxSkew", 1)
		y.KV("topologyKey", key)
		y.KV("whenUnsatisfiable", unsatisfiable)
		y.Map("labelSelector", func() { Pairs(y, "matchLabels", g.Selector) })
		y.Comment("Counted per rollout: else the last old pods decide where the new ones go, and leave them uneven.")
		y.KV("matchLabelKeys", []string{"pod-template-hash"})
	})
}
