package metallb

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// layer2Comment says what the objects lead to: MetalLB elects by a hash of node and address (speaker/layer2_controller.go).
const layer2Comment = `One node of those selected answers ARP and neighbour discovery for all addresses of a Service; when it is gone, another does.
Under externalTrafficPolicy Local only nodes with a ready pod of the Service are elected.`

// layer2 writes one L2Advertisement for each pool that nodes answer for themselves.
func layer2(p *ir.Plan, t *artifact.Tree) {
	var y *artifact.YAML
	for i := range p.Pools {
		pool := &p.Pools[i]
		if pool.Protocol != "l2" {
			continue
		}
		if y == nil {
			y = backend.Objects(p, t, backend.LoadBalancer, "L2Advertisement")
			y.Comment(layer2Comment)
		}
		object(p, y, v1beta1, "L2Advertisement", pool.Name, pool.From, func() {
			y.KV("ipAddressPools", []string{pool.Name})
			if len(pool.Interfaces) > 0 {
				y.From("", pool.From.Of("interfaces", "announce")...)
				y.KV("interfaces", pool.Interfaces)
			}
			nodeSelectors(y, pool.NodeSelector)
		})
	}
}
