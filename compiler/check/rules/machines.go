package rules

import (
	"net/netip"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// MachineAsks refuses what a machine outside the cluster would need a proxy of the mesh for.
var MachineAsks = &check.Rule{
	ID: "MG5343", Name: "vm-without-proxy", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a VM asks for what only a proxy beside it would do, or a pod

A VM is reached at its addresses. Nothing beside it counts its requests, looks at tokens or holds what it sends, and no
kubelet probes it; under Istio it has no identity, so that it calls nobody, and whom it allows is held to that by a
waypoint alone. A headless Service has no address of its own, and its name would lead around whatever holds callers.
Source: istio.io, Virtual machine installation; Kubernetes, Services without selectors.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		for s := range services(p.Site) {
			n := p.Site.Namespaces[s.namespace]
			if s.Workload != "VM" || isIstio(kind) && !n.Mesh {
				continue
			}
			for _, f := range []struct {
				given bool
				field string
			}{{len(s.Calls) > 0 && (isIstio(kind) || kind == "consul"), "calls"}, {len(s.Egress) > 0, "egress"}, {s.JWT != nil, "jwt"}, {s.RateLimit != nil, "rateLimit"},
				{s.Health != nil, "health"}, {s.Headless, "headless"}, {s.Allow != nil && isIstio(kind) && !(kind == "istio-ambient" && n.Waypoint), "allow"},
				{s.OutlierDetection != nil && kind == "linkerd", "outlierDetection"}} {
				if f.given {
					p.Reportf(s.path+"."+f.field, "VM %s has %s, and nothing is beside it that would see to that", s.full(), f.field).
						Related(s.path+".workload", "the workload").Hintf("leave it out")
				}
			}
		}
	},
}

// MachineCallers refuses callers that the mesh's registry does not lead to a machine.
var MachineCallers = &check.Rule{
	ID: "MG5344", Name: "vm-unmeshed-caller", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a VM is called by a service that has no proxy, or is in a namespace outside the mesh

Its Service leads to the machine by way of the mesh's registry, which a proxy knows and nobody else: without one the
address of the Service answers nobody.
Source: istio.io, WorkloadEntry; istio/istio 1.31.0 PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES; linkerd.io, Adding
non-Kubernetes workloads to your mesh.`,
	Run: func(p *check.Pass) {
		if k := p.Site.Mesh.Kind; !isIstio(k) && k != "linkerd" && k != "consul" {
			return
		}
		for s := range services(p.Site) {
			if s.Workload == "VM" && !p.Site.Namespaces[s.namespace].Mesh {
				p.Reportf(s.path+".workload", "VM %s is in a namespace outside the mesh, whose registry alone leads to it", s.full()).
					Related(site.Join("namespaces", s.namespace, "mesh"), "outside the mesh").Hintf("declare it in external, or in a namespace of the mesh")
			}
			if p.Site.Namespaces[s.namespace].Mesh || p.Site.Mesh.Kind == "linkerd" {
				continue // Linkerd makes EndpointSlices, and the proxy of the machine decides
			}
			for i, c := range s.Calls {
				if to := lookup(p.Site, c); to != nil && to.Workload == "VM" {
					p.Reportf(s.path+".calls."+site.Index(i), "%s has no proxy and calls VM %s, which the mesh alone knows", s.full(), c).
						Hintf("namespaces: %s: mesh: true", s.namespace)
				}
			}
		}
	},
}

// MachineFamily finds machines that pods have no address to reach from.
var MachineFamily = &check.Rule{
	ID: "MG5345", Name: "vm-family", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a VM has an address of a family that pods or Services do not have

A pod without an IPv6 address has no way to one, and the other way round. Where EndpointSlices lead to the VM, its Service
needs an address of that family as well: one family is never translated to the other.
Source: Kubernetes, IPv4/IPv6 dual-stack.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		families := func(cidrs []string) map[bool]bool {
			have := map[bool]bool{}
			for _, c := range cidrs {
				have[!strings.Contains(c, ":")] = true
			}
			return have
		}
		pods, addresses := families(k.PodCIDRs), families(k.ServiceCIDRs)
		for s := range services(p.Site) {
			if s.Workload != "VM" {
				continue
			}
			for i, a := range s.Addresses {
				ip, err := netip.ParseAddr(a)
				if err != nil {
					continue
				}
				at := s.path + ".addresses." + site.Index(i)
				switch {
				case len(pods) > 0 && !pods[ip.Is4()]:
					p.Reportf(at, "VM %s has address %s, and pods have none of that family", s.full(), ip).Hintf("an address of the pods' family, or a network of this one in kubernetes.podCIDRs").Related("kubernetes.podCIDRs", "the pods' networks")
				case sliced(p.Site) && len(addresses) > 0 && !addresses[ip.Is4()]:
					p.Reportf(at, "VM %s has address %s, and Services have none of that family", s.full(), ip).Hintf("an address of the Services' family, or a network of this one in kubernetes.serviceCIDRs").Related("kubernetes.serviceCIDRs", "the Services' networks")
				}
			}
		}
	},
}
