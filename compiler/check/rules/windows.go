package rules

import (
	"fmt"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// versionRules are the rules about releases and what they accept of each other.
var versionRules = []*check.Rule{
	KubernetesWindow,
	GatewayAPIWindow,
	NoCommonWindow,
	RouteKindIgnored,
	RouteKindNotServed,
	UnknownGatewayAPIRelease,
	ExperimentalChannel,
	UnknownCNIRelease,
	PreRelease,
	MeshEOL,
	KubernetesEOL,
	UpgradeSkew,
	UnknownUpgradeRelease,
	UpgradeRevision,
	RetiredLocation,
	DeprecatedName,
	DeprecatedBackend,
}

// party is something with a release that accepts only some releases of what all share.
type party struct {
	product, version string // "istio-sidecar", "1.31.1"
	path             string // of the version in the site
	accepts          windows
	lines            func() []candidate // all that is known of the product, oldest first
}

func (a party) String() string { return a.product + " " + a.version }

// mainline is a version without what follows its numbers: "1.35.2" of "1.35.2+k3s1" and of "1.35.2-rc.1".
func mainline(version string) string {
	if i := strings.IndexAny(version, "-+"); i >= 0 {
		return version[:i]
	}
	return version
}

// parties are those whose releases are known, in the order in which they are settled: what is hardest to move first.
func parties(p *check.Pass) []party {
	var out []party
	add := func(product, version, path string, row func(string) (candidate, bool), lines []string) {
		have, ok := row(mainline(version))
		if version == "" || !ok {
			return
		}
		out = append(out, party{product, version, path, have.accepts, func() []candidate {
			var all []candidate
			for _, line := range lines {
				c, _ := row(line)
				c.version = line
				all = append(all, c)
			}
			return all
		}})
	}
	s := p.Site
	cni := p.Profiles.CNI(s.Kubernetes.CNI.Kind)
	add(s.Kubernetes.CNI.Kind, s.Kubernetes.CNI.Version, "kubernetes.cni.version", func(v string) (candidate, bool) {
		r := cni.Release(v)
		if r == nil {
			return candidate{}, false
		}
		c := candidate{accepts: windows{onKubernetes: r.Kubernetes}}
		if s.Mesh.Kind == s.Kubernetes.CNI.Kind && meshServesGateways(s) && r.GatewayAPI != nil {
			c.accepts[onGatewayAPI] = *r.GatewayAPI
		}
		return c, true
	}, cni.Lines())
	if lb := p.Profiles.LoadBalancer(s.LoadBalancer.Kind); lb != nil && lb.CNI == "" {
		add(s.LoadBalancer.Kind, s.LoadBalancer.Version, "loadBalancer.version", func(v string) (candidate, bool) {
			r := lb.Release(v)
			if r == nil || r.Kubernetes.Min == "" {
				return candidate{}, false
			}
			return candidate{accepts: windows{onKubernetes: r.Kubernetes}}, true
		}, lb.Lines())
	}
	if m := p.Profiles.Mesh(s.Mesh.Kind); m != nil && m.CNI == "" {
		row := func(v string) (candidate, bool) {
			r := m.Release(v)
			if r == nil {
				return candidate{}, false
			}
			c := candidate{accepts: windows{onKubernetes: r.Kubernetes}, ended: past(p.Now, r.EOL)}
			if r.GatewayAPI.Window != nil {
				c.accepts[onGatewayAPI] = *r.GatewayAPI.Window
			}
			return c, true
		}
		add(s.Mesh.Kind, s.Mesh.Version, "mesh.version", row, m.Lines())
		if u := s.Mesh.Upgrade; u != nil && u.To != s.Mesh.Version {
			add(s.Mesh.Kind, u.To, "mesh.upgrade.to", row, m.Lines())
		}
	}
	k := p.Profiles.Kubernetes()
	add("cert-manager", s.Components.CertManager.Version, "components.certManager.version", func(v string) (candidate, bool) {
		r := k.CertManagerRelease(v)
		if r == nil {
			return candidate{}, false
		}
		return candidate{accepts: windows{onKubernetes: r.Kubernetes}}, true
	}, k.CertManagerLines())
	seen := map[string]bool{}
	for gn, g := range byKey(s.Gateways) {
		if g.Implementation == nil || g.Frontend != "gateway-api" || seen[g.Implementation.Kind+" "+g.Implementation.Version] {
			continue
		}
		seen[g.Implementation.Kind+" "+g.Implementation.Version] = true
		prof := p.Profiles.Gateway(g.Implementation.Kind)
		add(g.Implementation.Kind, g.Implementation.Version, site.Join("gateways", gn, "implementation", "version"), func(v string) (candidate, bool) {
			r := prof.Release(v)
			if r == nil {
				return candidate{}, false
			}
			c := candidate{accepts: windows{onGatewayAPI: r.GatewayAPI}, ended: past(p.Now, r.EOL)}
			if r.Kubernetes != nil {
				c.accepts[onKubernetes] = *r.Kubernetes
			}
			return c, true
		}, prof.Lines())
	}
	return out
}

// meshServesGateways reports whether some gateway is the mesh's own and speaks Gateway API.
func meshServesGateways(s *site.Site) bool {
	for _, g := range s.Gateways {
		if g.Frontend == "gateway-api" && g.Implementation == nil {
			return true
		}
	}
	return false
}

// past reports whether a day is over. No day, or no today, is never over.
func past(now time.Time, day string) bool {
	return day != "" && !now.IsZero() && now.UTC().Format(time.DateOnly) > day
}

// apart returns the two parties that have no release of an axis in common, or false where all have one. Of ranges, all
// meet if any two do, so two are always to blame.
func apart(all []party, x axis) (first, second party, ok bool) {
	for i, b := range all {
		wb, known := b.accepts[x]
		if !known {
			continue
		}
		for _, a := range all[:i] {
			if wa, known := a.accepts[x]; known {
				if _, meet := intersect(wa, wb); !meet {
					return a, b, true
				}
			}
		}
	}
	return party{}, party{}, false
}

// suitsAll returns what all parties accept of an axis, as text, or "" where nobody cares.
func suitsAll(all []party, x axis) string {
	out := windows{}
	for _, a := range all {
		if w, ok := a.accepts[x]; ok {
			both, meet := narrow(out, windows{x: w})
			if !meet {
				return ""
			}
			out = both
		}
	}
	if w, ok := out[x]; ok {
		return w.String()
	}
	return ""
}

// KubernetesWindow finds a release of Kubernetes that a component does not support.
var KubernetesWindow = &check.Rule{
	ID: "MG5201", Name: "kubernetes-outside-window", Severity: diag.Error, On: check.OnSite,
	Doc: `the release of Kubernetes lies outside the window of a component

Below the window an installation is refused or calls APIs that are not there yet; above it nobody has tried, and the
first removed API stops the component. One minor release above the newest that was tested is a warning.
Source: the supported or tested releases of each product; they stand in the profiles with the day of reading.`,
	Run: func(p *check.Pass) {
		have := p.Site.Kubernetes.Version
		all := parties(p)
		if _, _, torn := apart(all, onKubernetes); torn {
			return // no-common-window says so, whatever Kubernetes is chosen
		}
		for _, a := range all {
			w, ok := a.accepts[onKubernetes]
			if !ok || w.Contains(mainline(have)) {
				continue
			}
			r := p.Reportf("kubernetes.version", "Kubernetes %s is outside the window of %s: %s", have, a, w).Related(a.path, "its release")
			if minorsAbove(mainline(have), w.Max) == 1 {
				r.Warning()
			}
			switch fit := fitting(a, onKubernetes, mainline(have)); {
			case fit != "":
				r.Hintf("releases of %s that take it: %s; or Kubernetes %s, which suits all", a.product, fit, suitsAll(all, onKubernetes))
			default:
				r.Hintf("Kubernetes %s suits all", suitsAll(all, onKubernetes))
			}
		}
	},
}

// minorsAbove returns by how many minor releases a version is above a bound, or 0.
func minorsAbove(version, bound string) int {
	v, errV := profile.ParseVersion(version)
	w, errW := profile.ParseVersion(bound)
	if errV != nil || errW != nil || v.Major != w.Major || v.Minor < w.Minor {
		return 0
	}
	return v.Minor - w.Minor
}

// fitting lists the release lines of a party's product that accept a version, oldest first.
func fitting(a party, x axis, version string) string {
	var out []string
	for _, c := range a.lines() {
		if w, ok := c.accepts[x]; ok && w.Contains(version) && !c.ended {
			out = append(out, c.version)
		}
	}
	return strings.Join(out, ", ")
}

// NoCommonWindow finds components that no release of Kubernetes or of the Gateway API suits together.
var NoCommonWindow = &check.Rule{
	ID: "MG5203", Name: "no-common-window", Severity: diag.Error, On: check.OnSite,
	Doc: `two components accept no release of Kubernetes, or of the Gateway API, in common

Both live in one cluster, which has one release of each: whichever is installed, one of the two ignores its objects or
does not start. No choice of the shared release mends that; one of the components has to move.
Source: the windows of both products; they stand in the profiles with the day of reading.`,
	Run: func(p *check.Pass) {
		all := parties(p)
		for _, x := range []axis{onKubernetes, onGatewayAPI} {
			a, b, torn := apart(all, x)
			if !torn {
				continue
			}
			r := p.Reportf(b.path, "no release of %s suits both %s, which accepts %s, and %s, which accepts %s",
				x.spoken(), a, a.accepts[x], b, b.accepts[x]).Related(a.path, "accepts %s", a.accepts[x])
			if set := newestSet(p, all, x); set != "" {
				r.Hintf("newest set that does: %s", set)
			} else {
				r.Hintf("no releases that are known of both have one in common: one of the products has to go")
			}
		}
	},
}

// newestSet says which releases of those who care for an axis work together, and with what. Kubernetes stays where it is
// unless it is what they part over.
func newestSet(p *check.Pass, all []party, x axis) string {
	var choices []choice
	seen := map[string]bool{}
	for _, a := range all {
		if _, cares := a.accepts[x]; cares && !seen[a.product] {
			seen[a.product] = true
			choices = append(choices, choice{a.product, a.lines()})
		}
	}
	given := windows{}
	if k := mainline(p.Site.Kubernetes.Version); x != onKubernetes {
		given[onKubernetes] = profile.Window{Min: k, Max: k}
	}
	got, ok := solve(choices, given)
	if !ok {
		return ""
	}
	var words []string
	for i, c := range got.picks {
		word := choices[i].name + " " + c.version
		if c.ended {
			word += " (past its end of life)"
		}
		words = append(words, word)
	}
	return fmt.Sprintf("%s, with %s %s", strings.Join(words, ", "), x, got.shared[x])
}
