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
		out = append(out, ir.Rule{Alert: "PlainTextCaller", Severity: warning, For: "5m",
			Expr:        "sum by (namespace, pod) (" + arrived("1h", fmt.Sprintf(consulPlain, m.Namespace)) + ") > 0",
			Summary:     "{{ $labels.namespace }}/{{ $labels.pod }} is called in plain text.",
			Description: "By a caller without a proxy: the network admits those that the site declares. " + next,
			From:        slices.Clone(m.From)})
	}
	return out
}
