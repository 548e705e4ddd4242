package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// consulPlain is the statistic of the chain by which a proxy takes plain text, at the service's own port (hashicorp/consul
// agent/xds/listeners.go makePermissiveFilterChain, command/config/config.go; Envoy names the prefix as a label:
// envoyproxy/envoy source/common/config/well_known_names.cc TCP_PREFIX; read 2026-11-21).
const consulPlain = `envoy_tcp_downstream_cx_total{envoy_tcp_prefix="permissive_public_listener",namespace="%s"}`

// consulRestarts puts the workloads of each namespace on its way to another mode in the order in which they get proxies.
// Consul learns the address of a Service with the first of its pods that is registered, and pods without a proxy are not:
// before it, callers with a proxy do not know the service, and after it they find those pods alone. So callees come before
// callers; those in a circle, and whom they call, come first of all (hashicorp/consul-k8s v2.0.3
// control-plane/connect-inject/controllers/endpoints/endpoints_controller.go, assignServiceVirtualIP; read 2026-11-22).
func (l *lowering) consulRestarts() {
	for i := range l.p.Mesh.Migrations {
		m := &l.p.Mesh.Migrations[i]
		calls := map[string][]string{}
		var names []string
		for k := range l.p.Services {
			s := &l.p.Services[k]
			if s.Namespace != m.Namespace || !s.Meshed || s.Workload == "Job" || s.Workload == "CronJob" {
				continue
			}
			names = append(names, s.Name)
			for _, c := range s.Callees {
				if c.Namespace == s.Namespace && c.Name != s.Name {
					calls[s.Name] = append(calls[s.Name], c.Name)
				}
			}
		}
		order := callersFirst(names, calls)
		slices.Reverse(order)
		circle := slices.DeleteFunc(names, func(n string) bool { return slices.Contains(order, n) })
		for _, name := range slices.Concat(circle, order) {
			s := l.find(m.Namespace + "/" + name)
			m.Restarts = append(m.Restarts, ir.Restart{Namespace: s.Namespace, Service: s.Name, Workload: s.Workload, Labels: s.Labels})
		}
	}
}

// consulPlainText tells which services still take plain text, in each namespace that is on its way to refuse it. Who sends
// it is not said: policies of the network admit callers that the site declares, and nobody else.
func consulPlainText(l *lowering) []ir.Rule {
	var out []ir.Rule
	for _, m := range l.p.Mesh.Migrations {
		if m.Target != "strict" || m.Stage == "strict" {
			continue
		}
		next := "Move its callers into the mesh; stage permissive is next."
		if m.Stage == "permissive" {
			next = "Its callers would be refused in stage strict, which is next."
		}
		out = append(out, ir.Rule{Alert: "PlainTextCaller", Severity: warning, For: "5m", Labels: []ir.KV{{Key: "namespace", Value: m.Namespace}},
			Expr:        "sum by (namespace, pod) (" + arrived("1h", fmt.Sprintf(consulPlain, m.Namespace)) + ") > 0",
			Summary:     "{{ $labels.namespace }}/{{ $labels.pod }} is called in plain text.",
			Description: "By a caller without a proxy: the network admits those that the site declares. " + next,
			From:        slices.Clone(m.From)})
	}
	return out
}
