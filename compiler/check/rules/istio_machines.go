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
	Doc: `a VM asks for what only a proxy beside it would do

A VM is reached at its addresses, in plain text, and has no identity. Nobody would count its requests, look at tokens or
know it as a caller: to enrol it in the mesh is a matter of its own machine, and not written here yet. A headless Service
has no address and no pod, so that its name leads nowhere.
Source: istio.io, Virtual machine installation; Kubernetes, Headless Services.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "istio-sidecar" {
			return
		}
		for s := range services(p.Site) {
			if s.Workload != "VM" || !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			for _, f := range []struct {
				given bool
				field string
			}{{len(s.Calls) > 0, "calls"}, {len(s.Egress) > 0, "egress"}, {s.JWT != nil, "jwt"}, {s.RateLimit != nil, "rateLimit"},
				{s.Health != nil, "health"}, {s.Headless, "headless"}, {s.Allow != nil, "allow"}} {
				if f.given {
					p.Reportf(s.path+"."+f.field, "not supported yet: %s of VM %s", f.field, s.full()).Related(s.path+".workload", "the workload").Hintf("leave it out")
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
Source: istio.io, WorkloadEntry; istio/istio 1.31.0 PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "istio-sidecar" {
			return
		}
		for s := range services(p.Site) {
			if s.Workload == "VM" && !p.Site.Namespaces[s.namespace].Mesh {
				p.Reportf(s.path+".workload", "not supported yet: VM %s in a namespace outside the mesh", s.full()).
					Related(site.Join("namespaces", s.namespace, "mesh"), "outside the mesh").Hintf("declare it in external, or in a namespace of the mesh")
			}
			if p.Site.Namespaces[s.namespace].Mesh {
				continue
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
	Doc: `a VM has an address of a family that pods do not have

A pod without an IPv6 address has no way to one, and the other way round.
Source: Kubernetes, IPv4/IPv6 dual-stack.`,
	Run: func(p *check.Pass) {
		have := map[bool]bool{}
		for _, c := range p.Site.Kubernetes.PodCIDRs {
			have[!strings.Contains(c, ":")] = true
		}
		for s := range services(p.Site) {
			for i, a := range s.Addresses {
				if ip, err := netip.ParseAddr(a); err == nil && s.Workload == "VM" && len(have) > 0 && !have[ip.Is4()] {
					p.Reportf(s.path+".addresses."+site.Index(i), "VM %s has address %s, and pods have none of that family", s.full(), ip).
						Related("kubernetes.podCIDRs", "the pods' networks")
				}
			}
		}
	},
}
