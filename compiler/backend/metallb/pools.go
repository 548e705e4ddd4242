package metallb

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// pools writes one IPAddressPool a pool.
//
// Neither serviceSelectors nor a priority is among its settings. A Service gets an address here by naming it, in the namespaces
// of the owners (MetalLB v0.16.1 internal/allocator, Assign and isPoolCompatibleWithService): whoever may write that annotation
// may write a label too, and a priority counts among pools that give out addresses by themselves (pinnedPoolsForService),
// which these do not. Read 2026-11-21.
func pools(p *ir.Plan, t *artifact.Tree) {
	if len(p.Pools) == 0 {
		return
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "IPAddressPool")
	y.Comment("autoAssign is off: every address has a declared owner, and no other Service of type LoadBalancer may take one by chance.")
	y.Comment("serviceAllocation names the namespaces of the owners: a Service elsewhere does not get one by asking for it either.")
	for _, pool := range p.Pools {
		object(p, y, v1beta1, "IPAddressPool", pool.Name, pool.From, func() {
			y.From("", pool.From.Of("addresses")...)
			y.KV("addresses", pool.Addresses)
			y.Fixed()
			y.KV("autoAssign", false)
			if len(pool.Namespaces) > 0 {
				y.From("", pool.From.Of("pool", "service")...)
				y.Map("serviceAllocation", func() { y.KV("namespaces", pool.Namespaces) })
				y.Fixed()
			}
		})
	}
}

// advertisements writes one BGPAdvertisement a pool. A pool without one is allocated and not announced: its routes are
// somebody else's.
func advertisements(p *ir.Plan, t *artifact.Tree) {
	var y *artifact.YAML
	for i := range p.Pools {
		pool := &p.Pools[i]
		if pool.Protocol != "bgp" {
			continue
		}
		if y == nil {
			y = backend.Objects(p, t, backend.LoadBalancer, "BGPAdvertisement")
			y.Comment("Host routes only: with externalTrafficPolicy Local an aggregate would come from nodes that have no pod behind the address.")
		}
		object(p, y, v1beta1, "BGPAdvertisement", pool.Name, pool.From, func() { advertisement(y, pool) })
	}
}

func advertisement(y *artifact.YAML, pool *ir.Pool) {
	y.KV("ipAddressPools", []string{pool.Name})
	for _, prefix := range pool.Prefixes {
		if prefix.Addr().Is4() {
			y.KV("aggregationLength", 32)
			break
		}
	}
	for _, prefix := range pool.Prefixes {
		if prefix.Addr().Is6() {
			y.KV("aggregationLengthV6", 128)
			break
		}
	}
	if len(pool.Communities) > 0 {
		y.From("", pool.From.Of("communities", "announce")...)
		y.KV("communities", communities(pool.Communities))
	}
	y.From("", pool.From.Of("racks", "announce")...)
	y.KV("peers", pool.Peers)
	nodeSelectors(y, pool.NodeSelector)
}

// communities returns them as MetalLB takes them: a large one is marked, which tells it from an extended one
// (internal/bgp/community in MetalLB 0.16.2).
func communities(in []string) []string {
	out := make([]string, len(in))
	for i, c := range in {
		if out[i] = c; strings.Count(c, ":") == 2 {
			out[i] = "large:" + c
		}
	}
	return out
}
