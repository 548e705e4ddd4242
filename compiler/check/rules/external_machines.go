package rules

import (
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// ExternalPortTaken finds gateways or exposures whose fixed node ports meet.
var ExternalPortTaken = &check.Rule{
	ID: "MG4291", Name: "external-port-taken", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two gateways or exposures behind machines in front of the cluster would have one node port

Fixed node ports follow from the first address of their owner alone, so that they stay when another one comes; of many
addresses two may lead to the same ones. Kubernetes refuses the second Service then, and its owner is never reached.
Source: Kubernetes KEP-3668, reserved node port ranges; kube-apiserver, "provided port is already allocated".`,
	Run: func(p *check.Pass) {
		prof := p.Profiles.LoadBalancer(p.Site.LoadBalancer.Kind)
		if prof == nil || prof.Machines == nil {
			return
		}
		type owner struct{ kind, name string } // "gateways" or "exposures"
		addresses := func(o owner) []string {
			if o.kind == "exposures" {
				return p.Site.Exposures[o.name].Addresses
			}
			return p.Site.Gateways[o.name].Addresses
		}
		first := map[uint16]owner{}
		for _, f := range lower.FixedPorts(p.Site, prof.Machines) {
			me := owner{"gateways", f.Gateway}
			if f.Exposure != "" {
				me = owner{"exposures", f.Exposure}
			}
			one := strings.TrimSuffix(me.kind, "s")
			other, taken := first[f.Port]
			if !taken {
				first[f.Port] = me
				continue
			}
			a, b := addresses(other), addresses(me)
			if other != me && len(a) > 0 && len(b) > 0 && a[0] == b[0] { // one address for two is a finding of its own
				continue
			}
			path := site.Join(me.kind, me.name, "addresses")
			if other == me {
				p.Reportf(path, "%s %q has more ports than kubernetes.nodePorts %s keeps fixed ones for", one, me.name, p.Site.Kubernetes.NodePorts).
					Hintf("a longer range keeps more, at most %d", prof.Machines.StaticMax)
				return
			}
			p.Reportf(path, "node port %d of %s %q is that of %s %q, too: both follow from their first addresses", f.Port, one, me.name, strings.TrimSuffix(other.kind, "s"), other.name).
				Hintf("another address, next to those of others").Related(site.Join(other.kind, other.name, "addresses"), "the other one")
			return // its further ports are taken with it
		}
	},
}

// ExternalFamilies finds machines that cannot take over from one another.
var ExternalFamilies = &check.Rule{
	ID: "MG4292", Name: "external-families", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `machines in front of the cluster have addresses of different families

They tell one another by VRRP who has the virtual addresses, from one's own address to the other's. Without a common
family each believes to be alone and takes them.
Source: keepalived.conf(5), unicast_peer.`,
	Run: func(p *check.Pass) {
		var first netip.Addr
		firstName := ""
		for n, a := range balancerMachines(p.Site) {
			if !first.IsValid() {
				first, firstName = a, n
			} else if a.Is4() != first.Is4() {
				p.Reportf(site.Join("loadBalancer", "external", "balancers", n, "address"), "balancer %q (%s) and balancer %q (%s) have addresses of different families", n, a, firstName, first).Hintf("addresses of one family for all balancers")
			}
		}
	},
}

// ExternalNodeFamily finds nodes that the machines do not reach.
var ExternalNodeFamily = &check.Rule{
	ID: "MG4293", Name: "external-node-family", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a node with pods of gateways has no address of the family of the machines in front

They open connections from their own address to the node's.
Source: HAProxy configuration manual, server and source.`,
	Run: func(p *check.Pass) {
		var machine netip.Addr
		for _, a := range balancerMachines(p.Site) {
			machine = a
			break
		}
		if !machine.IsValid() {
			return
		}
		classes := map[string]bool{}
		for _, g := range p.Site.Gateways {
			classes[g.Placement.Class] = true
		}
		for rn, r := range byKey(p.Site.Racks) {
			for nn, n := range byKey(r.Nodes) {
				reached, known := false, len(n.Address) > 0
				for _, s := range n.Address {
					a, err := netip.ParseAddr(s)
					known = known && err == nil
					reached = reached || a.Is4() == machine.Is4()
				}
				if classes[n.Class] && known && !reached {
					p.Reportf(site.Join("racks", rn, "nodes", nn, "address"), "the balancers reach node %q at an address of their own family alone (%s), and it has none", nn, machine).Hintf("address: one of the balancers' family as well").
						Related("loadBalancer.external.balancers", "the balancers")
				}
			}
		}
	},
}

// balancerMachines yields the machines in front of the cluster that have a valid address, by name.
func balancerMachines(s *site.Site) func(func(string, netip.Addr) bool) {
	return func(yield func(string, netip.Addr) bool) {
		if s.LoadBalancer.Kind != "external" || s.LoadBalancer.External == nil {
			return
		}
		for n, b := range byKey(s.LoadBalancer.External.Balancers) {
			if a, err := netip.ParseAddr(b.Address); err == nil && !yield(n, a) {
				return
			}
		}
	}
}
