package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// breakGlass lifts what the mesh refuses in namespaces of services: who has no certificate is taken, and who is not named
// by a policy too. Policies that admit add up, so that one more opens a namespace and those of the site stay as they are.
// Gateways keep their lists of clients: what leads in from outside is closed as before.
func (e *emitter) breakGlass() {
	g := e.p.BreakGlass
	if g == nil {
		return
	}
	m := &e.p.Mesh
	peers := e.objects(backend.BreakGlassOpen, "PeerAuthentication")
	if m.Strict {
		e.peerAuthentication(peers, m.Namespace, false, slices.Concat(m.From.Of("mtls"), g.From))
	}
	policies := e.objects(backend.BreakGlassOpen, "AuthorizationPolicy")
	for _, n := range g.Open {
		// On its way to another mode a namespace may be at any of its stages, whichever the site says.
		if e.migrating(n.Name) || !n.Permissive && !m.Strict {
			e.peerAuthentication(peers, n.Name, false, slices.Concat(e.modeFrom(n.Name), g.From))
		}
		policies.Add(backend.Meta{APIVersion: securityV1, Namespace: n.Name, Name: "break-glass", Labels: []ir.KV{backend.Staged("break-glass")},
			From: g.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.KV("action", "ALLOW")
				y.Comment("One rule without a condition: everybody.")
				y.Seq("rules", func() { y.Item(func() {}) })
			})
		})
		if w := m.Waypoint; w != nil && n.Waypoint {
			e.openWaypoint(policies, n, w)
		}
	}
}

// openWaypoint admits everybody at a waypoint, where policies without a target do not hold.
func (e *emitter) openWaypoint(o *backend.Writer, n ir.Namespace, w *ir.Waypoint) {
	from := slices.Concat(e.p.BreakGlass.From, n.From.Of("waypoint"), w.From)
	o.Add(backend.Meta{APIVersion: securityV1, Namespace: n.Name, Name: "break-glass-waypoint", Labels: []ir.KV{backend.Staged("break-glass")}, From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			target(y, gatewayAPIGroup, "Gateway", w.Name)
			y.KV("action", "ALLOW")
			y.Comment("One rule without a condition: everybody.")
			y.Seq("rules", func() { y.Item(func() {}) })
		})
	})
}

// migrationStages writes, for each namespace on its way to another mode, what differs between the stages: the mode, and
// the policies of its services, which admit callers without a certificate where those are taken.
func (e *emitter) migrationStages() {
	for _, m := range e.p.Mesh.Migrations {
		for _, step := range m.Steps {
			stage := &emitter{p: e.at(m, step), t: e.t}
			phase := backend.MigrationStage(m.Namespace, step.Name)
			stage.peerAuthentication(stage.objects(phase, "PeerAuthentication"), m.Namespace, !step.Permissive, m.From)
			stage.servicePolicies(phase)
		}
	}
}

// admitted are the callers of a service. Those of the mesh come a second time, without an identity, where they are taken
// without a proxy: what a proxy that sees requests holds them to is the same.
func admitted(s *ir.Service) []ir.Caller {
	if !s.Unproxied {
		return s.Callers
	}
	var out []ir.Caller
	for _, c := range s.Callers {
		out = append(out, c)
		if c.OfMesh() {
			c.Identity = ""
			out = append(out, c)
		}
	}
	return out
}

// at is the plan of one namespace in a stage, and of no other.
func (e *emitter) at(m ir.Migration, step ir.MigrationStep) *ir.Plan {
	p := *e.p
	p.Namespaces = slices.Clone(p.Namespaces)
	for i := range p.Namespaces {
		if p.Namespaces[i].Name == m.Namespace {
			p.Namespaces[i].Permissive = step.Permissive
		}
	}
	p.Services = nil
	for _, s := range e.p.Services {
		if s.Namespace == m.Namespace {
			s.Permissive, s.Unproxied, s.EdgesFrom = step.Permissive, step.Unproxied, append(m.From[:len(m.From):len(m.From)], s.EdgesFrom...)
			p.Services = append(p.Services, s)
		}
	}
	return &p
}
