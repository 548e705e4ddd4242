package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// migrations are the namespaces whose mode of mutual TLS is being changed.
func (l *lowering) migrations() []ir.Migration {
	var out []ir.Migration
	if !l.istio() && !slices.Contains([]string{"consul", "linkerd"}, l.s.Mesh.Kind) {
		return nil
	}
	for name, n := range byKey(l.s.Namespaces) {
		if n.Migration != nil && n.Mesh {
			path := site.Join("namespaces", name)
			out = append(out, ir.Migration{Namespace: name, Stage: n.Migration.Stage, Target: n.Migration.Target, Steps: migrationSteps(n.Migration.Target),
				From: append(ir.From{path + ".migration"}, under(path, "mtls", "mesh")...)})
		}
	}
	return out
}

// migrationSteps are the stages up to the target, in their order.
func migrationSteps(target string) []ir.MigrationStep {
	out := []ir.MigrationStep{{Name: "observe", Permissive: true, Next: "permissive"}, {Name: "permissive", Permissive: true, Back: "observe"}}
	if target == "strict" {
		out[1].Next = "strict"
		out = append(out, ir.MigrationStep{Name: "strict", Back: "permissive"})
	}
	return out
}

// plainText tells of callers without a certificate, in each namespace that is on its way to refuse them. Nothing is
// refused yet: it is a warning, in both stages. The labels are those of Istio's standard metrics, as
// the callee's proxy reports them (istio.io, Istio Standard Metrics; read 2026-11-21).
func plainText(l *lowering) []ir.Rule {
	var out []ir.Rule
	for _, m := range l.p.Mesh.Migrations {
		if m.Target != "strict" || m.Stage == "strict" {
			continue
		}
		next := "Move it into the mesh, or find out why its proxy does not speak mutual TLS; stage permissive is next."
		if m.Stage == "permissive" {
			next = "It would be refused in stage strict, which is next."
		}
		which := fmt.Sprintf(`{reporter="destination",connection_security_policy!="mutual_tls",destination_workload_namespace="%s"}`, m.Namespace)
		by := "sum by (source_workload, source_workload_namespace, destination_workload, destination_workload_namespace) "
		out = append(out, ir.Rule{Alert: "PlainTextCaller", Severity: warning, For: "5m",
			Expr:        fmt.Sprintf("%s(increase(istio_requests_total%s[1h])) > 0 or %s(increase(istio_tcp_connections_opened_total%s[1h])) > 0", by, which, by, which),
			Summary:     "{{ $labels.destination_workload_namespace }}/{{ $labels.destination_workload }} is called in plain text.",
			Description: "By {{ $labels.source_workload_namespace }}/{{ $labels.source_workload }}, unknown where it has no proxy. " + next,
			From:        slices.Clone(m.From)})
	}
	return out
}
