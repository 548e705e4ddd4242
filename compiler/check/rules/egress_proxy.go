package rules

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// egressProxyRules are the rules about egress gateways whose provider rewrites what pods of the mesh's own gateway send.
var egressProxyRules = []*check.Rule{
	EgressProxyMesh,
	EgressConsulOpen,
	EgressAmbientShared,
	WaypointGatewayAPI,
	EgressProxyNetwork,
	EgressNodeAddress,
	EgressHostFiles,
	EgressProxyDatagrams,
	EgressProxyUnmeshed,
	EgressKubeVIP,
	EgressKubeVIPNodes,
	EgressCalicoAddresses,
	EgressCalicoNetwork,
	EgressCalicoWays,
	EgressCalicoMachine,
	EgressCalicoOptions,
}

// byProxy reports whether a provider needs a gateway of the mesh: it rewrites on the node of the pods that send, and pods
// of services are on any node.
func byProxy(provider string) bool { return provider == "host" || provider == "kube-vip" }

// EgressProxyNetwork finds a pod network whose packets pass the machine's rules by.
var EgressProxyNetwork = &check.Rule{
	ID: "MG5451", Name: "egress-host-network", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the pod network takes packets past the rules that are to give them their source address

Cilium that masquerades in BPF hands packets of pods to the network card and asks no table of the kernel; so does the BPF
data plane of Calico, which is what replaces kube-proxy there. The packets leave with the address of the node, and the
other end refuses them.
Source: Cilium v1.20.2, Documentation/network/concepts/masquerading.rst and operations/performance/tuning.rst (host routing
in BPF); Calico documentation, eBPF dataplane; read 2026-11-21.`,
	Run: func(p *check.Pass) {
		cni := p.Site.Kubernetes.CNI
		for n, e := range byKey(p.Site.EgressGateways) {
			if !byProxy(e.Provider) {
				continue
			}
			path := site.Join("egressGateways", n, "provider")
			o, at := ciliumOptions(p.Site, "bpfMasquerade")
			switch {
			case o != nil && o.BPFMasquerade:
				p.Reportf(path, "the provider of egress gateway %q is %s, and Cilium masquerades in BPF, past the rules of the kernel", n, e.Provider).
					Hintf("provider: \"cilium\", or bpfMasquerade: false").Related(at, "the pod network's setting")
			case cni.Kind != "cilium" && p.Site.Kubernetes.KubeProxy.Mode == "replaced":
				p.Reportf(path, "the provider of egress gateway %q is %s, and %s in place of kube-proxy takes packets past the rules of the kernel", n, e.Provider, cni.Kind).
					Hintf("kubernetes: kubeProxy: mode: \"nftables\"").Related("kubernetes.kubeProxy.mode", "who does the work of kube-proxy")
			}
		}
	},
}

// EgressNodeAddress finds machines of an egress gateway that would send with another address than the declared ones.
var EgressNodeAddress = &check.Rule{
	ID: "MG5452", Name: "egress-node-address", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a machine that pods of an egress gateway run on has none of its addresses, or two of one family

With provider host each machine gives what the gateway's pods on it send its own address. On a machine without one they
send with the address of the node, which the other end does not know; of two, the second would never be used.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "host" {
				continue
			}
			declared, families := map[netip.Addr]bool{}, map[bool]bool{}
			for _, a := range e.Addresses {
				if ip, err := netip.ParseAddr(a); err == nil {
					declared[ip], families[ip.Is4()] = true, true
				}
			}
			for rn, r := range byKey(p.Site.Racks) {
				for nn, node := range byKey(r.Nodes) {
					if node.Class != e.Placement.Class {
						continue
					}
					path := site.Join("racks", rn, "nodes", nn)
					has := map[bool]int{}
					for i, a := range node.EgressAddresses {
						ip, err := netip.ParseAddr(a)
						if err != nil || !declared[ip] {
							continue
						}
						if has[ip.Is4()]++; has[ip.Is4()] == 2 {
							p.Reportf(site.Join("racks", rn, "nodes", nn, "egressAddresses", site.Index(i)), "machine %s has two addresses of egress gateway %q, of one family", nn, n).
								Related(site.Join("egressGateways", n, "addresses"), "the gateway's addresses").Hintf("one address of a family on each machine")
						}
					}
					for _, four := range []bool{true, false} {
						if families[four] && has[four] == 0 {
							p.Reportf(path, "machine %s is of class %q, where pods of egress gateway %q run, and has none of its addresses of IPv%d", nn, node.Class, n, familyNumber(four)).
								Related(site.Join("egressGateways", n, "addresses"), "the gateway's addresses").Hintf("egressAddresses of the machine, and addresses of the gateway; or a class of its own")
						}
					}
				}
			}
		}
	},
}

func familyNumber(four bool) int {
	if four {
		return 4
	}
	return 6
}

// EgressHostFiles finds machines that do not get the file that rewrites.
var EgressHostFiles = &check.Rule{
	ID: "MG5453", Name: "egress-host-files", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a machine that is to rewrite source addresses gets no file that tells it to

The rules are a file of nftables and a unit of systemd. Talos has neither, and no place in its machine configuration for
rules of that kind; other systems get files by one of the forms of delivery.hosts.
Source: Talos documentation, NetworkRuleConfig and NetworkDefaultActionConfig: ports of the machine alone; read 2026-11-21.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "host" {
				continue
			}
			look := func(path, os string) {
				prof := p.Profiles.OS(os)
				carried := func(form string) bool { return form != "talos" && slices.Contains(prof.Forms, form) }
				if prof != nil && !slices.ContainsFunc(p.Site.Delivery.Hosts, carried) {
					p.Reportf(path, "machines of egress gateway %q with provider host run %s and get no files", n, os).
						Hintf("another system, or provider: \"cilium\"").Related("delivery.hosts", "the forms of host files")
				}
			}
			if class := p.Site.NodeClasses[e.Placement.Class]; class != nil {
				look(site.Join("nodeClasses", e.Placement.Class, "os"), class.OS)
			}
			for rn, r := range byKey(p.Site.Racks) {
				for nn, node := range byKey(r.Nodes) {
					if node.Class == e.Placement.Class && node.OS != "" {
						look(site.Join("racks", rn, "nodes", nn, "os"), node.OS)
					}
				}
			}
		}
	},
}

// EgressProxyDatagrams finds ports that no proxy takes.
var EgressProxyDatagrams = &check.Rule{
	ID: "MG5454", Name: "egress-proxy-udp", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination behind an egress gateway of the mesh has a port of UDP

A sidecar takes TCP. Datagrams would leave from the node of the service's pod, with its address.
Source: istio.io, Application Requirements and Protocol Selection: UDP is not proxied; read 2026-11-21.`,
	Run: func(p *check.Pass) {
		for n, x := range byKey(p.Site.External) {
			g := p.Site.EgressGateways[x.Via]
			if g == nil || !byProxy(g.Provider) {
				continue
			}
			for pn, port := range byKey(x.Ports) {
				if port.Protocol == "udp" {
					p.Reportf(site.Join("external", n, "ports", pn), "port %q of destination %q is UDP, and egress gateway %q with provider %s takes TCP alone", pn, n, x.Via, g.Provider).
						Hintf("a destination of its own without via, or provider: \"cilium\"").Related(site.Join("egressGateways", x.Via, "provider"), "the provider")
				}
			}
		}
	},
}

// EgressProxyUnmeshed finds services that nobody leads to the gateway.
var EgressProxyUnmeshed = &check.Rule{
	ID: "MG5455", Name: "egress-proxy-unmeshed", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service outside the mesh uses a destination behind an egress gateway of the mesh

Its pods have no proxy that would lead their connections there: they leave with the address of whatever node they are on.
The same goes for a machine outside the cluster, which sends with its own.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, name := range s.Egress {
				x := p.Site.External[name]
				if x == nil {
					continue
				}
				g := p.Site.EgressGateways[x.Via]
				if g == nil || !byProxy(g.Provider) || p.Site.Namespaces[s.namespace].Mesh && s.Workload != "VM" {
					continue
				}
				p.Reportf(site.Join("namespaces", s.namespace, "services", s.name, "egress", site.Index(i)), "service %s/%s has no proxy of the mesh, and destination %q is behind egress gateway %q of the mesh", s.namespace, s.name, name, x.Via).
					Hintf("a destination of its own without via, or mesh: true").Related(site.Join("external", name, "via"), "the way out")
			}
		}
	},
}
