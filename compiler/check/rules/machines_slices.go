package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// sliced reports whether EndpointSlices lead to machines outside the cluster.
func sliced(s *site.Site) bool { return s.Mesh.Kind == "none" || s.Mesh.Kind == "cilium" }

// MachineSlices finds EndpointSlices that nobody would bring into the cluster.
var MachineSlices = &check.Rule{
	ID: "MG5470", Name: "vm-slices-argocd", Severity: diag.Error, On: check.OnSite,
	Doc: `Argo CD is to bring EndpointSlices, which it leaves out unless it is told otherwise

From 3.0 on the key resource.exclusions of its ConfigMap argocd-cm lists EndpointSlices, because the cluster makes so many
of them: the Service of a VM would lead nowhere, and the Application be in sync all the same. Whoever takes them out of
the list waives this.
Source: argo-cd v3.0 upgrade notes, Default resource.exclusions configurations; manifests/base/config/argocd-cm.yaml, read
2026-11-21.`,
	Run: func(p *check.Pass) {
		if !sliced(p.Site) || p.Site.Delivery.Kind != ir.ArgoCD {
			return
		}
		for s := range services(p.Site) {
			if s.Workload == "VM" {
				p.Reportf(s.path+".workload", "EndpointSlices lead to VM %s, and Argo CD leaves these out", s.full()).
					Related("delivery.kind", "Argo CD").Hintf("take EndpointSlice out of resource.exclusions of argocd-cm, and waive this")
			}
		}
	},
}

// MachineHeld finds callers of a machine that would be held to some requests on a way of their own.
var MachineHeld = &check.Rule{
	ID: "MG5471", Name: "vm-allow-routed", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `under Cilium a VM allows some requests alone, and the requests to it have a route

Who may ask a VM for what is held by the policy of the caller, at the port of the VM. A route (timeout, retries, split,
outlierDetection) is a listener of the proxy at the Service's address: a request that it takes has no port of the VM yet, and
the agent knows one proxy for it.
Source: cilium/cilium v1.20.2 Documentation/network/servicemesh/l7-traffic-management.rst; pkg/envoy, redirects by port.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "cilium" {
			return
		}
		for s := range services(p.Site) {
			routed := s.Timeout != "" || s.Retries != nil || len(s.Split) > 0 || s.OutlierDetection != nil
			if s.Workload != "VM" || !routed {
				continue
			}
			for i, a := range s.Allow {
				if len(a.Methods)+len(a.Paths) > 0 {
					p.Reportf(s.path+".allow."+site.Index(i), "VM %s allows some requests alone, and the requests to it have a route", s.full()).
						Hintf("leave methods and paths out, or timeout, retries, split and outlierDetection")
				}
			}
		}
	},
}

// MachineNoWay finds calls of a machine that lead nowhere.
var MachineNoWay = &check.Rule{
	ID: "MG5472", Name: "vm-no-way-in", Severity: diag.Error, On: check.OnSite,
	Doc: `a VM calls a service that has no address outside the cluster

Addresses of Services and pods are the cluster's own: from a machine outside they lead nowhere, unless somebody routes them.
An exposure gives the service an address that the machine can call; a policy lets the machine's addresses in.
Source: Kubernetes, Service: publishing Services.`,
	Run: func(p *check.Pass) {
		if !sliced(p.Site) {
			return
		}
		for s := range services(p.Site) {
			if s.Workload != "VM" {
				continue
			}
			for i, c := range s.Calls {
				if exposed := slices.ContainsFunc(exposedServices(p.Site), func(name string) bool { return name == c }); lookup(p.Site, c) != nil && !exposed {
					p.Reportf(s.path+".calls."+site.Index(i), "VM %s calls %s, which has no address outside the cluster", s.full(), c).
						Hintf("exposures: one with service: %q; or waive this where pods' addresses are routed", c)
				}
			}
		}
	},
}

// exposedServices are those that an exposure leads to, by "namespace/name".
func exposedServices(s *site.Site) []string {
	var out []string
	for _, e := range byKey(s.Exposures) {
		out = append(out, e.Service)
	}
	return out
}
