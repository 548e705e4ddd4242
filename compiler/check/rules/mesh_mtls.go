package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// mtlsMode is the mode of a namespace, and where it is said.
func mtlsMode(s *site.Site, name string) (mode, at string) {
	if m := s.Namespaces[name].MTLS; m != "" {
		return m, site.Join("namespaces", name, "mtls")
	}
	return s.Mesh.MTLS, "mesh.mtls"
}

// PermissiveForNobody finds plain text that is taken for nobody's sake.
var PermissiveForNobody = &check.Rule{
	ID: "MG5150", Name: "permissive-for-nobody", Severity: diag.Warning, On: check.OnSite,
	Doc: `in production a namespace takes plain text, and nobody outside the mesh calls it

Permissive is for callers without a certificate and for migrations. The site declares neither, so all that the open door
lets in is what nobody declared: traffic without encryption and without an identity that policy could ask for.
Source: istio.io, mutual TLS migration; linkerd.io, restricting access to services; Consul, permissive mutual TLS.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Kind == "none" {
			return
		}
		outside := outsideCallers(s)
		bySite := []string{}
		for nn, n := range byKey(s.Namespaces) {
			env := n.Environment
			if env == "" {
				env = s.Environment
			}
			mode, at := mtlsMode(s, nn)
			if mode != "permissive" || !n.Mesh || len(n.Services) == 0 || n.Migration != nil || outside[nn] || env != "production" {
				continue
			}
			if at == "mesh.mtls" {
				bySite = append(bySite, nn)
				continue
			}
			p.Reportf(at, "namespace %q takes plain text (mtls is permissive), and nobody outside the mesh is declared to call it", nn).
				Hintf("mtls: \"strict\", or migration: {stage: \"observe\", target: \"strict\"}").Fix(at, `"strict"`, "write \"strict\"")
		}
		if len(bySite) > 0 {
			p.Reportf("mesh.mtls", "the site takes plain text (mtls is permissive), and nobody outside the mesh is declared to call %s", some(bySite, ", ")).
				Hintf("mtls: \"strict\", and \"permissive\" for the namespaces that need it")
		}
	},
}

// outsideCallers are the namespaces that somebody without a certificate calls: a workload outside the mesh or a VM.
func outsideCallers(s *site.Site) map[string]bool {
	out := map[string]bool{}
	for svc := range services(s) {
		if s.Namespaces[svc.namespace].Mesh && svc.Workload != "VM" {
			continue
		}
		for _, c := range svc.Calls {
			ns, _, _ := strings.Cut(c, "/")
			out[ns] = true
		}
	}
	for _, e := range s.Exposures {
		ns, _, _ := strings.Cut(e.Service, "/")
		out[ns] = true
	}
	return out
}

// MigrationContradicts finds a migration that is not where it says it stands.
var MigrationContradicts = &check.Rule{
	ID: "MG5151", Name: "migration-contradicts-mtls", Severity: diag.Error, On: check.OnSite,
	Doc: `the stage of an mTLS migration contradicts the mode in force

Stages observe and permissive are for finding the callers that still speak plain text: with mode strict these are
refused already. Stage strict says that they are, and with mode permissive they are not.
Source: istio.io, mutual TLS migration.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Migration == nil || p.Site.Mesh.Kind == "none" {
				continue
			}
			at := site.Join("namespaces", nn, "migration")
			mode, modeAt := mtlsMode(p.Site, nn)
			switch stage := n.Migration.Stage; {
			case !n.Mesh:
				p.Reportf(at, "namespace %q migrates its mTLS mode and is outside the mesh", nn).Hintf("namespaces: %s: mesh: true; or leave migration out", nn).Related(site.Join("namespaces", nn, "mesh"), "outside the mesh")
			case stage == "strict" && mode == "permissive":
				p.Reportf(at+".stage", "the migration of namespace %q is at stage strict, and its mode is permissive", nn).
					Hintf("namespaces: %s: mtls: \"strict\"", nn).Related(modeAt, "the mode")
			case stage != "strict" && mode == "strict":
				p.Reportf(at+".stage", "the migration of namespace %q is at stage %s, and its mode is strict: plain text is refused already", nn, stage).
					Hintf("namespaces: %s: mtls: \"permissive\" until nobody sends it any more", nn).Related(modeAt, "the mode")
			}
		}
	},
}

