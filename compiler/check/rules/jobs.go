package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// JobSidecar finds a Job whose proxy never ends.
var JobSidecar = &check.Rule{
	ID: "MG7130", Name: "job-never-ends", Severity: diag.Warning, On: check.OnSite,
	Doc: `a Job runs in the mesh, and its proxy does not end with it

Without native sidecars the proxy is an ordinary container: the work is done, the pod stays Running, and a CronJob's
next run waits or piles up.
Source: KEP-753, Sidecar containers; istio pkg/kube/inject, DetectNativeSidecar.`,
	Run: func(p *check.Pass) {
		m := p.Profiles.Mesh(p.Site.Mesh.Kind)
		if m == nil || m.Proxies != "pod" {
			return
		}
		if m.NativeSidecars(p.Site.Mesh.Version, p.Site.Kubernetes.Version) {
			return
		}
		row := m.Release(p.Site.Mesh.Version)
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh || s.Workload != "Job" && s.Workload != "CronJob" {
				continue
			}
			r := p.Reportf(s.path+".workload", "%s is a %s in the mesh, and the proxies of %s do not end with it", s.full(), s.Workload, p.Site.Mesh.Kind).
				Related("mesh.kind", "the mesh")
			switch {
			case row != nil && row.OrdinarySidecars:
				r.Related("mesh.version", "native sidecars are no default of this release").Hintf("a newer release of the mesh, or a namespace with mesh: false for it")
			case m.NativeSidecarKubernetes != "":
				r.Related("kubernetes.version", "native sidecars need Kubernetes %s", m.NativeSidecarKubernetes).
					Hintf("Kubernetes %s, or a namespace with mesh: false for it", m.NativeSidecarKubernetes)
			default:
				r.Hintf("a namespace with mesh: false for it")
			}
		}
	},
}

// JobServes finds a Job that others wait for.
var JobServes = &check.Rule{
	ID: "MG7151", Name: "job-serves", Severity: diag.Warning, On: check.OnSite,
	Doc: `a Job is called or exposed like a service that is always there

Between its runs it has no pods: every request then is refused.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if (s.Workload == "Job" || s.Workload == "CronJob") && len(s.Expose) > 0 {
				p.Reportf(s.path+".expose", "%s is a %s and is exposed", s.full(), s.Workload).Related(s.path+".workload", "its workload").
					Hintf("workload: \"Deployment\" for what serves")
			}
			for i, c := range s.Calls {
				callee := lookup(p.Site, c)
				if callee == nil || callee.Workload != "Job" && callee.Workload != "CronJob" || len(callee.Ports) == 0 {
					continue
				}
				p.Reportf(s.path+".calls."+site.Index(i), "%s calls %s, which is a %s", s.full(), c, callee.Workload).
					Hintf("workload: \"Deployment\" for what serves")
			}
		}
	},
}

// VMAddresses finds a VM that nobody can find, and addresses of what is none.
var VMAddresses = &check.Rule{
	ID: "MG7126", Name: "vm-addresses", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a VM has no addresses, or what is no VM has some

A VM is reached at the addresses that the site declares: with none it has no endpoint. Pods get their own, and the
declared ones would be passed over.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			switch {
			case s.Workload == "VM" && len(s.Addresses) == 0:
				p.Reportf(s.path+".workload", "%s is a VM, and no address of it is given", s.full()).Hintf("addresses: with each address of the VM")
			case s.Workload != "VM" && len(s.Addresses) > 0:
				p.Reportf(s.path+".addresses", "%s has addresses, and its workload is a %s, whose pods have their own", s.full(), s.Workload).
					Related(s.path+".workload", "the workload").Hintf("workload: \"VM\", or leave the addresses out")
			}
		}
	},
}
