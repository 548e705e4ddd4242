// Package backend is what the printers of the plan share: the type of a backend, the folders of the tree, and the few
// shapes of Kubernetes objects that all of them write.
//
// A backend takes the plan and adds files to the tree. It decides nothing: no look-ups, no defaults, no policy. If it
// would have to compare two fields of the plan, the plan lacks a field.
package backend

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend is one target.
type Backend struct {
	Name string // "metallb"; for a mesh, load balancer or switch the kind in the site
	Kind string // "mesh", "loadbalancer", "switch", "hosts", "nodes", "namespaces"
	Doc  string // what it writes, in a sentence
	Emit func(p *ir.Plan, t *artifact.Tree)
}

// Phase is a folder of the overlay. Phases are applied in the order of their names.
type Phase string

// The phases. What a phase needs, an earlier one brings.
const (
	Nodes        Phase = "00-nodes"
	Egress       Phase = "03-egress" // ways out that a namespace names: one that is not there lets nothing out
	Namespaces   Phase = "05-namespaces"
	Secrets      Phase = "07-secrets"
	Hosts        Phase = "08-hosts"
	LoadBalancer Phase = "10-load-balancer"
	Mesh         Phase = "20-mesh"
	Gateways     Phase = "30-gateways"
	Policy       Phase = "40-policy"
	Enforcement  Phase = "45-enforcement" // what refuses: after all that admits, so that a running mesh loses no caller
	Watch        Phase = "50-observability"
)

// Stages are folders beside the phases that belong to no delivery: people apply them, in an incident or step by step.
const (
	BreakGlassOpen Phase = "break-glass/open"
	BreakGlassOut  Phase = "break-glass/proxyless"
)

// MigrationStage is the folder of one stage of a namespace's way to another mode of mutual TLS.
func MigrationStage(namespace, stage string) Phase {
	return Phase("migration/" + namespace + "/" + stage)
}

// ServicesDir is the folder of the component that adds to a namespace's Services what the mesh reads on them.
func ServicesDir(p *ir.Plan, namespace string) string {
	return OverlayDir(p) + "/services/" + namespace
}

// Staged labels an object that is in no phase: it is found again, and deleted, by it.
func Staged(stage string) ir.KV { return ir.KV{Key: "meshgen.dev/stage", Value: stage} }

// OverlayDir is the folder of the site's overlay.
func OverlayDir(p *ir.Plan) string { return "kubernetes/overlays/" + p.Name }

// Objects starts the file that holds all objects of one kind in one phase, or goes on with it where another backend has
// begun it: Istio and the Gateway API both have a kind Gateway.
func Objects(p *ir.Plan, t *artifact.Tree, phase Phase, kind string) *artifact.YAML {
	path := OverlayDir(p) + "/" + string(phase) + "/" + strings.ToLower(kind) + ".yaml"
	if f := t.Lookup(path); f != nil {
		return f.YAML()
	}
	f := t.File(path, p.From...)
	f.Header("#", p.Name)
	return f.YAML()
}

// Writer writes the objects of one kind in one phase. Their file is made when the first is written.
type Writer struct {
	p     *ir.Plan
	t     *artifact.Tree
	phase Phase
	kind  string
	y     *artifact.YAML
}

// NewWriter returns a writer that has written nothing.
func NewWriter(p *ir.Plan, t *artifact.Tree, phase Phase, kind string) *Writer {
	return &Writer{p: p, t: t, phase: phase, kind: kind}
}

// Add writes one object; m.Kind is that of the file where it is not given.
func (w *Writer) Add(m Meta, body func(y *artifact.YAML)) {
	if w.y == nil {
		w.y = Objects(w.p, w.t, w.phase, w.kind)
	}
	if m.Kind == "" {
		m.Kind = w.kind
	}
	m.Labels = append(m.Labels[:len(m.Labels):len(m.Labels)], ManagedBy(w.p)...)
	Object(w.y, m, func() { body(w.y) })
}