// MigrationOfNothing finds a migration in a namespace that nobody can call.
var MigrationOfNothing = &check.Rule{
	ID: "MG5818", Name: "migration-of-nothing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a namespace changes its mTLS mode, and has no service with a port

Linkerd and Consul have the mode of each service, at its ports: without any there is nothing that a stage could change.
Source: linkerd.io, authorization policy, Server; Consul, service-defaults, mutualTLSMode.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		if kind != "linkerd" && kind != "consul" {
			return
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			called := func() bool {
				for _, s := range n.Services {
					if len(s.Ports) > 0 && (kind == "linkerd" || s.Workload != "VM") {
						return true
					}
				}
				return false
			}
			if n.Migration != nil && n.Mesh && !called() {
				p.Reportf(site.Join("namespaces", nn, "migration"), "namespace %q migrates its mTLS mode, and has no service with a port: nobody calls it", nn).
					Hintf("leave migration out until it has").Related("mesh.kind", "the mesh")
			}
		}
	},
}

// MigrationOver finds a migration that has arrived, or leads away from mutual TLS.
var MigrationOver = &check.Rule{
	ID: "MG5152", Name: "migration-over", Severity: diag.Note, On: check.OnSite,
	Doc: `an mTLS migration has arrived at its target

What is left of it keeps the runbook's steps and the alerts of a change that is over; mtls alone says the same.
Source: istio.io, mutual TLS migration: lock down to mutual TLS.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			m := n.Migration
			if mode, _ := mtlsMode(p.Site, nn); m != nil && n.Mesh && m.Stage == m.Target && mode == m.Target {
				p.Reportf(site.Join("namespaces", nn, "migration"), "the migration of namespace %q has arrived at %s", nn, mode).
					Hintf("remove migration, and keep mtls: %q", mode)
			}
		}
	},
}

// MTLSOutside finds a mode for pods that have no proxies.
var MTLSOutside = &check.Rule{
	ID: "MG5153", Name: "mtls-outside-mesh", Severity: diag.Error, On: check.OnSite,
	Doc: `a namespace outside the mesh requires mutual TLS

Its pods have no proxy: nothing ends TLS for them, nothing asks a caller for a certificate, and their services stay open
to everybody in plain text.
Source: istio.io, PeerAuthentication; linkerd.io, proxy injection.`,
	Run: func(p *check.Pass) {
		for nn, n := range byKey(p.Site.Namespaces) {
			if at := site.Join("namespaces", nn); n.MTLS == "strict" && !n.Mesh && p.Site.Mesh.Kind != "none" {
				p.Reportf(at+".mtls", "namespace %q requires mutual TLS and is outside the mesh", nn).
					Hintf("mesh: true, or leave mtls out").Related(at+".mesh", "outside the mesh")
			}
		}
	},
}

// StrictVMCaller finds a machine that calls without a certificate.
var StrictVMCaller = &check.Rule{
	ID: "MG5154", Name: "strict-vm-caller", Severity: diag.Warning, On: check.OnSite,
	Doc: `a machine outside the cluster calls a service that requires mutual TLS

Nothing here puts a proxy on a VM, whatever namespace it is declared in. Unless one was enrolled by hand, its
connections are reset at the first byte.
Source: istio.io, virtual machine installation; linkerd.io, adding non-Kubernetes workloads.`,
	Run: func(p *check.Pass) {
		if k := p.Site.Mesh.Kind; k == "none" || k == "cilium" || k == "linkerd" {
			return // nothing is asked for a certificate, or the machine has one
		}
		for s := range services(p.Site) {
			if s.Workload != "VM" || !p.Site.Namespaces[s.namespace].Mesh {
				continue // outside the mesh, strict-unmeshed-caller says so
			}
			for i, c := range s.Calls {
				ns, _, _ := strings.Cut(c, "/")
				if lookup(p.Site, c) != nil && strict(p.Site, ns) {
					p.Reportf(s.path+".calls."+site.Index(i), "%s/%s is a VM and calls %s, which requires mutual TLS", s.namespace, s.name, c).
						Hintf("namespaces: %s: mtls: \"permissive\", or enrol the machine in the mesh", ns).
						Related(site.Join("namespaces", ns), "the namespace of the callee")
				}
			}
		}
	},
}
