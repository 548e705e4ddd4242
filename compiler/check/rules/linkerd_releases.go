package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdReleaseRules are about what one release of Linkerd does and another does not.
var linkerdReleaseRules = []*check.Rule{
	LinkerdLinkedRelease,
	LinkerdMachineShared,
}

// linkerdNamespaced is the release from which on the control plane keeps namespaces apart, and its extension describes the
// ports of its controllers.
const linkerdNamespaced = "2.20"

// linkerdBefore reports whether the site's Linkerd is older than a release.
func linkerdBefore(s *site.Site, release string) bool {
	return s.Mesh.Kind == "linkerd" && profile.CompareVersions(mainline(s.Mesh.Version), release) < 0
}

// LinkerdLinkedRelease refuses linked sites of a release whose controllers nobody could watch.
var LinkerdLinkedRelease = &check.Rule{
	ID: "MG5587", Name: "linkerd-linked-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `sites are linked, and the release of Linkerd has no policy for the controllers that link them

Ports that no Server describes refuse everybody. The extension's chart describes the metrics of its controllers from 2.20 on;
before, the one Server that selects them names a port that they do not have. A Server of ours in its place would stand beside the
chart's after the upgrade, and of two for one port of a pod one is left out.
Source: linkerd/linkerd2 edge-25.10.7 and edge-26.6.3 multicluster/charts/linkerd-multicluster/templates/service-mirror-policy.yaml
and controller/deployment.yaml, read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Federation != nil && linkerdBefore(s, linkerdNamespaced) {
			p.Reportf("federation", "linkerd %s links no sites here: nobody could watch its controllers", s.Mesh.Version).
				Related("mesh.version", "the release").Hintf("Linkerd %s or later: upgrade first, and link the sites then", linkerdNamespaced)
		}
	},
}

// LinkerdMachineShared finds machines that a Service of another namespace would lead to.
var LinkerdMachineShared = &check.Rule{
	ID: "MG5588", Name: "linkerd-machine-shared", Severity: diag.Error, On: check.OnPlan,
	Doc: `a Service selects a machine of another namespace, which the release of Linkerd does not keep apart

Before 2.20 its controller looks for the machines of a Service in all namespaces: those with the labels of the Service's selector
get requests that are meant for another service.
Source: linkerd/linkerd2 edge-25.10.7 and edge-26.6.3 controller/api/destination/external-workload/endpoints_controller.go
syncService, read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Plan.Linkerd == nil || !linkerdBefore(p.Site, linkerdNamespaced) {
			return
		}
		for i := range p.Plan.Services {
			machine := &p.Plan.Services[i]
			if machine.Workload != ir.Machine {
				continue
			}
			for j := range p.Plan.Services {
				s := &p.Plan.Services[j]
				apart := slices.ContainsFunc(s.Labels, func(kv ir.KV) bool { return !slices.Contains(machine.Labels, kv) })
				if s.Namespace == machine.Namespace || apart {
					continue
				}
				p.Reportf(site.Join("namespaces", s.Namespace, "services", s.Name), "linkerd %s sends requests for %s/%s to the machines of %s/%s: its selector fits them", p.Site.Mesh.Version, s.Namespace, s.Name, machine.Namespace, machine.Name).
					Related(site.Join("namespaces", machine.Namespace, "services", machine.Name), "the machines").
					Hintf("another name or other labels for one of the two, or Linkerd %s", linkerdNamespaced)
			}
		}
	},
}