// Nested writes mappings inside each other, and body in the innermost.
func Nested(y *artifact.YAML, keys []string, body func()) {
	if len(keys) == 0 {
		body()
		return
	}
	y.Map(keys[0], func() { Nested(y, keys[1:], body) })
}

// Values starts the values file of a chart release.
func Values(p *ir.Plan, t *artifact.Tree, r ir.Release) *artifact.YAML {
	return valuesFile(p, t, r.Name, r)
}

// UpgradeValues starts a file of values that steps of an upgrade take besides those of the tree.
func UpgradeValues(p *ir.Plan, t *artifact.Tree, v ir.UpgradeValues) *artifact.YAML {
	return valuesFile(p, t, "upgrade/"+v.Name, v.Release)
}

func valuesFile(p *ir.Plan, t *artifact.Tree, folder string, r ir.Release) *artifact.YAML {
	f := t.File("charts/"+p.Name+"/"+folder+"/values.yaml", p.From...)
	f.Header("#", p.Name)
	f.Begin(r.From...)
	for _, v := range r.Images {
		f.Owe(v.Key, v.From, func(y *artifact.YAML, key string) { chartValue(y, key, v) })
	}
	f.Linef("# Helm release %s in namespace %s: chart %s %s from %s", r.Name, r.Namespace, r.Chart, r.Version, r.Repository)
	return f.YAML()
}

func chartValue(y *artifact.YAML, key string, v ir.ChartValue) {
	switch {
	case !v.Named && len(v.List) > 0:
		y.KV(key, v.List)
	case len(v.List) > 0:
		y.Seq(key, func() {
			for _, name := range v.List {
				y.Item(func() { y.KV("name", name) })
			}
		})
	default:
		y.KV(key, v.Text)
	}
}

// Meta is the head of an object. Namespace is empty for cluster-scoped kinds.
type Meta struct {
	APIVersion, Kind, Namespace, Name string
	Labels, Annotations               []ir.KV
	From                              ir.From // what the whole object comes from
}

// siteLabel is on every object that meshgen owns.
const siteLabel = "meshgen.dev/site"

// ManagedBy are the labels of objects that meshgen owns: by them an operator finds, and a pruner selects, what came
// from this tree.
func ManagedBy(p *ir.Plan) []ir.KV {
	return []ir.KV{
		{Key: "app.kubernetes.io/managed-by", Value: "meshgen"},
		{Key: siteLabel, Value: p.Name},
	}
}

// Object writes one document: the head from m, the rest by body.
func Object(y *artifact.YAML, m Meta, body func()) {
	y.Begin(m.From...)
	y.Fixed()
	y.Doc()
	y.KV("apiVersion", m.APIVersion)
	y.KV("kind", m.Kind)
	y.Map("metadata", func() {
		y.KV("name", m.Name)
		if m.Namespace != "" {
			y.KV("namespace", m.Namespace)
		}
		Pairs(y, "labels", m.Labels)
		Pairs(y, "annotations", m.Annotations)
	})
	body()
}

// Pairs writes key: {k: v, …} in the order given, or nothing for an empty list.
func Pairs(y *artifact.YAML, key string, kvs []ir.KV) {
	if len(kvs) == 0 {
		return
	}
	y.Map(key, func() {
		for _, kv := range kvs {
			if kv.Key == siteLabel {
				y.From("", "name")
				y.KV(kv.Key, kv.Value)
				y.Fixed()
				continue
			}
			y.KV(kv.Key, kv.Value)
		}
	})
}

// Expressions writes matchExpressions for a selector, each term as "In", and as "Exists" where it names no values.
func Expressions(y *artifact.YAML, s ir.Selector) {
	y.Seq("matchExpressions", func() {
		for _, t := range s.Terms {
			y.Item(func() {
				y.KV("key", t.Key)
				if len(t.Values) == 0 {
					y.KV("operator", "Exists")
					return
				}
				y.KV("operator", "In")
				y.KV("values", t.Values)
			})
		}
	})
}
