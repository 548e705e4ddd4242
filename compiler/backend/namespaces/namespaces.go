// Package namespaces prints the namespaces with the labels by which others act on them: Pod Security admission, the
// mesh's injection webhook, alert routing.
//
// In come the plan's namespaces. Out goes namespace.yaml of the phase 05-namespaces, before anything that lives in one, the
// namespaces of ways out in that of 03-egress, and one beside the phases for an incident, in which pods start without the mesh's proxy.
package namespaces

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the namespaces.
var Backend = backend.Backend{
	Name: "namespaces",
	Kind: "namespaces",
	Doc:  "namespaces with Pod Security levels, mesh injection and owners",
	Emit: emit,
}

// podSecurity is the prefix of the labels that Pod Security admission reads.
const podSecurity = "pod-security.kubernetes.io/"

func emit(p *ir.Plan, t *artifact.Tree) {
	if len(p.Namespaces) == 0 {
		return
	}
	begun := map[backend.Phase]bool{}
	for i := range p.Namespaces {
		phase := backend.Namespaces
		if p.Namespaces[i].Early {
			phase = backend.Egress
		}
		y := backend.Objects(p, t, phase, "Namespace")
		if !begun[phase] {
			y.Comment("Pod Security is pinned to the cluster's minor version: an upgrade alone does not change what is refused.")
			begun[phase] = true
		}
		write(p, y, &p.Namespaces[i])
	}
	if g := p.BreakGlass; g != nil && len(g.Out) > 0 {
		y := backend.Objects(p, t, backend.BreakGlassOut, "Namespace")
		y.From("", append(g.From[:len(g.From):len(g.From)], "namespaces")...)
		what := "A pod that starts gets no proxy."
		if g.Running {
			what = "The mesh lets go of running pods."
		}
		y.Comment(what + " Behind break-glass/open, never before it.")
		y.Fixed()
		for i := range g.Out {
			write(p, y, &g.Out[i])
		}
	}
}

func write(p *ir.Plan, y *artifact.YAML, n *ir.Namespace) {
	backend.Object(y, backend.Meta{
		APIVersion: "v1", Kind: "Namespace", Name: n.Name, Labels: labels(p, n), Annotations: n.Annotations, From: n.From,
	}, func() {})
}

func labels(p *ir.Plan, n *ir.Namespace) []ir.KV {
	kvs := append(backend.ManagedBy(p), ir.KV{Key: "meshgen.dev/environment", Value: n.Environment})
	if n.Owner != "" {
		kvs = append(kvs, ir.KV{Key: "meshgen.dev/owner", Value: n.Owner})
	}
	kvs = append(kvs, n.InjectLabels...)
	// enforce refuses pods; audit and warn act on the workloads that would make them, where a person sees it.
	for _, mode := range []string{"enforce", "audit", "warn"} {
		kvs = append(kvs,
			ir.KV{Key: podSecurity + mode, Value: n.PodSecurity},
			ir.KV{Key: podSecurity + mode + "-version", Value: "v" + p.Cluster.Minor})
	}
	return kvs
}
