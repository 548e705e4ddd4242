package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// CiliumL2KubeProxy finds layer-2 announcements that Cilium cannot make beside kube-proxy.
var CiliumL2KubeProxy = &check.Rule{
	ID: "MG4103", Name: "cilium-l2-kube-proxy", Severity: diag.Error, On: check.OnSite,
	Doc: `Cilium is to answer ARP for a pool, and kube-proxy is not replaced

The agent leaves layer-2 announcements off: the address is given out, and no machine answers for it.
Source: Cilium documentation, L2 Announcements, prerequisites: kube-proxy replacement.`,
	Run: func(p *check.Pass) {
		mode := p.Site.Kubernetes.KubeProxy.Mode
		if p.Site.LoadBalancer.Kind != "cilium" || p.Site.Kubernetes.CNI.Kind != "cilium" || mode == "replaced" {
			return
		}
		for n := range byKey(p.Site.Pools) {
			if announces(p.Site, n, "l2") {
				p.Reportf(site.Join("pools", n, "announce", "protocol"), "Cilium announces pool %q by l2 only where it replaces kube-proxy, and kubernetes.kubeProxy.mode is %q", n, mode).
					Hintf("kubernetes: kubeProxy: mode: \"replaced\", or protocol: \"bgp\"").Related("kubernetes.kubeProxy.mode", "the mode")
			}
		}
	},
}

