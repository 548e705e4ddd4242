package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// meshRules are the rules about the mesh and its releases.
var meshRules = []*check.Rule{
	MeshRelease,
	RequestOverLimit,
}

// RequestOverLimit finds containers that ask for more than they may use.
var RequestOverLimit = &check.Rule{
	ID: "MG5002", Name: "request-over-limit", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a container's request is more than its limit

The API server refuses such a pod, so no pod with a proxy would start any more.
Source: kubernetes pkg/apis/core/validation, ValidateResourceRequirements.`,
	Run: func(p *check.Pass) {
		compare := func(path string, r *site.ResourceRange) {
			if r != nil && r.Request != "" && r.Limit != "" && site.ParseMilli(r.Request) > site.ParseMilli(r.Limit) {
				p.Reportf(path+".request", "the request %s is more than the limit %s", r.Request, r.Limit).
					Related(path+".limit", "the limit")
			}
		}
		each := func(path string, r *site.Resources) {
			if r != nil {
				compare(path+".cpu", r.CPU)
				compare(path+".memory", r.Memory)
			}
		}
		each("mesh.proxy.resources", p.Site.Mesh.Proxy.Resources)
		if w := p.Site.Mesh.Waypoint; w != nil {
			each("mesh.waypoint.resources", w.Resources)
		}
	},
}
