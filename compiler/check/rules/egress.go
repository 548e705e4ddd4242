package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// UnknownEgressGateway finds a way out that does not exist.
var UnknownEgressGateway = &check.Rule{
	ID: "MG6151", Name: "unknown-egress-gateway", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination is to be reached through an egress gateway that does not exist

Its traffic would leave with a node's address, which the firewall at the other end does not know.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			if e.Via != "" && p.Site.EgressGateways[e.Via] == nil {
				r := p.Reportf(site.Join("external", n, "via"), "destination %q is reached via egress gateway %q, which does not exist", n, e.Via)
				if len(p.Site.EgressGateways) > 0 {
					r.Hintf("egress gateways: %s", keys(p.Site.EgressGateways))
				} else {
					r.Hintf("egressGateways: %s: {provider: …, addresses: […], placement: class: …}", e.Via)
				}
			}
		}
	},
}

// EgressNowhere finds an egress gateway without nodes.
var EgressNowhere = &check.Rule{
	ID: "MG6152", Name: "egress-nowhere", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway is placed on a class that does not exist, or that no node has

No node takes its traffic: Cilium drops what has a policy and no gateway, and others let it leave by its own node.
Source: Cilium documentation, Egress Gateway.`,
	Run: func(p *check.Pass) {
		c := takeCensus(p.Site)
		for n, e := range byKey(p.Site.EgressGateways) {
			path := site.Join("egressGateways", n, "placement", "class")
			switch class := e.Placement.Class; {
			case p.Site.NodeClasses[class] == nil:
				p.Reportf(path, "egress gateway %q is placed on class %q, which does not exist", n, class).
					Hintf("classes: %s", keys(p.Site.NodeClasses))
			case len(c.nodes[class]) == 0:
				p.Reportf(path, "egress gateway %q is placed on class %q, which no node has", n, class).
					Hintf("classes with nodes: %s", keys(c.nodes)).Related(site.Join("nodeClasses", class), "the class")
			}
		}
	},
}

// EgressProvider finds a provider that nothing on the site can play.
var EgressProvider = &check.Rule{
	ID: "MG6153", Name: "egress-provider", Severity: diag.Error, On: check.OnSite,
	Doc: `an egress gateway's provider is not what the site runs, or lacks a setting that it needs

Nobody rewrites the source address then: traffic leaves with the address of whatever node a pod happens to be on, and the
other end refuses it. A virtual address is no help, it is for what comes in. Under an ambient mesh Cilium cannot be the
provider: its egress gateway masquerades in BPF, and then the kubelet's probes never reach a pod.
Source: Cilium documentation, Egress Gateway, requirements and incompatibilities; istio.io, ambient platform
prerequisites, Cilium; kube-vip documentation, egress.`,
	Run: func(p *check.Pass) {
		s, cni := p.Site, p.Site.Kubernetes.CNI
		for n, e := range byKey(s.EgressGateways) {
			path := site.Join("egressGateways", n, "provider")
			report := func(other, format string, args ...any) *check.Report {
				args = append([]any{n, e.Provider}, args...)
				return p.Reportf(path, "the provider of egress gateway %q is %s, "+format, args...).Related(other, "the other setting")
			}
			switch e.Provider {
			case "cilium":
				if cni.Kind != "cilium" {
					report("kubernetes.cni.kind", "and the pod network is %q", cni.Kind).Hintf("provider: \"host\" rewrites with the node's own firewall")
					continue
				}
				if s.Mesh.Kind == "istio-ambient" {
					report("mesh.kind", "which masquerades in BPF, and mesh \"istio-ambient\" loses its probes by that").Hintf("provider: \"host\"")
					continue
				}
				if s.Mesh.Kind == "cilium" && s.Federation != nil {
					report("federation", "and the site is federated by Cluster Mesh: one excludes the other").Hintf("provider: \"host\"")
					continue
				}
				if mode := s.Kubernetes.KubeProxy.Mode; mode != "replaced" {
					report("kubernetes.kubeProxy.mode", "which has to replace kube-proxy, and kubernetes.kubeProxy.mode is %q", mode).Hintf("mode: \"replaced\"")
				}
				if cni.Cilium == nil || !cni.Cilium.BPFMasquerade {
					at := "kubernetes.cni.cilium.bpfMasquerade"
					if cni.Cilium == nil {
						at = "kubernetes.cni"
					}
					report(at, "which has to masquerade in BPF, and kubernetes.cni.cilium.bpfMasquerade is false").
						Hintf("bpfMasquerade: true").Fix("kubernetes.cni.cilium.bpfMasquerade", "true", "write true")
				}
			case "kube-vip":
				if s.LoadBalancer.Kind != "kube-vip" {
					report("loadBalancer.kind", "and the load balancer is %q", s.LoadBalancer.Kind).Hintf("provider: \"host\" rewrites with the node's own firewall")
				}
			case "calico":
				if cni.Kind != "calico" {
					report("kubernetes.cni.kind", "and the pod network is %q", cni.Kind).Hintf("provider: \"host\" rewrites with the node's own firewall")
				}
			}
		}
	},
}

// EgressCalicoLicence finds a feature that is bought.
var EgressCalicoLicence = &check.Rule{
	ID: "MG6154", Name: "egress-calico-licence", Severity: diag.Warning, On: check.OnSite,
	Doc: `an egress gateway's provider is Calico, whose egress gateways need a licence

The open-source release has none: its API refuses the gateway's objects, and traffic keeps the node's address.
Source: Calico documentation, Egress gateways: Calico Enterprise and Calico Cloud.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider == "calico" && p.Site.Kubernetes.CNI.Kind == "calico" {
				p.Reportf(site.Join("egressGateways", n, "provider"), "the provider of egress gateway %q is calico, whose open-source release %s has no egress gateway", n, p.Site.Kubernetes.CNI.Version).
					Hintf("provider: \"host\", or a waiver that names the licence").Related("kubernetes.cni.version", "the release")
			}
		}
	},
}

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
						p.Reportf(path, "egress address %s of node %s is already that of node %s", ip, nn, h.node).Related(h.path, "first used here")
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
					p.Reportf(path, "address %s of egress gateway %q is already that of egress gateway %q", ip, n, o.gateway).
						Related(o.path, "first used here").Warning()
					continue
				}
				first[ip] = use{n, path}
			}
		}
	},
}

