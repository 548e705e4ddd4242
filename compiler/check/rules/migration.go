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
