package rules

import (
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ClockBudget finds an offset that refuses certificates before it raises an alert.
var ClockBudget = &check.Rule{
	ID: "MG3112", Name: "clock-budget", Severity: diag.Error, On: check.OnSite,
	Doc: `clocks may differ by more than the mesh allows before anybody is told

A certificate is valid from a moment before it was made, so that a clock that is behind takes it. Two clocks that are
each within time.maxOffset, one ahead and one behind, differ by twice as much: beyond the mesh's allowance fresh
certificates are refused while no alert fires. More than a second is a warning in any case: traces, tokens and leases
suffer, and clocks on one site agree a thousand times better.
Source: istio/istio security/pkg/pki/util/generate_cert.go; linkerd/linkerd2 identity.issuer.clockSkewAllowance;
hashicorp/consul agent/connect/ca; cert-manager v1.21.2 pkg/util/pki/certificatetemplate.go, which dates nothing back;
spiffe/spire pkg/server/credtemplate/builder.go, NotBeforeCushion; hashicorp/vault
builtin/logical/pki/fields.go, not_before_duration.`,
	Run: func(p *check.Pass) {
		offset := site.ParseDuration(p.Site.Time.MaxOffset)
		allowed := time.Duration(0)
		if m := p.Profiles.Mesh(p.Site.Mesh.Kind); m != nil {
			allowed = time.Duration(m.ClockToleranceSeconds) * time.Second
			if ca := p.Site.Mesh.CA; ca != nil && ca.Kind == "cert-manager" && m.Signer != nil {
				allowed = time.Duration(m.Signer.ClockToleranceSeconds) * time.Second
			} else if ca != nil && ca.Kind == "spire" && m.SPIRE != nil {
				allowed = time.Duration(m.SPIRE.ClockToleranceSeconds) * time.Second
			} else if ca != nil && ca.Kind == "vault" && m.Vault != nil {
				allowed = time.Duration(m.Vault.ClockToleranceSeconds) * time.Second
			}
		}
		switch {
		case allowed > 0 && 2*offset > allowed:
			p.Reportf("time.maxOffset", "two clocks may be %s apart before an alert fires, and mesh %s makes certificates valid %s back", 2*offset, p.Site.Mesh.Kind, allowed).
				Related("mesh.kind", "the mesh").Hintf("write 100ms")
		case offset > time.Second:
			p.Reportf("time.maxOffset", "clocks may be off by %s before an alert fires", p.Site.Time.MaxOffset).
				Hintf("write 100ms").Warning()
		}
	},
}

// ClockTight finds a bound that clocks do not keep.
var ClockTight = &check.Rule{
	ID: "MG3113", Name: "clock-tight", Severity: diag.Warning, On: check.OnSite,
	Doc: `clocks must agree better than the network lets them

Time stamps made in software are good to some tenths of a millisecond at best. The alert fires all the time, and nobody
looks any more when it matters.
Source: chrony documentation, FAQ: what accuracy is to be expected.`,
	Run: func(p *check.Pass) {
		offset := site.ParseDuration(p.Site.Time.MaxOffset)
		if offset >= time.Millisecond {
			return
		}
		for m := range machines(p.Site) {
			if m.class != nil && !m.class.NIC.HardwareTimestamps && len(m.class.Refclocks) == 0 {
				p.Reportf("time.maxOffset", "clocks must agree to %s, and the interface of class %q does not stamp packets in hardware", p.Site.Time.MaxOffset, m.node.Class).
					Related(site.Join("nodeClasses", m.node.Class, "nic"), "the interface").Hintf("1ms is the least to ask of it; 100ms is the default")
				return
			}
		}
	},
}
