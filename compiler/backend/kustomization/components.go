package kustomization

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// components writes what the mesh reads on Services of others, a component for each namespace: services/<namespace>, which
// the owner of these Services takes into a kustomization of its own. The site's own takes none of them.
func components(p *ir.Plan, t *artifact.Tree) {
	for from := 0; from < len(p.ServiceMarks); {
		to := from
		for to < len(p.ServiceMarks) && p.ServiceMarks[to].Namespace == p.ServiceMarks[from].Namespace {
			to++
		}
		component(p, t, p.ServiceMarks[from:to])
		from = to
	}
}

func component(p *ir.Plan, t *artifact.Tree, marks []ir.ServiceMark) {
	namespace := marks[0].Namespace
	f := t.File(backend.ServicesDir(p, namespace)+"/"+fileName, p.From...)
	f.Header("#", p.Name)
	y := f.YAML()
	y.Begin(marks[0].From...)
	y.Fixed()
	y.Comment("For the kustomization that makes the Services of namespace " + namespace + ": list this folder under components.")
	y.KV("apiVersion", "kustomize.config.k8s.io/v1alpha1")
	y.KV("kind", "Component")
	y.Seq("patches", func() {
		for _, m := range marks {
			y.Begin(m.From...)
			y.Fixed()
			y.Item(func() {
				y.Comment(strings.Join(m.Reasons, "; "))
				y.Map("target", func() {
					y.KV("version", "v1")
					y.KV("kind", "Service")
					y.KV("name", m.Service)
					// A Service that says no namespace is in "default" to kustomize, until the owner's kustomization says which.
					y.KV("namespace", "^("+namespace+"|default)$")
				})
				y.Block("patch", markPatch(&m))
			})
		}
	})
}

// markPatch merges, so that it does not matter whether a Service has labels or annotations already.
func markPatch(m *ir.ServiceMark) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Service\nmetadata:\n  name: " + m.Service + "\n")
	for _, part := range []struct {
		key string
		kvs []ir.KV
	}{{"labels", m.Labels}, {"annotations", m.Annotations}} {
		for i, kv := range part.kvs {
			if i == 0 {
				b.WriteString("  " + part.key + ":\n")
			}
			b.WriteString("    " + kv.Key + `: "` + kv.Value + "\"\n")
		}
	}
	return b.String()
}
