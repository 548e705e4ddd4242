package rules

import (
	"cmp"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// LinkerdNameless finds workloads whose certificates Linkerd does not sign, for their names.
var LinkerdNameless = &check.Rule{
	ID: "MG5823", Name: "linkerd-nameless", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `out of an account and the trust domain Linkerd makes no name that a certificate can have

The certificate of a pod is for ACCOUNT.NAMESPACE.serviceaccount.identity.linkerd.TRUSTDOMAIN, a name of DNS: the account is one
label of it, without a dot and of at most 63 characters, and the whole has at most 253. For other accounts the control plane
signs nothing, and their pods never become ready. Machines have names of their own under the trust domain, as long at the most.
Source: linkerd/linkerd2 version-2.20 controller/identity/domain.go (Identity), the ExternalWorkload kind (identity and serverName:
253 characters); RFC 1035, section 2.3.4; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		s, m := p.Site, p.Profiles.Mesh("linkerd")
		if s.Mesh.Kind != "linkerd" {
			return
		}
		label := func(at, what, account, hint string) bool {
			switch {
			case strings.Contains(account, "."):
				p.Reportf(at, "%s has the account %q: in the name of a certificate of mesh linkerd it is one label, which has no dot", what, account).
					Related("mesh.kind", "the mesh").Hintf(hint, strings.ReplaceAll(account, ".", "-"))
			case len(account) > labelMax:
				p.Reportf(at, "%s has the account %q of %d characters: in the name of a certificate of mesh linkerd it is one label, of at most %d", what, account, len(account), labelMax).
					Related("mesh.kind", "the mesh").Hintf("an account of at most %d characters", labelMax)
			default:
				return true
			}
			return false
		}
		var longest struct{ name, what, at string } // one finding, for the trust domain is in all of them
		long := func(at, what string, names ...string) {
			for _, name := range names {
				if len(name) > len(longest.name) {
					longest.name, longest.what, longest.at = name, what, at
				}
			}
		}
		for v := range services(s) {
			account, what := cmp.Or(v.ServiceAccount, v.name), "service "+v.namespace+"/"+v.name
			switch {
			case !s.Namespaces[v.namespace].Mesh:
			case v.Workload == "VM":
				long(v.path, what, lower.LinkerdMachine(v.name, v.namespace, s.Mesh.TrustDomain), lower.LinkerdMachineURI(account, v.namespace, s.Mesh.TrustDomain))
			case label(v.path+".serviceAccount", what, account, "serviceAccount: %q"):
				long(v.path, what, lower.LinkerdIdentity(m.Namespace, account, v.namespace, s.Mesh.TrustDomain))
			}
		}
		if sc := s.Observability.Scraper; sc != nil && sc.Meshed {
			if label("observability.scraper.serviceAccount", "the scraper", sc.ServiceAccount, "serviceAccount: %q, and the same where it is installed") {
				long("observability.scraper.serviceAccount", "the scraper", lower.LinkerdIdentity(m.Namespace, sc.ServiceAccount, sc.Namespace, s.Mesh.TrustDomain))
			}
		}
		if over := len(longest.name) - domainMax; over > 0 {
			p.Reportf("mesh.trustDomain", "with the trust domain the certificates of %s are for a name of %d characters: %d are the most", longest.what, len(longest.name), domainMax).
				Related(longest.at, "the longest names").Hintf("a trust domain of at most %d characters", len(s.Mesh.TrustDomain)-over)
		}
		if s.Federation == nil {
			return
		}
		for n := range byKey(s.Federation.Peers) {
			if made := lower.LinkerdController(n); len(made) > labelMax {
				p.Reportf(site.Join("federation", "peers", n), "what watches site %q has the account %q: %d characters, and %d are the most", n, made, len(made), labelMax).
					Hintf("a name of at most %d characters for the site", labelMax-len(made)+len(n))
			}
		}
	},
}
