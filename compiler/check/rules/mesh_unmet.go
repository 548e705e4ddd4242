package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
)

// option is a part of the language that is not a field of one service, and the row of the matrix of capabilities that it
// is about.
type option struct {
	path  string // "*" stands for one segment
	value string // the one that asks for the row; "": any that says something
	row   string
}

// options lists them.
var options = []option{
	{"mesh.mtls", "permissive", "mtls.permissive"},
	{"namespaces.*.mtls", "permissive", "mtls.permissive"},
	{"mesh.trustDomainAliases", "", "trustDomainAliases"},
	{"mesh.proxy.holdApplicationUntilReady", "true", "holdApplicationUntilReady"},
	{"mesh.controlPlane.pushThrottle", "", "pushThrottle"},
	{"namespaces.*.services.*.workload", "VM", "workload.vm"},
	{"mesh.ca", "", "ca"},
	{"mesh.upgrade", "", "upgrade"},
	{"namespaces.*.migration", "", "migration"},
	{"observability.tracing", "", "tracing"},
	{"federation", "", "federation"},
}

// OptionUnmet finds what the mesh of the site has nothing for.
var OptionUnmet = &check.Rule{
	ID: "MG5225", Name: "mesh-option-unmet", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site asks for what its mesh cannot do

Nothing could be written for it: whoever reads the site would believe in something that is not there.
Source: the matrix of capabilities, made from each mesh's CRDs, charts and reference.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		m := p.Profiles.Mesh(kind)
		if m == nil {
			return // without a mesh, intent-without-mesh says so
		}
		for _, o := range options {
			c := m.Capability(o.row)
			if c.For("").Support != profile.None {
				continue
			}
			visit(p.Values, strings.Split(o.path, "."), nil, func(path string, v any) {
				text, _ := scalarText(v)
				if empty(v) || o.value != "" && text != o.value {
					return
				}
				r := p.Reportf(path, "the site asks for %s, which mesh %s cannot do: %s", o.row, kind, c.Limits).Related("mesh.kind", "the mesh")
				if can := meshesWith(p.Profiles, o.row); can != "" {
					r.Hintf("leave it out; what can: %s", can)
				} else {
					r.Hintf("leave it out")
				}
			})
		}
	},
}