// CiliumL2Local finds Local behind Cilium's layer-2 announcements.
var CiliumL2Local = &check.Rule{
	ID: "MG4104", Name: "cilium-l2-local", Severity: diag.Error, On: check.OnSite,
	Doc: `Cilium announces a pool at layer 2, and a Service on it has externalTrafficPolicy Local

The node that answers ARP is elected without a look at where pods are: where none is, it drops every packet for the
address.
Source: Cilium documentation, L2 Announcements, limitations: incompatible with externalTrafficPolicy Local.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "cilium" {
			return
		}
		for f := range fronts(p.Site) {
			if f.policy == "Local" && announces(p.Site, f.pool, "l2") {
				p.Reportf(f.path+".externalTrafficPolicy", "%s has externalTrafficPolicy Local on pool %q, which Cilium announces by l2", f.who, f.pool).
					Hintf("externalTrafficPolicy: \"Cluster\", or announce the pool by bgp").
					Related(site.Join("pools", f.pool, "announce", "protocol"), "the protocol")
			}
		}
	},
}

// oneNode yields the gateways of several pods of which layer 2 with Local uses one node's.
func oneNode(s *site.Site, found func(name string, g *site.Gateway)) {
	for n, g := range byKey(s.Gateways) {
		// Under Cilium the pair does not work at all, and its rule says so.
		if s.LoadBalancer.Kind != "cilium" && g.Replicas > 1 && g.ExternalTrafficPolicy == "Local" && announces(s, g.Pool, "l2") {
			found(n, g)
		}
	}
}

// L2OneNode finds a load that layer 2 puts on one pod.
var L2OneNode = &check.Rule{
	ID: "MG4105", Name: "l2-one-node", Severity: diag.Warning, On: check.OnSite,
	Doc: `a gateway's load is meant for several pods, and layer 2 brings it all to one node

One node at a time answers ARP for an address, and under externalTrafficPolicy Local hands all connections to its own
pod: that pod and that interface carry what was sized for all of them.
Source: MetalLB documentation, layer 2 mode, limitations: single-node bottlenecking.`,
	Run: func(p *check.Pass) {
		oneNode(p.Site, func(n string, g *site.Gateway) {
			if g.Capacity == nil {
				return
			}
			p.Reportf(site.Join("gateways", n, "capacity", "connections"), "gateway %q is sized for %d connections over %d pods, and layer 2 with Local brings all to one", n, g.Capacity.Connections, g.Replicas).
				Hintf("externalTrafficPolicy: \"Cluster\" spreads over the pods, announce by bgp over the nodes").
				Related(site.Join("pools", g.Pool, "announce", "protocol"), "pool %q is announced by l2", g.Pool)
		})
	},
}

// L2IdleReplicas tells of pods that only wait.
var L2IdleReplicas = &check.Rule{
	ID: "MG4106", Name: "l2-idle-replicas", Severity: diag.Note, On: check.OnSite,
	Doc: `a gateway on a layer-2 pool has several pods, of which one takes traffic

With externalTrafficPolicy Local the others are a reserve: they shorten an outage, and add nothing to the capacity.
Source: MetalLB documentation, layer 2 mode: one node a service.`,
	Run: func(p *check.Pass) {
		oneNode(p.Site, func(n string, g *site.Gateway) {
			if g.Capacity != nil {
				return // l2-one-node says so
			}
			p.Reportf(site.Join("gateways", n, "replicas"), "of the %d pods of gateway %q one takes traffic: pool %q is announced by l2, and the policy is Local", g.Replicas, n, g.Pool).
				Related(site.Join("pools", g.Pool, "announce", "protocol"), "the protocol")
		})
	},
}

// L2Interface finds interfaces that cannot answer for a pool.
var L2Interface = &check.Rule{
	ID: "MG4107", Name: "l2-interface", Severity: diag.Error, On: check.OnSite,
	Doc: `a pool is announced on an interface that no machine has, or on a member of a bond

Nobody answers ARP or neighbour discovery for its addresses. The members of a bond have no traffic of their own: the bond
answers.
Source: MetalLB API, L2Advertisement.spec.interfaces; Linux bonding documentation.`,
	Run: func(p *check.Pass) {
		has, bond := map[string]bool{}, map[string]string{}
		for _, c := range byKey(p.Site.NodeClasses) {
			has[c.NIC.Interface] = true
			for _, m := range c.NIC.Members {
				bond[m] = c.NIC.Interface
			}
			for _, n := range c.Networks {
				has[n.Interface] = true
			}
		}
		for pn, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil || pool.Announce.Protocol != "l2" {
				continue
			}
			for i, name := range pool.Announce.Interfaces {
				path := site.Join("pools", pn, "announce", "interfaces", site.Index(i))
				parent, _, _ := strings.Cut(name, ".") // a VLAN's interface on a declared one
				switch {
				case has[name] || has[parent]:
				case bond[name] != "":
					p.Reportf(path, "pool %q is announced on interface %q, which is a member of %q", pn, name, bond[name]).
						Hintf("write the bond, %q", bond[name]).Related("nodeClasses", "the interfaces")
				default:
					p.Reportf(path, "pool %q is announced on interface %q, which no node class has", pn, name).
						Hintf("interfaces: %s", keys(has)).Related("nodeClasses", "the interfaces")
				}
			}
		}
	},
}

// AnnounceOptionUnread finds options of the other protocol.
var AnnounceOptionUnread = &check.Rule{
	ID: "MG4108", Name: "announce-option-unread", Severity: diag.Warning, On: check.OnSite,
	Doc: `a pool's announcement has an option of the other protocol

Communities and racks are of BGP, interfaces of layer 2: the option changes nothing, and whoever wrote it counts on it.`,
	Run: func(p *check.Pass) {
		for pn, pool := range byKey(p.Site.Pools) {
			a := pool.Announce
			if a == nil {
				continue
			}
			unread := func(field, other string, values []string) {
				if len(values) > 0 && a.Protocol != other {
					p.Reportf(site.Join("pools", pn, "announce", field), "pool %q is announced by %s, where %s %s say nothing", pn, a.Protocol, field, strings.Join(values, ", ")).
						Hintf("remove %s, or protocol: %q", field, other).Related(site.Join("pools", pn, "announce", "protocol"), "the protocol")
				}
			}
			unread("communities", "bgp", a.Communities)
			unread("racks", "bgp", a.Racks)
			unread("interfaces", "l2", a.Interfaces)
		}
	},
}

// L2AnnouncerExcluded finds a gateway on nodes that answer ARP for nothing.
var L2AnnouncerExcluded = &check.Rule{
	ID: "MG4119", Name: "l2-announcer-excluded", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway on a layer-2 pool runs under Local on nodes that are kept from announcing

The installer labels control-plane nodes node.kubernetes.io/exclude-from-external-load-balancers, and only a node with a
pod of the gateway may answer ARP for it: nobody does.
Source: MetalLB speaker/layer2_controller.go, ShouldAnnounce; kubeadm, mark-control-plane phase.`,
	Run: func(p *check.Pass) {
		s := p.Site
		lb, dist := p.Profiles.LoadBalancer(s.LoadBalancer.Kind), p.Profiles.Distribution(s.Kubernetes.Distribution)
		if lb == nil || lb.ExcludeNodeLabel == "" || dist == nil || !slices.Contains(dist.ControlPlane.Labels, lb.ExcludeNodeLabel) {
			return
		}
		for n, g := range byKey(s.Gateways) {
			class := s.NodeClasses[g.Placement.Class]
			if class == nil || !class.ControlPlane || g.ExternalTrafficPolicy != "Local" || !announces(s, g.Pool, "l2") {
				continue
			}
			p.Reportf(site.Join("gateways", n, "placement", "class"), "gateway %q runs on class %q under Local, and %s labels its control-plane nodes %s: none answers for pool %q",
				n, g.Placement.Class, s.Kubernetes.Distribution, lb.ExcludeNodeLabel, g.Pool).
				Hintf("a class that is not of the control plane").Related(site.Join("nodeClasses", g.Placement.Class, "controlPlane"), "the control plane")
		}
	},
}

