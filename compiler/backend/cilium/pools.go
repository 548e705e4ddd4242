package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const poolComment = `Every address has a declared owner: a pool serves the Services in the namespaces of its gateways and exposures, which ask
for theirs by annotation. The first and the last address of a network are addresses like any other.`

func pools(p *ir.Plan, t *artifact.Tree, c *ir.Cilium) {
	if len(c.Pools) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "CiliumLoadBalancerIPPool")
	y.Comment(poolComment)
	for i := range c.Pools {
		pool := &c.Pools[i]
		object(p, y, v2, "CiliumLoadBalancerIPPool", pool.Name, nil, pool.From, func() {
			y.From("", pool.From.Of("addresses")...)
			y.Seq("blocks", func() {
				for _, b := range pool.Blocks {
					y.Item(func() { block(y, b) })
				}
			})
			y.Fixed()
			y.KV("allowFirstLastIPs", "Yes")
			y.From("", pool.From.Of("gateways")...)
			in(y, "serviceSelector", namespaceLabel, pool.Namespaces)
		})
	}
}

func block(y *artifact.YAML, b ir.CiliumBlock) {
	if b.CIDR != "" {
		y.KV("cidr", b.CIDR)
		return
	}
	y.KV("start", b.Start)
	y.KV("stop", b.Stop)
}

const layer2Comment = `One of the nodes answers for an address at a time, whichever holds its Lease: all of its traffic enters there.`

func layer2(p *ir.Plan, t *artifact.Tree, c *ir.Cilium) {
	var y *artifact.YAML
	for i := range c.Pools {
		pool := &c.Pools[i]
		if pool.Layer2 == nil {
			continue
		}
		if y == nil {
			y = backend.Objects(p, t, backend.LoadBalancer, "CiliumL2AnnouncementPolicy")
			y.Comment(layer2Comment)
		}
		object(p, y, v2alpha1, "CiliumL2AnnouncementPolicy", pool.Name, nil, pool.From, func() {
			y.KV("loadBalancerIPs", true)
			in(y, "serviceSelector", namespaceLabel, pool.Namespaces)
			y.From("", pool.Layer2.Nodes.From...)
			y.Map("nodeSelector", func() { backend.Expressions(y, pool.Layer2.Nodes) })
			if len(pool.Layer2.Interfaces) > 0 {
				y.From("", pool.From.Of("announce")...)
				y.KV("interfaces", pool.Layer2.Interfaces)
			}
		})
	}
}
