package rules

import (
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// How long before its end a certificate of the authority is late, and how long before it is time to plan. A root is
// replaced in three steps, with a restart of all workloads in each: linkerd check asks for 60 days.
const (
	lateDays = 60
	planDays = 180
)

// caDate is the last day of a certificate of the mesh's authority.
type caDate struct {
	path, what, day string
	root            bool // to replace it, all workloads are restarted
	renewed         bool // by itself: only its end counts
}

func caDates(s *site.Site) []caDate {
	ca := s.Mesh.CA
	if ca == nil || s.Mesh.Kind == "none" {
		return nil
	}
	renewed := ca.Kind == "cert-manager" || ca.Kind == "vault" || ca.Kind == "spire" ||
		ca.Issuer != nil && ca.Issuer.CertManagerIssuer != ""
	out := []caDate{
		{"mesh.ca.rootNotAfter", "root certificate", ca.RootNotAfter, true, false},
		{"mesh.ca.intermediateNotAfter", "intermediate certificate", ca.IntermediateNotAfter, false, renewed},
	}
	if ca.TrustAnchor != nil {
		out = append(out, caDate{"mesh.ca.trustAnchor.notAfter", "trust anchor", ca.TrustAnchor.NotAfter, true, false})
	}
	return out
}

// daysLeft counts the days until a certificate's last one; ok is false without a day on either side.
func (d caDate) daysLeft(now time.Time) (days int, ok bool) {
	end, err := time.Parse(time.DateOnly, d.day)
	if err != nil || now.IsZero() {
		return 0, false
	}
	today := now.UTC().Truncate(24 * time.Hour)
	return int(end.Sub(today) / (24 * time.Hour)), true
}

// CAExpired finds an authority whose certificate has ended.
var CAExpired = &check.Rule{
	ID: "MG5170", Name: "ca-expired", Severity: diag.Error, On: check.OnSite, Dated: true,
	Doc: `a certificate of the mesh's authority has ended

No certificate that it signed verifies any more: every connection between workloads is refused.
Source: RFC 5280, 6.1; linkerd.io, linkerd check: trust anchors are within their validity period.`,
	Run: func(p *check.Pass) {
		for _, d := range caDates(p.Site) {
			if left, ok := d.daysLeft(p.Now); ok && left < 0 {
				p.Reportf(d.path, "the %s of mesh %s ended on %s, %d day(s) ago", d.what, p.Site.Mesh.Kind, d.day, -left).
					Hintf("replace it, and write its new last day here")
			}
		}
	},
}

// CAExpiresSoon finds an authority whose certificate ends soon.
var CAExpiresSoon = &check.Rule{
	ID: "MG5171", Name: "ca-expires-soon", Severity: diag.Error, On: check.OnSite, Dated: true,
	Doc: `a certificate of the mesh's authority ends soon

To replace a root, all workloads must trust the old and the new one, then be signed by the new one, then forget the
old: three restarts of everything. Under 60 days that is an error in production, under 180 days a warning. What
cert-manager, Vault or SPIRE renews by itself is left alone.
Source: linkerd/linkerd2 pkg/healthcheck, trust anchors valid for at least 60 days; istio.io, root transition.`,
	Run: func(p *check.Pass) {
		for _, d := range caDates(p.Site) {
			left, ok := d.daysLeft(p.Now)
			if !ok || left < 0 || left >= planDays || d.renewed {
				continue
			}
			r := p.Reportf(d.path, "the %s of mesh %s ends on %s, in %d day(s)", d.what, p.Site.Mesh.Kind, d.day, left)
			if d.root {
				r.Hintf("begin to replace it: a new root takes three restarts of all workloads")
			} else {
				r.Hintf("have a new one signed by the same root, and write its last day here")
			}
			if left >= lateDays || p.Site.Environment != "production" {
				r.Warning()
			}
		}
	},
}

// TTLOverIssuer finds certificates for workloads that would outlive their issuer.
var TTLOverIssuer = &check.Rule{
	ID: "MG5172", Name: "workload-ttl-over-issuer", Severity: diag.Error, On: check.OnSite, Dated: true,
	Doc: `certificates of workloads would live longer than the intermediate that signs them

An authority cuts them short or refuses to sign: renewals crowd together towards its last day, and stop on it.
Source: RFC 5280, 6.1; istio/istio 1.31.0 security/pkg/pki/ca: certificates are bound by the signing certificate.`,
	Run: func(p *check.Pass) {
		ca := p.Site.Mesh.CA
		if ca == nil {
			return
		}
		ttl := site.ParseDuration(ca.WorkloadTTL)
		if isIstio(p.Site.Mesh.Kind) && ttl > longestTTL {
			return // workload-ttl says so
		}
		var first *caDate // to end, of those that bound a certificate
		least := 0
		for _, d := range caDates(p.Site) {
			left, ok := d.daysLeft(p.Now)
			if ok && left >= 0 && !d.renewed && (first == nil || left < least) {
				first, least = &d, left
			}
		}
		if first != nil && ttl > time.Duration(least+1)*24*time.Hour {
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and the %s ends on %s, in %d day(s)", ca.WorkloadTTL, first.what, first.day, least).Hintf("workloadTTL: \"%dh\" at most", max(1, least*24)).
				Related(first.path, "its last day")
		}
	},
}
