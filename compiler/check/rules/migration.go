package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// MigrationLeavesBehind finds callers that the last stage of a migration refuses.
var MigrationLeavesBehind = &check.Rule{
	ID: "MG8260", Name: "migration-leaves-behind", Severity: diag.Note, On: check.OnSite,
	Doc: `a namespace is on its way to mutual TLS, and callers of it are outside the mesh

They have no certificate, and stage strict refuses them: until it comes, they go into the mesh, or the target is permissive.
Source: istio.io, mutual TLS migration: lock down to mutual TLS.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Migration == nil || n.Migration.Target != "strict" || n.Migration.Stage == "strict" {
				continue
			}
			for c := range services(p.Site) {
				if p.Site.Namespaces[c.namespace].Mesh {
					continue
				}
				for sn := range byKey(n.Services) {
					if i := slices.Index(c.Calls, nn+"/"+sn); i >= 0 {
						p.Reportf(site.Join("namespaces", nn, "migration", "target"), "%s/%s is outside the mesh and calls %s/%s: stage strict refuses it", c.namespace, c.name, nn, sn).
							Related(c.path+".calls."+site.Index(i), "the call").Hintf("namespaces.%s.mesh: true, or target: %q", c.namespace, "permissive")
					}
				}
			}
		}
	},
}

// MigrationAheadOfCallers finds a namespace that refuses plain text before its callers are ready.
var MigrationAheadOfCallers = &check.Rule{
	ID: "MG5580", Name: "migration-ahead-of-callers", Severity: diag.Warning, On: check.OnSite,
	Doc: `a namespace has arrived at the end of its mTLS migration, and one that calls it is at stage observe

Until the last stage declared callers are taken with a proxy and without one; the last takes pods of the mesh with a proxy
alone. A namespace at stage observe is one whose pods are still looked at: some of them may have started before their
namespace was taken in, and are then refused.
Source: istio.io, mutual TLS migration: workloads without sidecars cannot call what is locked down.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Migration == nil || !n.Mesh || n.Migration.Stage != n.Migration.Target {
				continue
			}
			for c := range services(p.Site) {
				caller := p.Site.Namespaces[c.namespace]
				if c.namespace == nn || !caller.Mesh || caller.Migration == nil || caller.Migration.Stage != "observe" {
					continue
				}
				for sn := range byKey(n.Services) {
					if i := slices.Index(c.Calls, nn+"/"+sn); i >= 0 {
						p.Reportf(site.Join("namespaces", nn, "migration", "stage"), "%s/%s calls %s/%s, and namespace %q is at stage observe: its pods that have no proxy yet are refused", c.namespace, c.name, nn, sn, c.namespace).
							Related(c.path+".calls."+site.Index(i), "the call").
							Related(site.Join("namespaces", c.namespace, "migration", "stage"), "the caller's stage").
							Hintf("bring namespace %q further first", c.namespace)
					}
				}
			}
		}
	},
}
