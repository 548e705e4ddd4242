package kubevip

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const (
	rbacV1    = "rbac.authorization.k8s.io/v1"
	rbacGroup = "rbac.authorization.k8s.io"
)

// rule is what the account may do with resources of one API group.
type rule struct {
	group     string
	resources []string
	verbs     []string
}

// rules are those of kube-vip's own generator (pkg/kubevip/config_generator.go, GenerateRole, in 1.2.3), less what serves
// switches that are off: labels of nodes, and Endpoints, in place of which it reads EndpointSlices.
var rules = []rule{
	{"", []string{"services/status"}, []string{"update"}},
	{"", []string{"services"}, []string{"get", "list", "update", "watch"}},
	{"", []string{"nodes", "pods"}, []string{"get", "list", "watch"}},
	{"coordination.k8s.io", []string{"leases"}, []string{"create", "get", "list", "update", "watch"}},
	{"discovery.k8s.io", []string{"endpointslices"}, []string{"get", "list", "watch"}},
}

// rights writes the ServiceAccount and what it may do. Services are those of every namespace, and a Service's lease
// stands beside it.
func rights(p *ir.Plan, t *artifact.Tree) {
	from := append(p.KubeVIP.From[:len(p.KubeVIP.From):len(p.KubeVIP.From)], p.From...)
	head := func(y *artifact.YAML, apiVersion, kind, namespace, name string, body func()) {
		backend.Object(y, backend.Meta{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name, Labels: backend.ManagedBy(p), From: from}, body)
	}
	y := backend.Objects(p, t, backend.LoadBalancer, "ServiceAccount")
	head(y, "v1", "ServiceAccount", p.LoadBalancer.Namespace, account, func() {})
	y = backend.Objects(p, t, backend.LoadBalancer, "ClusterRole")
	head(y, rbacV1, "ClusterRole", "", account, func() {
		y.Seq("rules", func() {
			for _, r := range rules {
				y.Item(func() {
					y.KV("apiGroups", []string{r.group})
					y.KV("resources", r.resources)
					y.KV("verbs", r.verbs)
				})
			}
		})
	})
	y = backend.Objects(p, t, backend.LoadBalancer, "ClusterRoleBinding")
	head(y, rbacV1, "ClusterRoleBinding", "", account, func() {
		y.Map("roleRef", func() {
			y.KV("apiGroup", rbacGroup)
			y.KV("kind", "ClusterRole")
			y.KV("name", account)
		})
		y.Seq("subjects", func() {
			y.Item(func() {
				y.KV("kind", "ServiceAccount")
				y.KV("name", account)
				y.KV("namespace", p.LoadBalancer.Namespace)
			})
		})
	})
}
