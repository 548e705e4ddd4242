package openelb

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const layer2Comment = `The speakers hear of each other by memberlist, TCP and UDP 7946 between their nodes. memberlistSecret stays out: it would
be a secret in this file. The key that stands in for it is public, so that nobody else may reach that port.`

// values writes the chart's values: what the site decides, and the few defaults on which the rest of the tree relies.
func values(p *ir.Plan, t *artifact.Tree, r ir.Release) {
	lb, o := &p.LoadBalancer, p.OpenELB
	y := backend.Values(p, t, r)
	y.Map("speaker", func() {
		if o.Idle {
			y.Comment("No node announces anything.")
			y.From("", append(o.From[:len(o.From):len(o.From)], "pools")...)
			y.KV("enable", false)
			return
		}
		y.KV("enable", true)
		y.From("", append(o.From[:len(o.From):len(o.From)], "pools")...)
		if o.Layer2 {
			y.Comment(layer2Comment)
		}
		y.KV("layer2", o.Layer2)
		y.Fixed()
		y.KV("vip", false)
		y.Comment("GoBGP's own interface asks for no password: on the node alone, where the pod's probe looks for it.")
		y.KV("apiHosts", "127.0.0.1:50051")
		y.Comment("Only nodes with a rack by their own name: a speaker without one would announce the addresses of all nodes.")
		y.Comment("Out of service: kubectl label node NODE " + o.RackLabel + "- ends its speaker, and the switches drop its routes.")
		y.Map("affinity", func() {
			y.Map("nodeAffinity", func() {
				y.Map("requiredDuringSchedulingIgnoredDuringExecution", func() {
					y.Seq("nodeSelectorTerms", func() {
						y.Item(func() { backend.Expressions(y, ir.Selector{Terms: []ir.Term{{Key: o.RackLabel}}}) })
					})
				})
			})
		})
		y.From("", lb.From...)
		backend.Tolerations(y, lb.Tolerations)
	})
}