// EgressUnused finds an egress gateway that no destination goes through.
var EgressUnused = &check.Rule{
	ID: "MG6157", Name: "egress-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `no destination goes through an egress gateway

Traffic that was to leave with the fixed address leaves with a node's: the gateway takes what a destination's via sends
to it, and nothing else.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for _, e := range p.Site.External {
			if e.Via != "" && p.Site.EgressGateways[e.Via] == nil {
				return // a misspelt name may mean any of them, and is a finding of its own
			}
			used[e.Via] = true
		}
		for n := range byKey(p.Site.EgressGateways) {
			if !used[n] {
				p.Reportf(site.Join("egressGateways", n), "no destination in external goes via egress gateway %q", n).
					Hintf("external: …: via: %q, or remove the gateway", n)
			}
		}
	},
}

// EgressOneNode finds an egress gateway that one node's loss stops.
var EgressOneNode = &check.Rule{
	ID: "MG6158", Name: "egress-one-node", Severity: diag.Warning, On: check.OnSite,
	Doc: `all addresses of an egress gateway of a production site are on one node

The address is tied to that machine: while it restarts, nothing behind the gateway can be reached.
Source: Cilium documentation, Egress Gateway, selecting gateway nodes.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment != "production" {
			return
		}
		holders, _ := egressHolders(p.Site)
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "cilium" && e.Provider != "host" {
				continue // an address of kube-vip's or Calico's moves
			}
			var on []string
			for _, a := range e.Addresses {
				ip, _ := netip.ParseAddr(a)
				h, ok := holders[ip]
				if !ok {
					on = nil // an unknown address is a finding of its own
					break
				}
				on = append(on, h.node)
			}
			slices.Sort(on)
			if on = slices.Compact(on); len(on) == 1 {
				p.Reportf(site.Join("egressGateways", n, "addresses"), "egress gateway %q has addresses on node %s alone, in environment \"production\"", n, on[0]).
					Hintf("a second address, in egressAddresses of another node of class %q", e.Placement.Class).Related("environment", "the environment")
			}
		}
	},
}
