package rules

import (
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// EgressAddress finds a source address that its nodes do not have.
var EgressAddress = &check.Rule{
	ID: "MG6155", Name: "egress-address", Severity: diag.Error, On: check.OnSite,
	Doc: `an egress gateway's address is on no node of its class

Cilium drops a packet whose new source is on no interface of the gateway node, and with other providers answers never
find back. kube-vip takes the address of one of its Services: that lies in a pool. An address that is announced to
clients leads answers to whichever node the switches choose.
Source: Cilium documentation, Egress Gateway: egressIP; kube-vip documentation, egress; MetalLB documentation: no source
NAT.`,
	Run: func(p *check.Pass) {
		holders, nodes := egressHolders(p.Site)
		c := takeCensus(p.Site)
		vips := map[netip.Addr]front{}
		for f := range fronts(p.Site) {
			for _, a := range f.addresses {
				if ip, err := netip.ParseAddr(a); err == nil {
					vips[ip] = f
				}
			}
		}
		for n, e := range byKey(p.Site.EgressGateways) {
			for i, a := range e.Addresses {
				ip, err := netip.ParseAddr(a)
				if err != nil || e.Provider == "calico" { // Calico gives its gateways addresses out of pools of its own
					continue
				}
				path := site.Join("egressGateways", n, "addresses", site.Index(i))
				if e.Provider == "kube-vip" {
					if p.Site.LoadBalancer.Kind == "kube-vip" && !inAnyPool(p.Site, ip) {
						p.Reportf(path, "address %s of egress gateway %q is in no pool, and kube-vip takes one of a Service", ip, n).
							Hintf("pools: %s", keys(p.Site.Pools))
					}
					continue
				}
				free := strings.Join(nodes[e.Placement.Class], ", ")
				if free == "" {
					free = "none; write it into egressAddresses of a node"
				}
				switch h, found := holders[ip]; {
				case vips[ip].path != "":
					p.Reportf(path, "address %s of egress gateway %q is a virtual address of %s: no interface has it", ip, n, vips[ip].who).
						Hintf("egress addresses of class %q: %s", e.Placement.Class, free).Related(vips[ip].path+".addresses", "where clients come in")
				case !found:
					p.Reportf(path, "address %s of egress gateway %q is in egressAddresses of no node", ip, n).
						Hintf("egress addresses of class %q: %s", e.Placement.Class, free)
				case h.class != e.Placement.Class && len(c.nodes[e.Placement.Class]) > 0: // without nodes, egress-nowhere says so
					p.Reportf(path, "address %s of egress gateway %q is that of node %s, of class %q and not %q", ip, n, h.node, h.class, e.Placement.Class).
						Hintf("egress addresses of class %q: %s", e.Placement.Class, free).Related(h.path, "the node's address")
				}
			}
		}
	},
}

// egressHolder is a node's egress address.
type egressHolder struct{ node, class, path string }

// egressHolders returns the first node that has each egress address, and the addresses of each class.
func egressHolders(s *site.Site) (map[netip.Addr]egressHolder, map[string][]string) {
	by, ofClass := map[netip.Addr]egressHolder{}, map[string][]string{}
	for rn, r := range byKey(s.Racks) {
		for nn, n := range byKey(r.Nodes) {
			for i, a := range n.EgressAddresses {
				ip, err := netip.ParseAddr(a)
				if _, twice := by[ip]; err != nil || twice {
					continue
				}
				by[ip] = egressHolder{nn, n.Class, site.Join("racks", rn, "nodes", nn, "egressAddresses", site.Index(i))}
				ofClass[n.Class] = append(ofClass[n.Class], ip.String())
			}
		}
	}
	return by, ofClass
}

func inAnyPool(s *site.Site, ip netip.Addr) bool {
	for _, pool := range s.Pools {
		if poolHas(pool, ip) {
			return true
		}
	}
	return false
}

// EgressAddressTwice finds one source address in two hands.
var EgressAddressTwice = &check.Rule{
	ID: "MG6156", Name: "egress-address-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `an egress address is on two nodes, stands twice, or is given to two egress gateways

On two nodes, answers go to whichever answers ARP last and connections break half-way. In two egress gateways the other
end cannot tell their traffic apart, which is what a fixed address is for: that is a warning.`,
	Run: func(p *check.Pass) {
		holders, _ := egressHolders(p.Site)
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				for i, a := range n.EgressAddresses {
					path := site.Join("racks", rn, "nodes", nn, "egressAddresses", site.Index(i))
					ip, err := netip.ParseAddr(a)
					if h := holders[ip]; err == nil && h.path != path {
						p.Reportf(path, "egress address %s of node %s is already that of node %s", ip, nn, h.node).Hintf("another egress address for one of the two nodes").Related(h.path, "first used here")
					}
				}
			}
		}
		type use struct{ gateway, path string }
		first := map[netip.Addr]use{}
		for n, e := range byKey(p.Site.EgressGateways) {
			for i, a := range e.Addresses {
				ip, err := netip.ParseAddr(a)
				if err != nil {
					continue
				}
				path := site.Join("egressGateways", n, "addresses", site.Index(i))
				if o, ok := first[ip]; ok {
					p.Reportf(path, "address %s of egress gateway %q is already that of egress gateway %q", ip, n, o.gateway).Hintf("an address of its own for each egress gateway; or one egress gateway for both").
						Related(o.path, "first used here").Warning()
					continue
				}
				first[ip] = use{n, path}
			}
		}
	},
}
