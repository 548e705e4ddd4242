package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// What a Server does with callers whom no policy admits (linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/index/src/defaults.rs,
// read 2026-11-21). With audit they pass: the proxy's log and its counters name them under "audit".
const (
	linkerdDeny  = "deny"
	linkerdAudit = "audit"
)

// linkerdAccess is what a namespace's Servers do with callers whom no policy admits, and why: all pass while it is looked at
// who they are.
func (l *lowering) linkerdAccess(namespace string) (access string, from ir.From) {
	for _, m := range l.p.Mesh.Migrations {
		switch {
		case m.Namespace != namespace:
		case m.Stage == "observe":
			return linkerdAudit, m.From
		default:
			return linkerdDeny, m.From
		}
	}
	return linkerdDeny, nil
}

// linkerdStages are, for each namespace on its way to another mode, its ports and who is admitted to them in each stage.
// All stages have the same objects, so that applying one takes the place of another: the last one has those that admit
// callers without a certificate too, and asks for one.
func (l *lowering) linkerdStages() {
	for _, m := range l.p.Mesh.Migrations {
		for _, step := range m.Steps {
			access := linkerdDeny
			if step.Name == "observe" {
				access = linkerdAudit
			}
			k := l.linkerdStage(m, step, access)
			l.p.Linkerd.Stages = append(l.p.Linkerd.Stages, ir.LinkerdStage{Namespace: m.Namespace, Name: step.Name, Servers: k.Servers, Grants: k.Grants, Routes: k.ServerRoutes})
		}
	}
}

// linkerdStage is one namespace as it is in a stage.
func (l *lowering) linkerdStage(m ir.Migration, step ir.MigrationStep, access string) *ir.Linkerd {
	site := l.p.Linkerd
	defer func() { l.p.Linkerd = site }()
	l.p.Linkerd = &ir.Linkerd{Probes: site.Probes, ProbesFrom: site.ProbesFrom}
	for _, s := range l.p.Services {
		if s.Namespace != m.Namespace || !s.Meshed && s.Workload != ir.Machine {
			continue
		}
		s.EdgesFrom = append(slices.Clone(m.From), s.EdgesFrom...)
		l.linkerdStaged(&s, step)
	}
	for i := range l.p.Linkerd.Servers {
		l.p.Linkerd.Servers[i].Access = access
	}
	return l.p.Linkerd
}

// linkerdStaged are the ports of a service in a stage.
func (l *lowering) linkerdStaged(s *ir.Service, step ir.MigrationStep) {
	at, before := *s, len(l.p.Linkerd.Grants)
	at.Permissive, at.Unproxied = true, true
	l.linkerdPorts(&at)
	closeAnonymous(l.p.Linkerd.Grants[before:], step)
}

// closeAnonymous asks callers without a certificate for one, in a stage that does not take them: of those who are admitted
// to the same by theirs; where nobody is, of the service itself.
func closeAnonymous(grants []ir.LinkerdGrant, step ir.MigrationStep) {
	for i := range grants {
		g := &grants[i]
		if !g.Anonymous || step.Permissive && (step.Unproxied || !g.Unproxied) {
			continue
		}
		for _, other := range grants {
			if other.Target == g.Target && len(other.Networks) == 0 && !slices.ContainsFunc(other.Accounts, func(a ir.LinkerdAccount) bool { return a.Machine }) {
				g.Accounts = append(g.Accounts, other.Accounts...)
			}
		}
		if len(g.Accounts) == 0 {
			g.Accounts = []ir.LinkerdAccount{g.Own}
		}
		g.From = append(slices.Clone(g.From), "namespaces") // a call of anybody decides whether somebody is admitted besides
		g.Reason = "Stage " + step.Name + ": callers without a certificate are refused."
	}
}

// stage is where a namespace stands on its way to another mode; nil where none is under way.
func (l *lowering) stage(namespace string) *ir.MigrationStep {
	for _, m := range l.p.Mesh.Migrations {
		for i := range m.Steps {
			if m.Namespace == namespace && m.Steps[i].Name == m.Stage {
				return &m.Steps[i]
			}
		}
	}
	return nil
}

// linkerdPlainText tells of callers without a certificate, in each namespace that is on its way to refuse them: kubelets'
// probes apart, they pass by the policy for such callers, or by none (linkerd2-proxy linkerd/app/inbound/src/metrics/authz.rs
// and linkerd/app/core/src/transport/labels.rs, read 2026-11-21).
func linkerdPlainText(l *lowering) []ir.Rule {
	var out []ir.Rule
	for _, m := range l.p.Mesh.Migrations {
		if m.Target != "strict" || m.Stage == "strict" {
			continue
		}
		next := "The proxies' log has its address (Request allowed). Move it into the mesh, or restart it: stage strict refuses it."
		if m.Stage == "permissive" {
			next = "It would be refused in stage strict, which is next. In stage observe the proxies' log has its address."
		}
		which := fmt.Sprintf(`{namespace="%s",tls!="true",authz_name=~"audit|.+-permissive"}`, m.Namespace)
		out = append(out, ir.Rule{Alert: "PlainTextCaller", Severity: warning, For: "5m", Labels: []ir.KV{{Key: "namespace", Value: m.Namespace}},
			Expr:        "sum by (namespace, srv_name) (" + arrived("1h", "inbound_http_authz_allow_total"+which, "inbound_tcp_authz_allow_total"+which) + ") > 0",
			Summary:     "Server {{ $labels.namespace }}/{{ $labels.srv_name }} is called in plain text.",
			Description: next, From: slices.Clone(m.From)})
	}
	return out
}
