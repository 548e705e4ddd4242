package lower

import (
	"fmt"
	"slices"
	"strings"

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

// unproxied opens the edges that lead to services on their way to another mode, for pods of the mesh that have no proxy
// yet: those that started before their namespace was taken in, and those whose own namespace is at an earlier stage. In all
// stages but the last the mesh admits declared callers with and without a certificate. The network knows them by their
// labels, and admits them at the service's own ports in every stage, so that its policies need not change between two of
// them: in the last one the mesh alone refuses. Gateways and other sites come with certificates.
//
// Pods of the service that the node agent has not captured have no tunnel: in ambient mode gateways and waypoints reach them
// at their own ports as well, and ztunnel asks a waypoint whether or not the pods behind it are captured (istio/ztunnel
// src/proxy/outbound.rs build_request; istio/istio 1.31.0 pilot/pkg/xds/endpoints/endpoint_builder.go; read 2026-11-22).
func (l *lowering) unproxied() {
	at, open := map[string]ir.From{}, map[string]bool{}
	for _, m := range l.p.Mesh.Migrations {
		at[m.Namespace] = m.From
		for _, step := range m.Steps {
			open[m.Namespace] = open[m.Namespace] || step.Name == m.Stage && step.Unproxied
		}
	}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if from := at[s.Namespace]; from != nil && s.Meshed {
			s.Migrating, s.Unproxied = true, open[s.Namespace]
			s.EdgesFrom = append(s.EdgesFrom, from...)
			for k := range s.Callers {
				if c := &s.Callers[k]; c.OfMesh() || l.s.Mesh.Kind == "istio-ambient" && c.Kind == "gateway" && s.Waypoint == "" {
					c.Plain, c.From = true, append(slices.Clone(c.From), from...)
				}
			}
		}
		for k := range s.Callees {
			c := &s.Callees[k]
			if from := at[c.Namespace]; from != nil && s.Meshed && l.find(c.Namespace+"/"+c.Name).Meshed {
				c.Plain, c.From = true, append(slices.Clone(c.From), from...)
				s.EdgesFrom = append(s.EdgesFrom, from...)
			}
		}
	}
}

// migrationSteps are the stages up to the target, in their order.
func migrationSteps(target string) []ir.MigrationStep {
	out := []ir.MigrationStep{{Name: "observe", Permissive: true, Next: "permissive"}, {Name: "permissive", Permissive: true, Back: "observe"}}
	if target == "strict" {
		out[1].Next = "strict"
		out = append(out, ir.MigrationStep{Name: "strict", Back: "permissive"})
	}
	for i := range out[:len(out)-1] { // the last stage is what the site is without a migration
		out[i].Unproxied = true
	}
	return out
}

// arrived are counters that grew in a span of time, or began in it: one that nobody has seen before has no increase, so that
// a job which calls once a week would never be told of.
func arrived(span string, counters ...string) string {
	var out []string
	for _, c := range counters {
		out = append(out, fmt.Sprintf("increase(%s[%s]) > 0 or (%s unless %s offset %s)", c, span, c, c, span))
	}
	return strings.Join(out, " or ")
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
		out = append(out, ir.Rule{Alert: "PlainTextCaller", Severity: warning, For: "5m", Labels: []ir.KV{{Key: "namespace", Value: m.Namespace}},
			Expr:        by + "(" + arrived("1h", "istio_requests_total"+which, "istio_tcp_connections_opened_total"+which) + ") > 0",
			Summary:     "{{ $labels.destination_workload_namespace }}/{{ $labels.destination_workload }} is called in plain text.",
			Description: "By {{ $labels.source_workload_namespace }}/{{ $labels.source_workload }}, unknown where it has no proxy. " + next,
			From:        slices.Clone(m.From)})
	}
	return out
}
