package observability

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const rbacV1 = "rbac.authorization.k8s.io/v1"

// Names of the roles: "targets" is to look for them, "reader" to read what asks for a token.
const (
	targetsRole = "meshgen-metrics-targets"
	readerRole  = "meshgen-metrics-reader"
)

// access gives the scraper's ServiceAccount what it needs: to find its targets in the namespaces where they are, and to
// read /metrics where a component asks the API server whether it may.
func access(p *ir.Plan, t *artifact.Tree) {
	w := &p.Watch
	if w.Reader == nil {
		return
	}
	y := backend.Objects(p, t, backend.Watch, "ClusterRole")
	role(p, y, targetsRole, func() {
		y.Item(func() {
			y.KV("apiGroups", []string{""})
			y.KV("resources", []string{"pods", "services", "endpoints"})
			y.KV("verbs", []string{"get", "list", "watch"})
		})
		y.Item(func() {
			y.KV("apiGroups", []string{"discovery.k8s.io"})
			y.KV("resources", []string{"endpointslices"})
			y.KV("verbs", []string{"get", "list", "watch"})
		})
	})
	role(p, y, readerRole, func() {
		y.Item(func() {
			y.KV("nonResourceURLs", []string{"/metrics"})
			y.KV("verbs", []string{"get"})
		})
	})
	binding(p, backend.Objects(p, t, backend.Watch, "ClusterRoleBinding"), "ClusterRoleBinding", "", readerRole)
	y = backend.Objects(p, t, backend.Watch, "RoleBinding")
	for _, namespace := range w.Access {
		binding(p, y, "RoleBinding", namespace, targetsRole)
	}
}

func role(p *ir.Plan, y *artifact.YAML, name string, rules func()) {
	meta := backend.Meta{APIVersion: rbacV1, Kind: "ClusterRole", Name: name, Labels: backend.ManagedBy(p), From: p.Watch.From}
	backend.Object(y, meta, func() { y.Seq("rules", rules) })
}

func binding(p *ir.Plan, y *artifact.YAML, kind, namespace, role string) {
	r := p.Watch.Reader
	from := append(ir.From{"namespaces", "gateways", "mesh.kind", "loadBalancer.kind"}, p.Watch.From...)
	if namespace != "" && !slices.ContainsFunc(p.Namespaces, func(n ir.Namespace) bool { return n.Name == namespace }) {
		from = append(from, "components.cni.managed") // of the pod network, which is not the tree's
	}
	meta := backend.Meta{APIVersion: rbacV1, Kind: kind, Namespace: namespace, Name: role, Labels: backend.ManagedBy(p), From: from}
	backend.Object(y, meta, func() {
		y.Map("roleRef", func() {
			y.KV("apiGroup", "rbac.authorization.k8s.io")
			y.KV("kind", "ClusterRole")
			y.KV("name", role)
		})
		y.Seq("subjects", func() {
			y.From("", r.From...)
			y.Item(func() {
				y.KV("kind", "ServiceAccount")
				y.KV("name", r.ServiceAccount)
				y.KV("namespace", r.Namespace)
			})
			y.Fixed()
		})
	})
}