// OpenELBInterface finds a layer-2 pool without the one interface that OpenELB asks for.
var OpenELBInterface = &check.Rule{
	ID: "MG4113", Name: "openelb-interface", Severity: diag.Error, On: check.OnSite,
	Doc: `OpenELB is to answer ARP for a pool, and not on exactly one interface

Its Eip takes one interface, and refuses layer 2 without.
Source: openelb/openelb api/v1alpha2 Eip: interface, required for protocol layer2.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "openelb" {
			return
		}
		for n, pool := range byKey(p.Site.Pools) {
			if announces(p.Site, n, "l2") && len(pool.Announce.Interfaces) != 1 {
				p.Reportf(site.Join("pools", n, "announce"), "OpenELB announces pool %q by l2 on one interface, and %d are given", n, len(pool.Announce.Interfaces)).
					Hintf("announce: interfaces: with one name")
			}
		}
	},
}

// APIAddressOutOfReach finds control-plane nodes that cannot take the API's address.
var APIAddressOutOfReach = &check.Rule{
	ID: "MG4114", Name: "api-address-out-of-reach", Severity: diag.Error, On: check.OnSite,
	Doc: `kube-vip moves the API's address by ARP, and a control-plane node is in another subnet

When that node is elected it answers ARP in a network where the address does not belong: no kubelet reaches the API until
the next election.
Source: kube-vip documentation, ARP mode: the address is in the subnet of the nodes that share it.`,
	Run: func(p *check.Pass) {
		api := p.Site.Kubernetes.APIServer
		ip, err := netip.ParseAddr(api.Address)
		if api.Provider != "kube-vip" || p.Site.Fabric.BGP != nil || err != nil {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			reached := len(r.Subnets) == 0 || slices.ContainsFunc(r.Subnets, func(s string) bool {
				n, err := netip.ParsePrefix(s)
				return err != nil || n.Contains(ip)
			})
			if reached {
				continue
			}
			for nn, n := range byKey(r.Nodes) {
				if c := p.Site.NodeClasses[n.Class]; c != nil && c.ControlPlane {
					p.Reportf("kubernetes.apiServer.address", "address %s of the API is in no subnet of rack %q (%s), where control-plane node %s could have to carry it", ip, rn, strings.Join(r.Subnets, ", "), nn).
						Related(site.Join("racks", rn, "nodes", nn), "the node").
						Hintf("an address out of a subnet that all control-plane nodes have")
					break
				}
			}
		}
	},
}
