package consul

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// breakGlass lifts what the mesh refuses: every service admits any other one of the site, and takes plain text. Callers
// of other sites stay as they are. Who sends plain text is told apart by NetworkPolicy, as before.
func (e *emitter) breakGlass() {
	g := e.p.BreakGlass
	if g == nil {
		return
	}
	m := &e.p.Mesh
	if !e.secondary() {
		e.proxyDefaults(backend.BreakGlassOpen, "permissive", slices.Concat(g.From, e.k.From, m.AccessLogsFrom))
		e.meshEntry(backend.BreakGlassOpen, true, e.forAll(slices.Concat(g.From, m.From.Of("egressPolicy"))))
	}
	everybody := ir.ConsulCaller{Name: "*"}
	for i := range e.k.Services {
		s := &e.k.Services[i]
		if s.Migrating {
			// What a service says for itself goes before the mode of all (Consul, service-defaults: an empty MutualTLSMode
			// is that of proxy-defaults; read 2026-11-22). It may be at any stage, whichever the site says.
			e.defaults(backend.BreakGlassOpen, s, "permissive", slices.Concat(g.From, s.From), s.PermissiveFrom)
		}
		if len(s.Callers) == 0 {
			continue
		}
		e.add(backend.BreakGlassOpen, "ServiceIntentions", s.Namespace, s.Name, slices.Concat(g.From, s.From), func(y *artifact.YAML) {
			y.Map("destination", func() { y.KV("name", s.Name) })
			y.Seq("sources", func() {
				if e.k.WAN != nil {
					e.openSources(y, s)
					return
				}
				for j := range s.Callers {
					if c := &s.Callers[j]; c.Peer != "" {
						y.From("", c.From...)
						y.Item(func() { source(y, c) })
					}
				}
				y.Fixed()
				y.Item(func() { source(y, &everybody) })
			})
			wanted(y, s) // tokens are of who uses the service, not of the mesh
		})
	}
	if e.k.WAN != nil {
		return // the default is one for all datacenters: what nobody may call stays so
	}
	e.defaultIntention(backend.BreakGlassOpen, "allow", "Of services that have no intentions.", slices.Concat(g.From, e.k.From))
}

// migrationStages writes, for each namespace on its way to another mode, the modes of its services in each stage; and that
// the servers take those that are permissive, without which there is no way back. Of datacenters the primary says that for all.
func (e *emitter) migrationStages() {
	for _, m := range e.p.Mesh.Migrations {
		for _, step := range m.Steps {
			phase, mode := backend.MigrationStage(m.Namespace, step.Name), "strict"
			if step.Permissive {
				mode = "permissive"
			}
			if step.Permissive && !e.secondary() {
				e.meshEntry(phase, true, e.forAll(slices.Concat(m.From, e.p.Mesh.From.Of("egressPolicy"))))
			}
			for i := range e.k.Services {
				if s := &e.k.Services[i]; s.Namespace == m.Namespace && !s.Machine {
					e.defaults(phase, s, mode, slices.Concat(m.From, s.From), m.From)
				}
			}
		}
	}
}
